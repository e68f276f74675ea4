"""Values of resource properties: what CloudFormation's texts become, and the sentences for what they cannot be."""

import json
from typing import Any

import pytest

from crossdock.cloud.cloudformation.resources.shapes import (
    TAGS,
    TEXTS,
    Shape,
    anything,
    document,
    flag,
    listed,
    mapped,
    record,
    text,
    text_or_json,
    whole,
)
from crossdock.core.errors import ServiceError

PERSON = record({"Name": text, "Age": whole, "Pets": listed(record({"Name": text}, "Name"))}, "Name")


def refusal(shape: Shape, value: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        shape("P", value)
    assert caught.value.code == "ValidationError"
    return caught.value.message


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (text, "x", "x"),
        (text, "", ""),
        (text, 30, "30"),
        (text, 1.5, "1.5"),
        (text, True, "true"),
        (text, False, "false"),
        (whole, 30, 30),
        (whole, "30", 30),
        (whole, "-1", -1),
        (whole, "+1", 1),
        (whole, "007", 7),
        (whole, 10**17, 10**17),
        (flag, True, True),
        (flag, False, False),
        (flag, "true", True),
        (flag, "False", False),
        (document, '{"Version": 1}', '{"Version": 1}'),
        (text_or_json, "x", "x"),
        (text_or_json, 5, "5"),
        (text_or_json, {"a": [1, True]}, '{"a": [1, true]}'),
        (text_or_json, ["a"], '["a"]'),
        (anything, {"a": None}, {"a": None}),
        (TEXTS, ["a", 1, True], ["a", "1", "true"]),
        (TEXTS, [], []),
        (mapped(text), {"A": "x", "B": 1, "C": False}, {"A": "x", "B": "1", "C": "false"}),
        (mapped(whole), {}, {}),
        (TAGS, [{"Key": "k", "Value": 5}], [{"Key": "k", "Value": "5"}]),
        (PERSON, {"Name": "n"}, {"Name": "n"}),
        (
            PERSON,
            {"Age": "5", "Name": 7, "Pets": [{"Name": True}]},
            {"Age": 5, "Name": "7", "Pets": [{"Name": "true"}]},
        ),
    ],
)
def test_a_value_becomes_what_its_operation_wants(shape: Shape, value: Any, expected: Any):
    shaped = shape("P", value)
    assert shaped == expected
    assert type(shaped) is type(expected)


def test_the_numbers_of_a_policy_are_texts_as_account_ids_are_meant_to_be():
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Principal": {"AWS": [111111111111, "012"]}, "Condition": {"Bool": {"a": True}, "N": {"b": 1.5}}}
        ],
    }
    assert json.loads(document("P", policy)) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Principal": {"AWS": ["111111111111", "012"]}, "Condition": {"Bool": {"a": "true"}, "N": {"b": "1.5"}}}
        ],
    }


def wrong(kind: str, place: str = "P") -> str:
    return f"Value of property {place} must be of type {kind}"


@pytest.mark.parametrize(
    ("shape", "value", "sentence"),
    [
        (text, None, wrong("String")),
        (text, ["x"], wrong("String")),
        (text, {"Ref": "x"}, wrong("String")),
        (whole, "x", wrong("Integer")),
        (whole, "", wrong("Integer")),
        (whole, "1.5", wrong("Integer")),
        (whole, 1.5, wrong("Integer")),
        (whole, " 5", wrong("Integer")),
        (whole, "5\n", wrong("Integer")),
        (whole, "1_000", wrong("Integer")),
        (whole, "٣", wrong("Integer")),
        (whole, "0x1F", wrong("Integer")),
        (whole, "9" * 5_000, wrong("Integer")),
        (whole, True, wrong("Integer")),
        (whole, None, wrong("Integer")),
        (whole, [1], wrong("Integer")),
        (flag, "yes", wrong("Boolean")),
        (flag, "", wrong("Boolean")),
        (flag, 1, wrong("Boolean")),
        (flag, None, wrong("Boolean")),
        (flag, [True], wrong("Boolean")),
        (document, ["x"], wrong("Json")),
        (document, 5, wrong("Json")),
        (document, None, wrong("Json")),
        (text_or_json, None, wrong("String")),
        (TEXTS, "a", wrong("List")),
        (TEXTS, {"a": "b"}, wrong("List")),
        (TEXTS, ["a", ["b"]], wrong("String", "P/1")),
        (mapped(text), ["a"], wrong("Map")),
        (mapped(whole), {"a": 1, "b": "x"}, wrong("Integer", "P/b")),
        (TAGS, {"k": "v"}, wrong("List")),
        (TAGS, ["k"], wrong("Object", "P/0")),
        (TAGS, [{"Key": "k", "Value": "v"}, {"Key": "k"}], "Property P/1/Value cannot be empty."),
        (TAGS, [{"Key": "k", "Value": "v", "More": 1}], "Encountered unsupported property P/0/More"),
        (PERSON, "x", wrong("Object")),
        (PERSON, {}, "Property P/Name cannot be empty."),
        (PERSON, {"Age": 5, "Size": 1, "Height": 2}, "Encountered unsupported property P/Height"),
        (PERSON, {"Name": "n", "Pets": [{"Name": "a"}, {"Name": []}]}, wrong("String", "P/Pets/1/Name")),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(shape: Shape, value: Any, sentence: str):
    assert refusal(shape, value) == sentence
