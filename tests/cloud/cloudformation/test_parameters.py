"""Parameters: what a template may declare, and what its caller may give."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.cloud.cloudformation.parameters import (
    MAX_VALUE_BYTES,
    ParameterValue,
    check_declared,
    hidden_parameters,
    literal,
    parameter_texts,
    typed_parameters,
)
from crossdock.cloud.cloudformation.template import Template
from crossdock.core.errors import ServiceError

FORMAT = "Template format error: "
TEXT = {"Type": "String"}


def template(**declared: Mapping[str, Any]) -> Template:
    return Template(parameters=declared)


def value(text: str, **declared: Any) -> ParameterValue:
    """What a template refers to when its one parameter is given so."""
    whole = template(P={"Type": "String", **declared})
    return typed_parameters(whole, parameter_texts(whole, {"P": text}))["P"]


def refusal(text: str, **declared: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        value(text, **declared)
    assert caught.value.code == "ValidationError"
    return caught.value.message


def bad_declaration(**declared: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        check_declared("P", declared)
    assert caught.value.code == "ValidationError"
    return caught.value.message


@pytest.mark.parametrize(
    "declared",
    [
        {"Type": "String"},
        {"Type": "Number", "Default": 5, "MinValue": 1, "MaxValue": "10.5"},
        {"Type": "List<Number>", "Default": "1,2"},
        {"Type": "CommaDelimitedList"},
        {"Type": "AWS::EC2::VPC::Id"},
        {"Type": "AWS::EC2::KeyPair::KeyName"},
        {"Type": "List<AWS::EC2::Subnet::Id>"},
        {"Type": "String", "Default": True, "AllowedValues": ["a", 1, 1.5, True]},
        {"Type": "String", "NoEcho": True, "MinLength": 1, "MaxLength": "5", "AllowedPattern": "a*"},
        {"Type": "String", "NoEcho": "TRUE", "Description": "d", "ConstraintDescription": "c"},
    ],
)
def test_a_parameter_may_be_declared_as_aws_documents_it(declared: dict[str, Any]):
    assert check_declared("P", declared) is None


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({}, FORMAT + "Every Parameters object must contain a Type member. (P)"),
        ({"Type": ["String"]}, FORMAT + "Every Parameters object must contain a Type member. (P)"),
        ({"Type": "string"}, FORMAT + "Unrecognized parameter type: string"),
        ({"Type": "Boolean"}, FORMAT + "Unrecognized parameter type: Boolean"),
        ({"Type": "List<String>"}, FORMAT + "Unrecognized parameter type: List<String>"),
        ({"Type": "List<Number"}, FORMAT + "Unrecognized parameter type: List<Number"),
        ({"Type": "AWS::S3::Bucket"}, FORMAT + "Unrecognized parameter type: AWS::S3::Bucket"),
        (
            {"Type": "List<AWS::EC2::KeyPair::KeyName>"},
            FORMAT + "Unrecognized parameter type: List<AWS::EC2::KeyPair::KeyName>",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "Template error: parameter P has the type AWS::SSM::Parameter::Value<String>, "
            "which Crossdock does not support",
        ),
        (
            {**TEXT, "Pattern": "a", "Min": 1},
            "Invalid template parameter property 'Min'",
        ),
        ({**TEXT, "AllowedValues": "a"}, FORMAT + "Parameter P: AllowedValues must be a list of literals"),
        ({**TEXT, "AllowedValues": [["a"]]}, FORMAT + "Parameter P: AllowedValues must be a list of literals"),
        ({**TEXT, "MinLength": "one"}, FORMAT + "Parameter P: MinLength must be a number"),
        ({**TEXT, "MaxLength": True}, FORMAT + "Parameter P: MaxLength must be a number"),
        ({**TEXT, "MinValue": "nan"}, FORMAT + "Parameter P: MinValue must be a number"),
        ({**TEXT, "MaxValue": "1e999"}, FORMAT + "Parameter P: MaxValue must be a number"),
        ({**TEXT, "MaxValue": {}}, FORMAT + "Parameter P: MaxValue must be a number"),
        ({**TEXT, "AllowedPattern": 5}, FORMAT + "Parameter P: AllowedPattern must be a string"),
        ({**TEXT, "ConstraintDescription": ["c"]}, FORMAT + "Parameter P: ConstraintDescription must be a string"),
        ({**TEXT, "Description": {"Ref": "x"}}, FORMAT + "Parameter P: Description must be a string"),
        ({**TEXT, "Default": ["a"]}, FORMAT + "Every Default member must be a string. (P)"),
        ({**TEXT, "Default": {"Ref": "AWS::Region"}}, FORMAT + "Every Default member must be a string. (P)"),
        ({**TEXT, "NoEcho": "perhaps"}, FORMAT + "Parameter P: NoEcho must be true or false"),
        ({**TEXT, "NoEcho": 1}, FORMAT + "Parameter P: NoEcho must be true or false"),
    ],
)
def test_a_malformed_declaration_is_refused(declared: dict[str, Any], sentence: str):
    assert bad_declaration(**declared) == sentence


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("String", "a, b", "a, b"),
        ("String", "", ""),
        ("Number", "05", "05"),
        ("AWS::EC2::VPC::Id", "vpc-1", "vpc-1"),
        ("CommaDelimitedList", "a, b ,c", ["a", "b", "c"]),
        ("CommaDelimitedList", "a", ["a"]),
        ("CommaDelimitedList", "", [""]),
        ("List<Number>", "1, 2.5,-3", ["1", "2.5", "-3"]),
        ("List<AWS::EC2::Subnet::Id>", "subnet-1,subnet-2", ["subnet-1", "subnet-2"]),
    ],
)
def test_a_list_is_split_and_anything_else_stays_a_text(kind: str, text: str, expected: ParameterValue):
    assert value(text, Type=kind) == expected


def test_the_default_stands_in_as_the_text_it_would_be():
    declared = {name: {**TEXT, "Default": default} for name, default in {"A": "a", "B": 5, "C": True, "D": ""}.items()}
    assert parameter_texts(template(**declared), {"A": "given"}) == {"A": "given", "B": "5", "C": "true", "D": ""}


def test_a_value_for_nothing_and_no_value_for_something_are_refused_by_name():
    whole = template(A=TEXT, B=TEXT, C={**TEXT, "Default": ""})
    with pytest.raises(ServiceError) as caught:
        parameter_texts(whole, {"Z": "1", "Y": "2", "A": "3"})
    assert caught.value.message == "Parameters: [Y, Z] do not exist in the template"
    with pytest.raises(ServiceError) as caught:
        parameter_texts(whole, {"C": "3"})
    assert caught.value.message == "Parameters: [A, B] must have values"


def test_a_text_whose_parameter_is_gone_is_not_referred_to():
    assert typed_parameters(template(A=TEXT), {"A": "a", "Gone": "b"}) == {"A": "a"}


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("a", {"AllowedValues": ["a", "b"]}),
        ("5", {"AllowedValues": [5, 10]}),
        ("true", {"AllowedValues": [True, False]}),
        ("a,b", {"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}),
        ("abc", {"AllowedPattern": "[a-z]+"}),
        ("abc,d", {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"}),
        ("12", {"Type": "Number", "AllowedPattern": "[0-9]{2}"}),
        ("äöü", {"MinLength": 3, "MaxLength": "3"}),
        ("", {"MinLength": 0, "MaxLength": 0}),
        ("100,200", {"Type": "CommaDelimitedList", "MaxLength": 2}),
        ("5", {"MinValue": 10}),
        ("5", {"Type": "Number", "MinValue": 5, "MaxValue": "5"}),
        ("0", {"Type": "Number", "MinValue": 0, "MaxValue": 0}),
        ("-0.5", {"Type": "Number", "MinValue": "-0.5", "MaxValue": 0}),
        ("1e3", {"Type": "Number", "MaxValue": 1000}),
        ("+.5", {"Type": "Number", "MaxLength": 1}),
        ("1,2", {"Type": "List<Number>", "MinValue": 1, "MaxValue": 2}),
        ("x" * MAX_VALUE_BYTES, {}),
        ("a\tb\nc", {}),
    ],
)
def test_a_value_within_its_constraints_is_taken(text: str, declared: dict[str, Any]):
    taken = value(text, **declared)
    assert taken == text or taken == text.split(",")


@pytest.mark.parametrize(
    ("text", "declared", "complaint"),
    [
        ("c", {"AllowedValues": ["a", "b"]}, "must be one of AllowedValues"),
        ("A", {"AllowedValues": ["a"]}, "must be one of AllowedValues"),
        ("5.0", {"AllowedValues": [5]}, "must be one of AllowedValues"),
        ("a", {"AllowedValues": []}, "must be one of AllowedValues"),
        ("a,c", {"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "must be one of AllowedValues"),
        ("abc1", {"AllowedPattern": "[a-z]+"}, "must match pattern [a-z]+"),
        ("abc\n", {"AllowedPattern": "^[a-z]+$"}, "must match pattern ^[a-z]+$"),
        ("x", {"AllowedPattern": ""}, "must match pattern "),
        ("a,1", {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]"}, "must match pattern [a-z]"),
        ("1", {"Type": "Number", "AllowedPattern": "[2-9]"}, "must match pattern [2-9]"),
        ("äö", {"MinLength": 3}, "must contain at least 3 characters"),
        ("", {"MinLength": "1"}, "must contain at least 1 characters"),
        ("abc", {"MaxLength": 2}, "must contain at most 2 characters"),
        ("a", {"MaxLength": 0}, "must contain at most 0 characters"),
        ("vpc-1", {"Type": "AWS::EC2::VPC::Id", "MaxLength": 4}, "must contain at most 4 characters"),
        ("4", {"Type": "Number", "MinValue": 5}, "must be a number not less than 5"),
        ("-1", {"Type": "Number", "MinValue": 0}, "must be a number not less than 0"),
        ("5.01", {"Type": "Number", "MaxValue": "5"}, "must be a number not greater than 5"),
        ("1", {"Type": "Number", "MaxValue": 0}, "must be a number not greater than 0"),
        ("1,3", {"Type": "List<Number>", "MaxValue": 2}, "must be a number not greater than 2"),
        ("1,x", {"Type": "List<Number>"}, "must be a number"),
        ("\x00", {}, None),
        ("\ud800", {}, None),
        ("x" * (MAX_VALUE_BYTES + 1), {}, "must contain at most 4096 bytes"),
        ("ä" * (MAX_VALUE_BYTES // 2 + 1), {}, "must contain at most 4096 bytes"),
    ],
)
def test_a_value_outside_its_constraints_is_refused(text: str, declared: dict[str, Any], complaint: str | None):
    expected = f"Parameter 'P' {complaint}" if complaint else "Parameter 'P' holds a control character"
    assert refusal(text, **declared) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "five",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "1_000",
        "٣",
        " 5",
        "5\n",
        "0x10",
        "1,5",
        "1.2.3",
        "--1",
        "1e",
        ".",
    ],
)
def test_what_is_no_finite_decimal_is_no_number(text: str):
    assert refusal(text, Type="Number") == "Parameter 'P' must be a number"


def test_a_default_is_held_to_the_constraints_too():
    whole = template(P={**TEXT, "Default": "abc", "MaxLength": 2})
    with pytest.raises(ServiceError, match="Parameter 'P' must contain at most 2 characters"):
        parameter_texts(whole, {})


def test_the_constraint_description_takes_the_place_of_the_complaint():
    sentence = "Parameter P failed to satisfy constraint: small letters only"
    described = {"ConstraintDescription": "small letters only"}
    assert refusal("1", AllowedPattern="[a-z]*", **described) == sentence
    assert refusal("1", AllowedValues=["a"], **described) == sentence
    assert refusal("x", Type="Number", **described) == sentence


CONSTRAINTS = st.fixed_dictionaries(
    {"Type": st.sampled_from(["String", "Number", "CommaDelimitedList", "List<Number>"])},
    optional={
        "AllowedValues": st.just(["one", "two"]),
        "AllowedPattern": st.sampled_from(["[a-z]{1,3}", "(?=.*x)[a-z]+", "(a+)+b", "(", r"\p{L}"]),
        "MinLength": st.just(30),
        "MaxLength": st.just(3),
        "MinValue": st.just(10**15),
        "MaxValue": st.just(1),
    },
)


def complaint_of(whole: Template, text: str) -> str:
    try:
        assert parameter_texts(whole, {"P": text}) == {"P": text}
    except ServiceError as error:
        return str(error)
    return ""


@settings(deadline=None, max_examples=30)
@given(CONSTRAINTS, st.from_regex(r"\A[A-Z!$%&/=?+~]{8,24}(\x00|\ud800)?\Z"))
def test_no_sentence_holds_the_value_that_it_refuses(declared: dict[str, Any], secret: str):
    check_declared("P", declared)
    for text in (secret, f"ok,{secret}"):
        said = repr(complaint_of(template(P={**declared, "NoEcho": True}), text))
        assert secret not in said
        assert repr(secret)[1:-1] not in said


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "a ( has no )"),
        (r"\bword", r"\b is not supported"),
        ("(?:(?:(?:){4096}){4096}){4096}", "it takes too long to match"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_the_templates_mistake(pattern: str, reason: str):
    expected = f"Template error: the AllowedPattern {pattern} cannot be used: {reason}"
    assert refusal("secret", AllowedPattern=pattern, ConstraintDescription="c") == expected


def test_all_values_together_have_one_budget_of_steps():
    # Each of them alone is matched with ease.
    costly = "(?:(?:){100}){100}[a-z]*"
    assert value("a", AllowedPattern=costly) == "a"
    sentence = f"Template error: the AllowedPattern {costly} cannot be used: it takes too long to match"
    assert refusal(",".join("a" * 1_000), Type="CommaDelimitedList", AllowedPattern=costly) == sentence
    many = {f"P{number}": {**TEXT, "AllowedPattern": costly, "Default": "a"} for number in range(100)}
    with pytest.raises(ServiceError, match="it takes too long to match"):
        parameter_texts(template(**many), {})


@pytest.mark.parametrize(
    ("no_echo", "is_hidden"),
    [(True, True), ("true", True), ("True", True), (False, False), ("false", False), (None, False)],
)
def test_a_parameter_is_hidden_when_it_says_so(no_echo: Any, is_hidden: bool):
    declared = TEXT if no_echo is None else {**TEXT, "NoEcho": no_echo}
    assert hidden_parameters(template(Open=TEXT, P=declared)) == (("P",) if is_hidden else ())


@pytest.mark.parametrize(
    ("given", "text"), [("a", "a"), (5, "5"), (-1, "-1"), (1.5, "1.5"), (True, "true"), (False, "false")]
)
def test_a_literal_is_the_text_that_it_looks_like(given: Any, text: str):
    assert literal(given) == text
