import pytest
from botocore.model import ServiceModel

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers
from crossdock.wire.malformed import Malformed, Part
from crossdock.wire.rest_bindings import (
    binding_of,
    check_members,
    check_required,
    read_bound,
    write_headers,
)

MODEL = ServiceModel(
    {
        "metadata": {},
        "operations": {
            "Do": {
                "name": "Do",
                "http": {"method": "POST", "requestUri": "/things/{Id}/{Key+}"},
                "input": {"shape": "Input"},
            }
        },
        "shapes": {
            "String": {"type": "string"},
            "Integer": {"type": "integer"},
            "Boolean": {"type": "boolean"},
            "Time": {"type": "timestamp"},
            "Blob": {"type": "blob"},
            "Integers": {"type": "list", "member": {"shape": "Integer"}},
            "Times": {"type": "list", "member": {"shape": "Time"}},
            "Map": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "String"}},
            "Input": {
                "type": "structure",
                "required": ["Id", "Count", "Kind", "Payload"],
                "payload": "Payload",
                "members": {
                    "Id": {"shape": "Integer", "location": "uri", "locationName": "Id"},
                    "Key": {"shape": "String", "location": "uri", "locationName": "Key"},
                    "Count": {"shape": "Integer", "location": "querystring", "locationName": "count"},
                    "Numbers": {"shape": "Integers", "location": "querystring", "locationName": "number"},
                    "Since": {"shape": "Time", "location": "querystring", "locationName": "since"},
                    "Kind": {"shape": "String", "location": "header", "locationName": "X-Kind"},
                    "Flag": {"shape": "Boolean", "location": "header", "locationName": "X-Flag"},
                    "Modified": {"shape": "Time", "location": "header", "locationName": "X-Modified"},
                    "Steps": {"shape": "Integers", "location": "header", "locationName": "X-Steps"},
                    "Metadata": {"shape": "Map", "location": "headers", "locationName": "X-Meta-"},
                    "Payload": {"shape": "Blob"},
                },
            },
            "Output": {
                "type": "structure",
                "members": {
                    "Code": {"shape": "Integer", "location": "statusCode"},
                    "Name": {"shape": "String", "location": "header", "locationName": "X-Name"},
                    "SameName": {"shape": "String", "location": "header", "locationName": "X-Name"},
                    "Flag": {"shape": "Boolean", "location": "header", "locationName": "X-Flag"},
                    "Times": {"shape": "Times", "location": "header", "locationName": "X-Times"},
                    "Metadata": {"shape": "Map", "location": "headers", "locationName": "x-meta-"},
                    "Body": {"shape": "String"},
                },
            },
        },
    }
)
OPERATION = MODEL.operation_model("Do")
INPUT = binding_of(MODEL.shape_for("Input"))
OUTPUT = binding_of(MODEL.shape_for("Output"))


def read(path="/things/5/a/b", query=(), headers=()):
    return read_bound(OPERATION, INPUT, path, list(query), Headers(headers))


def test_members_are_sorted_by_their_places():
    assert [bound.member for bound in INPUT.labels] == ["Id", "Key"]
    assert INPUT.payload is not None
    assert INPUT.payload.member == "Payload"
    assert not INPUT.has_body
    assert not INPUT.streams
    assert OUTPUT.status == "Code"
    assert OUTPUT.has_body
    assert OUTPUT.outside == {"Code", "Name", "SameName", "Flag", "Times", "Metadata"}


def test_members_are_read_from_their_places():
    query = [("count", "3"), ("number", "1"), ("number", "2"), ("since", "2024-01-01T00:00:00Z"), ("other", "x")]
    headers = [
        ("X-KIND", " k "),
        ("x-flag", "true"),
        ("x-modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("x-steps", "1, 2"),
        ("x-steps", "3"),
        ("X-Meta-Color", "red"),
        ("x-meta-", "nothing"),
    ]
    found = read("/things/5/a%20b/c+d", query, headers)
    assert found.pop("Since") == found.pop("Modified")
    assert found == {
        "Id": 5,
        "Key": "a b/c+d",
        "Count": 3,
        "Numbers": [1, 2],
        "Kind": "k",
        "Flag": True,
        "Steps": [1, 2, 3],
        "Metadata": {"color": "red"},
    }


def test_absent_members_are_absent():
    assert read() == {"Id": 5, "Key": "a/b"}


@pytest.mark.parametrize(
    ("path", "query", "headers", "part"),
    [
        ("/things/five/a", (), (), Part.PATH),
        ("/things/5/%ff", (), (), Part.PATH),
        ("/things/5/a", [("count", "x")], (), Part.QUERY),
        ("/things/5/a", [("count", "1"), ("count", "2")], (), Part.QUERY),
        ("/things/5/a", [("number", "1"), ("number", "x")], (), Part.QUERY),
        ("/things/5/a", (), [("x-flag", "maybe")], Part.HEADER),
        ("/things/5/a", (), [("x-steps", "1,x")], Part.HEADER),
        ("/things/5/a", (), [("x-kind", "\udcff")], Part.HEADER),
        ("/things/5/a", (), [("x-meta-a", "\udcff")], Part.HEADER),
        ("/things/5/a", (), [("x-modified", "today")], Part.HEADER),
    ],
)
def test_values_of_another_type_are_malformed_where_they_stand(path, query, headers, part):
    with pytest.raises(Malformed) as refused:
        read(path, query, headers)
    assert refused.value.part is part


@pytest.mark.parametrize(
    ("members", "part", "sentence"),
    [
        ({"Kind": "k"}, Part.QUERY, "Missing required parameter for this request: count"),
        ({"Count": 1}, Part.HEADER, "Missing required header for this request: X-Kind"),
    ],
)
def test_required_members_outside_the_body_are_missed(members, part, sentence):
    with pytest.raises(Malformed) as refused:
        check_required(MODEL.shape_for("Input"), INPUT, members)
    assert (refused.value.part, refused.value.message) == (part, sentence)


def test_headers_are_written_once_and_only_where_there_is_a_value():
    moment = read(query=[("since", "2024-01-01T00:00:00Z")])["Since"]
    result = {
        "Code": 201,
        "Name": "n",
        "SameName": "n",
        "Flag": None,
        "Times": [moment],
        "Metadata": {"a": "b", "c": "ä"},
    }
    assert write_headers(OUTPUT, result) == [
        ("X-Name", "n"),
        ("X-Times", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("x-meta-a", "b"),
        ("x-meta-c", "=?UTF-8?B?w6Q=?="),
    ]


@pytest.mark.parametrize(
    "result",
    [
        {"Name": "a\r\nSet-Cookie: b"},
        {"Name": "a\0b"},
        {"Name": "€"},
        {"Metadata": {"a": "x\ny"}},
        {"Metadata": {"a b": "x"}},
        {"Metadata": {"a\r\nb": "x"}},
    ],
)
def test_header_that_would_break_out_is_refused(result):
    with pytest.raises(ServiceError) as refused:
        write_headers(OUTPUT, result)
    assert refused.value.code == "InvalidArgument"


def test_latin_1_may_stand_in_a_header():
    assert write_headers(OUTPUT, {"Name": "é"}) == [("X-Name", "é")]


def test_wrong_types_and_unknown_members_are_the_callers_mistake():
    with pytest.raises(TypeError):
        write_headers(OUTPUT, {"Flag": "yes"})
    with pytest.raises(TypeError):
        write_headers(OUTPUT, {"Times": "now"})
    with pytest.raises(TypeError, match="no member Nmae"):
        check_members(MODEL.shape_for("Output"), {"Nmae": "x"})
    check_members(MODEL.shape_for("Output"), {"Name": "x"})
