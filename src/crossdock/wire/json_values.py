"""JSON bodies: decoded with limits, then read and written by the shapes of the model."""

import json
import math
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime

from botocore.model import ListShape, MapShape, Shape, StructureShape

from crossdock.wire.malformed import Malformed
from crossdock.wire.scalars import FLOATS, INTEGER_BITS, NOT_NUMBERS, check_integer, check_text, read_base64
from crossdock.wire.scalars import write_float as float_text
from crossdock.wire.timestamps import (
    TimestampFormat,
    format_timestamp,
    parse_timestamp,
    timestamp_format,
    unix_number,
)

MAX_DEPTH = 64
MAX_DIGITS = 400
"""Of one number: more than any float has, and far from the length at which parsing becomes slow."""

# A string in one piece (an unterminated one to the end, so that no text is scanned twice), or a bracket.
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def decode_json(body: bytes) -> object:
    """Parse a JSON body.

    Raises:
        Malformed: not UTF-8, not JSON, deeper than MAX_DEPTH, or a number longer than MAX_DIGITS.
    """
    # Counting is cheap; only a body that could be too deep is scanned.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_depth(body)
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except ValueError:
        raise Malformed("the body is not JSON") from None


def _check_depth(body: bytes) -> None:
    depth = 0
    for match in _TOKENS.finditer(body):
        first = body[match.start()]
        if first == 0x5B or first == 0x7B:
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
        elif first != 0x22:
            depth -= 1


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number with too many digits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if len(digits) > MAX_DIGITS or math.isinf(number):
        raise ValueError("a number out of range")
    return number


def _no_constant(word: str) -> float:
    # RFC 8259 has no NaN and no Infinity; AWS carries them as strings.
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_no_constant)


def read_value(shape: Shape, value: object) -> object:
    """A decoded JSON value as the shape's value: blobs as bytes, timestamps as datetimes, unknown members left out.

    Raises:
        Malformed: another type than the shape's.
    """
    kind = shape.type_name
    if kind == "string" or kind == "character":
        if not isinstance(value, str):
            raise Malformed(f"{_found(value)} can not be converted to a String")
        return check_text(value)
    if isinstance(shape, StructureShape):
        return value if shape.is_document_type else read_structure(shape, value)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise Malformed(f"{_found(value)} found where a list was expected")
        return [_read_element(shape.member, element) for element in value]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            raise Malformed(f"{_found(value)} found where a map was expected")
        member = shape.value
        return {check_text(key): _read_element(member, element) for key, element in value.items()}
    return _read_scalar(shape, kind, value)


def read_structure(shape: StructureShape, value: object) -> dict[str, object]:
    """The members of a structure that are present and not null."""
    if not isinstance(value, dict):
        raise Malformed(f"{_found(value)} found where a structure was expected")
    members: dict[str, object] = {}
    for name, member in shape.members.items():
        found = value.get(member.serialization.get("name", name))
        if found is not None:
            members[name] = read_value(member, found)
    return members


def _read_element(shape: Shape, value: object) -> object:
    if value is None:
        raise Malformed("null found inside a list or map")
    return read_value(shape, value)


def _read_scalar(shape: Shape, kind: str, value: object) -> object:
    if kind == "boolean":
        if isinstance(value, bool):
            return value
    elif kind in INTEGER_BITS:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return check_integer(value, kind)
    elif kind in FLOATS:
        if isinstance(value, str) and value in NOT_NUMBERS:
            return NOT_NUMBERS[value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _to_float(value)
    elif kind == "blob":
        if isinstance(value, str):
            return read_base64(value)
    elif kind == "timestamp":
        return _read_timestamp(shape, value)
    article = "an" if kind == "integer" else "a"
    raise Malformed(f"{_found(value)} can not be converted to {article} {kind.capitalize()}")


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise Malformed("a number out of range") from None


def _read_timestamp(shape: Shape, value: object) -> datetime:
    form = timestamp_format(shape.serialization.get("timestampFormat"), TimestampFormat.UNIX)
    wanted = (int, float) if form is TimestampFormat.UNIX else (str,)
    if isinstance(value, str | int | float) and isinstance(value, wanted) and not isinstance(value, bool):
        try:
            return parse_timestamp(value, form)
        except ValueError:
            pass
    raise Malformed(f"{_found(value)} can not be converted to a Timestamp")


def _found(value: object) -> str:
    """What kind of JSON value it is: the value itself may be a secret."""
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, bool):
        return "BOOLEAN_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    if isinstance(value, dict):
        return "START_OBJECT"
    return "START_ARRAY" if isinstance(value, list) else "NUMBER_VALUE"


def write_value(shape: Shape, value: object) -> object:
    """A value as what `json.dumps` takes.

    Raises:
        TypeError: the value is not of the shape's type, or a structure has a member that the model has not;
            both are the caller's mistakes.
    """
    kind = shape.type_name
    if isinstance(shape, StructureShape):
        if isinstance(value, Mapping):
            return value if shape.is_document_type else write_members(shape, value)
    elif isinstance(shape, ListShape):
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
            return [write_value(shape.member, element) for element in value]
    elif isinstance(shape, MapShape):
        if isinstance(value, Mapping):
            return {str(key): write_value(shape.value, element) for key, element in value.items()}
    elif isinstance(value, str):
        if kind == "string" or kind == "character":
            return str(value)
    elif isinstance(value, bool):
        if kind == "boolean":
            return value
    elif isinstance(value, int | float):
        if (kind in INTEGER_BITS and isinstance(value, int)) or kind in FLOATS:
            return value if math.isfinite(value) else float_text(value)
    elif isinstance(value, bytes):
        if kind == "blob":
            return b64encode(value).decode("ascii")
    elif isinstance(value, datetime) and kind == "timestamp":
        form = timestamp_format(shape.serialization.get("timestampFormat"), TimestampFormat.UNIX)
        return unix_number(value) if form is TimestampFormat.UNIX else format_timestamp(value, form)
    raise TypeError(f"{shape.name} is a {kind}, not a {type(value).__name__}")


def write_members(
    shape: StructureShape, value: Mapping[str, object], skipped: frozenset[str] = frozenset()
) -> dict[str, object]:
    """The members of a structure under their names on the wire; those that are None are left out.

    Args:
        skipped: Members that go elsewhere, such as into headers.
    """
    members = shape.members
    written: dict[str, object] = {}
    for name, element in value.items():
        if name in skipped:
            continue
        member = members.get(name)
        if member is None:
            raise TypeError(f"{shape.name} has no member {name}")
        if element is not None:
            written[member.serialization.get("name", name)] = write_value(member, element)
    return written


def encode_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
