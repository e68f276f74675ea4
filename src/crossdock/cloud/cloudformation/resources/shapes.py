"""What the values of resource properties may be, and how CloudFormation's texts become them.

Everything in a template may be written as a text: `"30"` is a number where one is wanted, `30` a text likewise.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.parameters import literal

Shape = Callable[[str, Any], Any]
"""The value at a place, as its operation wants it. Raises ServiceError ValidationError naming the place."""
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")


def text(place: str, value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise _wrong(place, "String")
    return literal(value)


def whole(place: str, value: Any) -> int:
    digits = literal(value)
    if not _WHOLE.fullmatch(digits):
        raise _wrong(place, "Integer")
    return int(digits)


def flag(place: str, value: Any) -> bool:
    found = {"true": True, "false": False}.get(literal(value).lower())
    if found is None:
        raise _wrong(place, "Boolean")
    return found


def document(place: str, value: Any) -> str:
    """A policy, as the text that its operation takes. Numbers in it are texts, as account ids are meant to be."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise _wrong(place, "Json")
    return json.dumps(_as_texts(value))


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    return literal(value) if isinstance(value, int | float) else value


def text_or_json(place: str, value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else text(place, value)


def anything(_place: str, value: Any) -> Any:
    """For properties that have no effect."""
    return value


def listed(of: Shape) -> Shape:
    def shape(place: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(place, "List")
        return [of(f"{place}/{number}", item) for number, item in enumerate(value)]

    return shape


def mapped(of: Shape) -> Shape:
    def shape(place: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(place, "Map")
        return {name: of(f"{place}/{name}", item) for name, item in value.items()}

    return shape


def record(members: Mapping[str, Shape], *required: str) -> Shape:
    def shape(place: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(place, "Object")
        if unknown := sorted(value.keys() - members.keys()):
            raise invalid(f"Encountered unsupported property {place}/{unknown[0]}")
        if missing := sorted(set(required) - value.keys()):
            raise invalid(f"Property {place}/{missing[0]} cannot be empty.")
        return {name: members[name](f"{place}/{name}", item) for name, item in value.items()}

    return shape


def _wrong(place: str, kind: str) -> Exception:
    return invalid(f"Value of property {place} must be of type {kind}")


TEXTS = listed(text)
TAGS = listed(record({"Key": text, "Value": text}, "Key", "Value"))
