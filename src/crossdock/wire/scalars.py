"""Scalars as text: in headers, query strings, URI labels, form fields and XML."""

import math
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import datetime

from botocore.model import Shape

from crossdock.wire.malformed import Malformed
from crossdock.wire.timestamps import TimestampFormat, format_timestamp, parse_timestamp, timestamp_format

INTEGER_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
FLOATS = ("float", "double")
NOT_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?", re.ASCII)


def read_text(shape: Shape, text: str, default: TimestampFormat) -> object:
    """The value that a scalar shape gives to a text.

    Raises:
        Malformed: not a value of that type, or out of its range.
    """
    kind = shape.type_name
    if kind == "string" or kind == "character":
        return check_text(text)
    if kind in INTEGER_BITS:
        if _INTEGER.fullmatch(text) is None:
            raise Malformed("expected an integer")
        return check_integer(int(text), kind)
    if kind == "boolean":
        return _read_boolean(text)
    if kind == "timestamp":
        try:
            return parse_timestamp(text, timestamp_format(shape.serialization.get("timestampFormat"), default))
        except ValueError:
            raise Malformed("expected a timestamp") from None
    if kind in FLOATS:
        return _read_float(text)
    if kind == "blob":
        return read_base64(text)
    raise Malformed(f"expected a {kind}")


def check_text(text: str) -> str:
    """The text itself, if it can be written as UTF-8.

    Raises:
        Malformed: it has lone surrogates, which stand for bytes that were no UTF-8.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Malformed("text that is not UTF-8") from None
    return text


def check_integer(number: int, kind: str) -> int:
    """The number itself, if it fits the bits of its kind."""
    if -(limit := 1 << INTEGER_BITS[kind] - 1) <= number < limit:
        return number
    raise Malformed("an integer out of range")


def read_base64(text: str) -> bytes:
    """Decode base64 (RFC 4648 §4), refusing foreign characters and wrong padding."""
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (Base64Error, UnicodeEncodeError):
        raise Malformed("expected base64") from None


def _read_boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered == "true":
        return True
    if lowered == "false":
        return False
    raise Malformed("expected true or false")


def _read_float(text: str) -> float:
    if text in NOT_NUMBERS:
        return NOT_NUMBERS[text]
    if _FLOAT.fullmatch(text) is None:
        raise Malformed("expected a number")
    number = float(text)
    if math.isinf(number):
        raise Malformed("a number out of range")
    return number


def write_text(shape: Shape, value: object, default: TimestampFormat, *, always_millis: bool = False) -> str:
    """The text of a scalar.

    Raises:
        TypeError: the value is not of the shape's type, which is the caller's mistake.
    """
    kind = shape.type_name
    if isinstance(value, str) and (kind == "string" or kind == "character"):
        return str(value)
    if isinstance(value, bool):
        if kind == "boolean":
            return "true" if value else "false"
    elif isinstance(value, int) and kind in INTEGER_BITS:
        return str(int(value))
    elif isinstance(value, int | float) and kind in FLOATS:
        return write_float(value)
    elif isinstance(value, datetime) and kind == "timestamp":
        form = timestamp_format(shape.serialization.get("timestampFormat"), default)
        return format_timestamp(value, form, always_millis=always_millis)
    elif isinstance(value, bytes) and kind == "blob":
        return b64encode(value).decode("ascii")
    raise TypeError(f"{shape.name} is a {kind}, not a {type(value).__name__}")


def write_float(number: float) -> str:
    """A float as AWS writes it, with words for what is no number."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return str(number)
