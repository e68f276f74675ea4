import json
import math
from datetime import UTC, datetime

import pytest
from botocore.model import ServiceModel, Shape
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.aws_models import outcome

from crossdock.wire.json_values import (
    MAX_DEPTH,
    decode_json,
    encode_json,
    read_structure,
    read_value,
    write_members,
    write_value,
)
from crossdock.wire.malformed import Malformed

MODEL = ServiceModel(
    {
        "shapes": {
            "String": {"type": "string"},
            "Integer": {"type": "integer"},
            "Long": {"type": "long"},
            "Double": {"type": "double"},
            "Boolean": {"type": "boolean"},
            "Blob": {"type": "blob"},
            "Time": {"type": "timestamp"},
            "IsoTime": {"type": "timestamp", "timestampFormat": "iso8601"},
            "Names": {"type": "list", "member": {"shape": "String"}},
            "Numbers": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Integer"}},
            "Tree": {
                "type": "structure",
                "members": {"Name": {"shape": "String", "locationName": "name"}, "Child": {"shape": "Tree"}},
            },
            "Document": {"type": "structure", "members": {}, "document": True},
        }
    }
)


def shape(name):
    return MODEL.shape_for(name)


def nested(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": 0.' + b"1" * 5000 + b"}",
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1} trailing',
        nested(MAX_DEPTH + 1),
        b"[" * 100_000,
        b"]" * 1000 + b"[" * 100_000,
        b'"' + b'\\"' * 50_000 + b"[" * 100 + b"\\",
    ],
)
def test_what_is_not_json_is_malformed(body):
    with pytest.raises(Malformed):
        decode_json(body)


def test_depth_up_to_the_limit_is_read():
    decoded = decode_json(nested(MAX_DEPTH))
    assert encode_json(decoded) == nested(MAX_DEPTH)


def test_brackets_inside_strings_and_side_by_side_are_not_depth():
    text = "[{" * 200 + '\\" \\\\'
    body = json.dumps({"a": text, "b": [[]] * 200}).encode()
    assert decode_json(body) == {"a": text, "b": [[]] * 200}


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_malformed(body):
    found = outcome(lambda: decode_json(body))
    assert found is None or isinstance(found, Malformed | dict | list | str | int | float)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("String", "é", "é"),
        ("Integer", 5, 5),
        ("Integer", 5.0, 5),
        ("Double", 5, 5.0),
        ("Double", 0.5, 0.5),
        ("Double", "Infinity", math.inf),
        ("Boolean", False, False),
        ("Blob", "AAEC", b"\0\1\2"),
        ("Time", 0.5, datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("IsoTime", "1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Names", ["a", "b"], ["a", "b"]),
        ("Names", [], []),
        ("Numbers", {"a": 1}, {"a": 1}),
        ("Tree", {"name": "a", "Child": {"name": None}, "Unknown": 1}, {"Name": "a", "Child": {}}),
        ("Document", {"any": [1, None]}, {"any": [1, None]}),
    ],
)
def test_values_are_read_by_their_shapes(name, value, read):
    found = read_value(shape(name), value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("String", 5, "NUMBER_VALUE can not be converted to a String"),
        ("String", True, "BOOLEAN_VALUE can not be converted to a String"),
        ("String", "\ud800", "not UTF-8"),
        ("Integer", "5", "STRING_VALUE can not be converted to an Integer"),
        ("Integer", True, "BOOLEAN_VALUE can not be converted to an Integer"),
        ("Integer", 5.5, "NUMBER_VALUE can not be converted to an Integer"),
        ("Integer", 2**31, "out of range"),
        ("Long", 2**63, "out of range"),
        ("Double", "5", "STRING_VALUE"),
        ("Double", 10**400, "out of range"),
        ("Double", False, "BOOLEAN_VALUE"),
        ("Boolean", "true", "STRING_VALUE can not be converted to a Boolean"),
        ("Blob", "*", "base64"),
        ("Blob", 1, "NUMBER_VALUE"),
        ("Time", "2024-01-01T00:00:00Z", "STRING_VALUE can not be converted to a Timestamp"),
        ("Time", True, "BOOLEAN_VALUE"),
        ("Time", 1e300, "NUMBER_VALUE"),
        ("Time", [], "START_ARRAY"),
        ("IsoTime", 5, "NUMBER_VALUE"),
        ("IsoTime", "soon", "STRING_VALUE"),
        ("Names", {"a": 1}, "START_OBJECT found where a list was expected"),
        ("Names", ["a", None], "null"),
        ("Numbers", ["a"], "START_ARRAY found where a map was expected"),
        ("Numbers", {"a": None}, "null"),
        ("Numbers", {"\ud800": 1}, "not UTF-8"),
        ("Tree", [], "START_ARRAY found where a structure was expected"),
        ("Tree", None, "NULL_VALUE found where a structure was expected"),
    ],
)
def test_values_of_another_type_are_malformed_and_not_shown(name, value, sentence):
    with pytest.raises(Malformed, match=sentence):
        read_value(shape(name), value)


def test_type_that_json_has_not_is_malformed():
    with pytest.raises(Malformed, match="NUMBER_VALUE can not be converted to a Odd"):
        read_value(Shape("Odd", {"type": "odd"}), 5)


def test_body_must_be_a_structure():
    with pytest.raises(Malformed):
        read_structure(shape("Tree"), "x")


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("String", "x", "x"),
        ("Integer", 5, 5),
        ("Double", 5, 5),
        ("Double", math.nan, "NaN"),
        ("Double", -math.inf, "-Infinity"),
        ("Boolean", True, True),
        ("Blob", b"\0\1\2", "AAEC"),
        ("Time", datetime(1970, 1, 1, tzinfo=UTC), 0),
        ("IsoTime", datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00Z"),
        ("Names", ("a", "b"), ["a", "b"]),
        ("Numbers", {"a": 1}, {"a": 1}),
        ("Tree", {"Name": "a", "Child": None}, {"name": "a"}),
        ("Document", {"any": 1}, {"any": 1}),
    ],
)
def test_values_are_written_by_their_shapes(name, value, written):
    assert write_value(shape(name), value) == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("String", 5),
        ("String", b"x"),
        ("Integer", "5"),
        ("Integer", 5.5),
        ("Integer", True),
        ("Boolean", 1),
        ("Blob", "x"),
        ("Time", 5),
        ("String", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Names", "abc"),
        ("Names", {"a": 1}),
        ("Names", 5),
        ("Numbers", ["a"]),
        ("Tree", ["a"]),
        ("Tree", {"Nmae": "a"}),
        ("String", object()),
    ],
)
def test_values_of_another_type_are_the_callers_mistake(name, value):
    with pytest.raises(TypeError):
        write_value(shape(name), value)


def test_members_that_go_elsewhere_are_skipped():
    assert write_members(shape("Tree"), {"Name": "a", "Child": {}}, frozenset({"Name"})) == {"Child": {}}
