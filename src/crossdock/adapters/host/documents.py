"""How a row's key and value are written down, whoever keeps them: keys whose bytes sort as the port says, JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from crossdock.core.errors import Unavailable
from crossdock.ports.state import JsonObject, JsonValue, Key, TableSpec

_END = b"\x00"
_ZERO = b"\x00\xff"
"""A NUL inside a part. UTF-8 has no byte 0xFF, so this sorts behind every key in which the part has ended."""


def encode_key(key: Key) -> bytes:
    """Bytes that sort like the keys: part by part, by code points, the shorter key first.

    Each part is UTF-8 (whose bytes sort like code points; lone surrogates are let through) and ends with a zero byte.
    """
    if not key:
        raise ValueError("a row's key has at least one part")
    return encode_prefix(key)


def encode_prefix(prefix: Key) -> bytes:
    return b"".join(part.encode("utf-8", "surrogatepass").replace(_END, _ZERO) + _END for part in prefix)


def decode_key(encoded: bytes) -> Key:
    parts: list[str] = []
    part = bytearray()
    position = 0
    while position < len(encoded):
        end = encoded.index(_END, position)
        part += encoded[position:end]
        if encoded[end : end + 2] == _ZERO:
            part += _END
            position = end + 2
        else:
            parts.append(part.decode("utf-8", "surrogatepass"))
            part.clear()
            position = end + 1
    return tuple(parts)


def prefix_end(prefix: Key) -> bytes:
    """Greater than every key that begins with the prefix, and not greater than any other key behind those."""
    return encode_prefix(prefix) + b"\xff"


def encode_value(value: JsonObject) -> str:
    """Raises ValueError or TypeError for what JSON cannot hold, NaN and infinity among it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)


def decode_value(text: str) -> JsonObject:
    """Raises Unavailable for what `encode_value` never wrote."""
    try:
        return cast(JsonObject, json.loads(text))
    except (ValueError, RecursionError) as error:
        raise Unavailable(f"a stored record is damaged and cannot be read: {error}") from error


def unique_values(spec: TableSpec, value: JsonObject) -> Iterator[tuple[str, str]]:
    """The (field, value) pairs that no other row of the table may have; null is no value."""
    for name in spec.unique:
        held = value.get(name)
        if held is not None:
            yield name, json.dumps(held, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> dict[str, JsonValue] | list[JsonValue]:
    """Mappings and sequences of other kinds, such as MappingProxyType, which the port's JsonValue admits."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")
