"""Values between the parent and its workers: JSON of the types that were declared, and of nothing else.

No pickle: a worker is the process that strangers talk to, and what it says must mean no more than the list of calls
allows. Texts, numbers and bools are taken for what they are and never converted; a field too many is refused.
"""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from enum import Enum
from inspect import isclass
from typing import Any

from cattrs import BaseValidationError
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from crossdock.adapters.host.workers.frames import BadMessage
from crossdock.core.homes import HomeDirectory
from crossdock.core.logins import Credential

_converter = make_converter(forbid_extra_keys=True)


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def take(value: Any, declared: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{kind.__name__} is wanted, not {type(value).__name__}")
        # cattrs takes an enumeration of texts for a text.
        return declared(value) if isclass(declared) and issubclass(declared, Enum) else value

    return take


for _kind in (str, int, bool):
    _converter.register_structure_hook(_kind, _exactly(_kind))
# The converter's own way with bytes, base85, is Python's and takes a millisecond for what a small object holds.
_converter.register_unstructure_hook(bytes, lambda value: b2a_base64(value, newline=False).decode())
_converter.register_structure_hook(bytes, lambda value, _: a2b_base64(value, strict_mode=True))


def tell_apart(union: Any) -> None:
    """Values of this union carry their type's name: a guess from the fields is another one in each process."""
    configure_tagged_union(union, _converter, tag_name="kind")


tell_apart(Credential)
tell_apart(HomeDirectory)


def plain(value: Any, declared: Any) -> Any:
    """The value as JSON has it; `declared` is its type, which may be any that `typing` can say."""
    return _converter.unstructure(value, unstructure_as=declared)


def structured(document: Any, declared: Any) -> Any:
    """The value of that type. Raises BadMessage when the document is none."""
    try:
        return _converter.structure(document, declared)
    except (BaseValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"what came is no {declared}: {type(error).__name__}") from error


def to_bytes(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def from_bytes(payload: bytes) -> Any:
    """Raises BadMessage for what is no JSON."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadMessage("what came is no JSON") from error
