import math
from datetime import UTC, datetime

import pytest
from botocore.model import Shape

from crossdock.wire.malformed import Malformed
from crossdock.wire.scalars import read_text, write_float, write_text
from crossdock.wire.timestamps import TimestampFormat

ISO = TimestampFormat.ISO8601


def shape(kind, **traits):
    return Shape("AShape", {"type": kind, **traits})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " as it is ", " as it is "),
        ("string", "", ""),
        ("string", "äπ😀", "äπ😀"),
        ("character", "c", "c"),
        ("integer", "12", 12),
        ("integer", "-2147483648", -(2**31)),
        ("integer", "+7", 7),
        ("long", "9223372036854775807", 2**63 - 1),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("float", "1.5", 1.5),
        ("double", "-1e3", -1000.0),
        ("double", ".5", 0.5),
        ("double", "Infinity", math.inf),
        ("double", "-Infinity", -math.inf),
        ("blob", "AAEC", b"\0\1\2"),
        ("blob", "", b""),
        ("timestamp", "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_text_becomes_the_shapes_value(kind, text, value):
    read = read_text(shape(kind), text, ISO)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_read():
    assert math.isnan(read_text(shape("double"), "NaN", ISO))


def test_a_shapes_own_timestamp_format_wins():
    with_format = shape("timestamp", timestampFormat="unixTimestamp")
    assert read_text(with_format, "0", ISO) == datetime(1970, 1, 1, tzinfo=UTC)
    assert write_text(with_format, datetime(1970, 1, 1, tzinfo=UTC), ISO) == "0"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("string", "\udcff"),
        ("integer", ""),
        ("integer", "1.0"),
        ("integer", " 1"),
        ("integer", "１"),
        ("integer", "2147483648"),
        ("integer", "-2147483649"),
        ("long", "9223372036854775808"),
        ("long", "9" * 5000),
        ("boolean", "yes"),
        ("boolean", ""),
        ("float", "one"),
        ("float", "0x10"),
        ("float", "1e999"),
        ("float", "9" * 5000),
        ("blob", "A"),
        ("blob", "A*=="),
        ("blob", "ä"),
        ("timestamp", "soon"),
        ("structure", "x"),
    ],
)
def test_text_of_another_type_is_malformed(kind, text):
    with pytest.raises(Malformed):
        read_text(shape(kind), text, ISO)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("string", "x", "x"),
        ("character", "c", "c"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("integer", 5, "5"),
        ("long", -(2**63), "-9223372036854775808"),
        ("float", 1.5, "1.5"),
        ("double", 3, "3"),
        ("double", math.inf, "Infinity"),
        ("double", -math.inf, "-Infinity"),
        ("double", math.nan, "NaN"),
        ("blob", b"\0\1\2", "AAEC"),
        ("timestamp", datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00Z"),
    ],
)
def test_value_is_written_as_text(kind, value, text):
    assert write_text(shape(kind), value, ISO) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 5),
        ("string", True),
        ("integer", "5"),
        ("integer", True),
        ("integer", 1.5),
        ("boolean", 1),
        ("blob", "text"),
        ("timestamp", "2024"),
        ("string", b"x"),
        ("blob", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_value_of_another_type_is_the_callers_mistake(kind, value):
    with pytest.raises(TypeError, match="AShape"):
        write_text(shape(kind), value, ISO)


def test_floats_have_words_for_what_is_no_number():
    assert write_float(0.1) == "0.1"
    assert write_float(math.nan) == "NaN"
