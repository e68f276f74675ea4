"""Functions and conditions, resolved against what is known of a stack."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.cloud.cloudformation.intrinsics import (
    MAX_RESOLVED_CHARS,
    NO_VALUE,
    PSEUDO_PARAMETERS,
    Made,
    Scope,
    condition_holds,
    present_resources,
    pseudo_parameters,
    resolve,
)
from crossdock.cloud.cloudformation.template import Resource, Template
from crossdock.core.errors import ServiceError

STACK_ID = "arn:aws:cloudformation:eu-west-1:111111111111:stack/shop/1"
YES: dict[str, Any] = {"Fn::Equals": ["a", "a"]}
NO: dict[str, Any] = {"Fn::Equals": ["a", "b"]}
NOTHING = {"Ref": "AWS::NoValue"}


def scope(conditions: Mapping[str, Any] | None = None, **parameters: Any) -> Scope:
    return Scope(
        template=Template(
            mappings={"Sizes": {"eu-west-1": {"small": 1, "all": ["a", "b"], "on": True}, "1": {"2": "numbers"}}},
            conditions={"Yes": YES, "No": NO, **(conditions or {})},
            resources={"Box": Resource(logical_id="Box", type="AWS::S3::Bucket", properties={})},
        ),
        parameters={"Name": "shop", "Empty": "", "Port": "21", "Names": ["a", "b"], "Key": "Arn", **parameters},
        pseudo=pseudo_parameters(
            account_id="111111111111", region="eu-west-1", stack_id=STACK_ID, stack_name="shop-stack"
        ),
        exports={"shared-arn": "arn:aws:s3:::shared"},
        resources={"Box": Made(physical_id="box-1", ref="box-1", attributes={"Arn": "arn:aws:s3:::box-1", "A.B": "x"})},
    )


def refusal(value: Any, conditions: Mapping[str, Any] | None = None, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        resolve(value, scope(conditions, **parameters))
    assert caught.value.code == "ValidationError"
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # Ref and the pseudo parameters
        ({"Ref": "Name"}, "shop"),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "Box"}, "box-1"),
        ({"Ref": "AWS::AccountId"}, "111111111111"),
        ({"Ref": "AWS::NotificationARNs"}, []),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::StackId"}, STACK_ID),
        ({"Ref": "AWS::StackName"}, "shop-stack"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        # Fn::GetAtt
        ({"Fn::GetAtt": ["Box", "Arn"]}, "arn:aws:s3:::box-1"),
        ({"Fn::GetAtt": "Box.Arn"}, "arn:aws:s3:::box-1"),
        ({"Fn::GetAtt": "Box.A.B"}, "x"),
        ({"Fn::GetAtt": ["Box", "A.B"]}, "x"),
        ({"Fn::GetAtt": ["Box", {"Ref": "Key"}]}, "arn:aws:s3:::box-1"),
        # Fn::Sub
        ({"Fn::Sub": "plain"}, "plain"),
        ({"Fn::Sub": "${Name}-${AWS::Region}-${Box}-${Box.Arn}."}, "shop-eu-west-1-box-1-arn:aws:s3:::box-1."),
        ({"Fn::Sub": "${ Name }${Empty}"}, "shop"),
        ({"Fn::Sub": "${!aws:username} $Name {Name} $${Name} ${Name"}, "${aws:username} $Name {Name} $shop ${Name"),
        ({"Fn::Sub": ["${Own}/${Name}", {"Own": {"Ref": "Port"}}]}, "21/shop"),
        ({"Fn::Sub": ["${Name}", {"Name": "hidden by its own"}]}, "hidden by its own"),
        ({"Fn::Sub": ["${N}${B}${My.Dot}", {"N": 5, "B": True, "My.Dot": 1.5}]}, "5true1.5"),
        ({"Fn::Sub": ["${A}", {"A": {"Fn::Sub": ["<${A}>", {"A": {"Fn::Sub": "${Name}"}}]}}]}, "<shop>"),
        ({"Fn::Sub": ["${A}", {"A": "${Name}"}]}, "${Name}"),
        # Fn::Join, Fn::Split, Fn::Select
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 5, True]]}, "a-shop-5-true"),
        ({"Fn::Join": ["", []]}, ""),
        ({"Fn::Join": [", ", {"Ref": "Names"}]}, "a, b"),
        ({"Fn::Join": [",", ["a", NOTHING, "b"]]}, "a,b"),
        ({"Fn::Join": [":", {"Fn::Split": [",", "a,b"]}]}, "a:b"),
        ({"Fn::Split": [",", "a,,b"]}, ["a", "", "b"]),
        ({"Fn::Split": ["--", {"Fn::Sub": "${Name}--x"}]}, ["shop", "x"]),
        ({"Fn::Split": [",", ""]}, [""]),
        ({"Fn::Select": [0, ["a", "b"]]}, "a"),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": [{"Ref": "Port"}, list(range(30))]}, 21),
        # Fn::FindInMap
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, 1),
        ({"Fn::FindInMap": ["Sizes", "eu-west-1", "all"]}, ["a", "b"]),
        ({"Fn::FindInMap": ["Sizes", 1, 2]}, "numbers"),
        # Fn::Base64, Fn::ImportValue, Fn::If
        ({"Fn::Base64": "häuser"}, "aMOkdXNlcg=="),
        ({"Fn::Base64": {"Fn::Sub": "${Name}"}}, "c2hvcA=="),
        ({"Fn::ImportValue": {"Fn::Join": ["-", ["shared", "arn"]]}}, "arn:aws:s3:::shared"),
        ({"Fn::If": ["Yes", {"Ref": "Name"}, {"Ref": "Nowhere"}]}, "shop"),
        ({"Fn::If": ["No", {"Ref": "Nowhere"}, {"Fn::If": ["Yes", [1], 2]}]}, [1]),
        # What is no function
        ({"a": [{"b": {"Ref": "Name"}}, 1, 1.5, True, "x"]}, {"a": [{"b": "shop"}, 1, 1.5, True, "x"]}),
        ({"Ref": "Nowhere", "Other": {"Ref": "Name"}}, {"Ref": "Nowhere", "Other": "shop"}),
        ({"Condition": "Yes"}, {"Condition": "Yes"}),
        ({"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "a"]}),
        ({}, {}),
    ],
)
def test_a_function_gives_what_aws_documents(value: Any, expected: Any):
    assert resolve(value, scope()) == expected


def test_every_pseudo_parameter_can_be_referred_to():
    for name in PSEUDO_PARAMETERS:
        assert resolve({"Ref": name}, scope()) is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": NOTHING, "b": 1}, {"b": 1}),
        ([NOTHING, 1, NOTHING], [1]),
        ({"a": {"b": NOTHING}}, {"a": {}}),
        ({"a": {"Fn::If": ["Yes", NOTHING, 1]}}, {}),
        ({"a": {"Fn::If": ["No", NOTHING, 1]}}, {"a": 1}),
        ({"a": [{"Fn::If": ["Yes", NOTHING, 1]}]}, {"a": []}),
        (NOTHING, NO_VALUE),
    ],
)
def test_no_value_leaves_nothing_behind(value: Any, expected: Any):
    assert resolve(value, scope()) == expected


NO_LIST = "Template error: every Fn::Join object requires two parameters, a delimiter and a list"
NO_ARGUMENTS = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments"
NO_ATTRIBUTE = "Template error: every Fn::GetAtt object requires two non-empty parameters"
NO_SPLIT = "Template error: every Fn::Split object requires two parameters, a delimiter and a string"
NO_INDEX = "Template error: Fn::Select requires an integer index"
NO_CHOICE = "Template error: Fn::If requires a list argument with three elements"


def unresolved(name: str) -> str:
    return f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"Ref": "Nowhere"}, unresolved("Nowhere")),
        ({"Ref": "AWS::Nothing"}, unresolved("AWS::Nothing")),
        ({"Ref": ["Name"]}, "Template error: every Ref object must have a single String value."),
        ({"Fn::GetAtt": ["Box"]}, NO_ATTRIBUTE),
        ({"Fn::GetAtt": "Box"}, NO_ATTRIBUTE),
        ({"Fn::GetAtt": ["Box", "Arn", "x"]}, NO_ATTRIBUTE),
        ({"Fn::GetAtt": {"Box": "Arn"}}, NO_ATTRIBUTE),
        ({"Fn::GetAtt": [{"Ref": "Name"}, "Arn"]}, NO_ATTRIBUTE),
        ({"Fn::GetAtt": ["Box", {"Ref": "Names"}]}, NO_ATTRIBUTE),
        (
            {"Fn::GetAtt": ["Nowhere", "Arn"]},
            "Template error: instance of Fn::GetAtt references undefined resource Nowhere",
        ),
        ({"Fn::Sub": "${Name.Arn}"}, "Template error: instance of Fn::GetAtt references undefined resource Name"),
        (
            {"Fn::GetAtt": ["Box", "Size"]},
            "Template error: resource Box (AWS::S3::Bucket) does not support attribute type Size in Fn::GetAtt",
        ),
        ({"Fn::Sub": ["${Name}"]}, NO_ARGUMENTS),
        ({"Fn::Sub": ["${Name}", ["a"]]}, NO_ARGUMENTS),
        ({"Fn::Sub": ["${Name}", {}, "x"]}, NO_ARGUMENTS),
        ({"Fn::Sub": [{"Ref": "Name"}, {}]}, NO_ARGUMENTS),
        ({"Fn::Sub": {"Ref": "Name"}}, NO_ARGUMENTS),
        ({"Fn::Sub": "${Nowhere}"}, unresolved("Nowhere")),
        ({"Fn::Sub": "${}"}, unresolved("")),
        ({"Fn::Sub": "${Names}"}, "Template error: every argument of Fn::Sub must be a text"),
        ({"Fn::Sub": "${AWS::NoValue}"}, "Template error: every argument of Fn::Sub must be a text"),
        ({"Fn::Sub": ["${A}", {"A": NOTHING}]}, "Template error: every argument of Fn::Sub must be a text"),
        ({"Fn::Join": [","]}, NO_LIST),
        ({"Fn::Join": ",a"}, NO_LIST),
        ({"Fn::Join": [",", "a"]}, NO_LIST),
        ({"Fn::Join": [",", {"Ref": "Name"}]}, NO_LIST),
        ({"Fn::Join": [["x"], ["a"]]}, "Template error: every argument of Fn::Join must be a text"),
        ({"Fn::Join": [",", [{"Ref": "Names"}]]}, "Template error: every argument of Fn::Join must be a text"),
        ({"Fn::Join": [",", [{"a": "b"}]]}, "Template error: every argument of Fn::Join must be a text"),
        ({"Fn::Split": ["", "a"]}, NO_SPLIT),
        ({"Fn::Split": [{"Ref": "Name"}, "a"]}, NO_SPLIT),
        ({"Fn::Split": [","]}, NO_SPLIT),
        ({"Fn::Split": [",", ["a"]]}, "Template error: every argument of Fn::Split must be a text"),
        ({"Fn::Select": [0]}, "Template error: Fn::Select requires a list argument with two elements"),
        ({"Fn::Select": ["x", ["a"]]}, NO_INDEX),
        ({"Fn::Select": ["", ["a"]]}, NO_INDEX),
        ({"Fn::Select": [0.5, ["a"]]}, NO_INDEX),
        ({"Fn::Select": [True, ["a", "b"]]}, NO_INDEX),
        ({"Fn::Select": ["0_1", ["a", "b"]]}, NO_INDEX),
        ({"Fn::Select": [["0"], ["a"]]}, NO_INDEX),
        ({"Fn::Select": [1, ["a"]]}, "Template error: Fn::Select cannot select nonexistent value at index 1"),
        ({"Fn::Select": [-1, ["a"]]}, "Template error: Fn::Select cannot select nonexistent value at index -1"),
        ({"Fn::Select": [0, "abc"]}, "Template error: Fn::Select cannot select nonexistent value at index 0"),
        ({"Fn::FindInMap": ["Sizes", "a"]}, "Template error: every Fn::FindInMap object requires three parameters"),
        ({"Fn::FindInMap": ["Sizes", "a", "b"]}, "Template error: Unable to get mapping for Sizes::a::b"),
        ({"Fn::FindInMap": ["No", "a", "b"]}, "Template error: Unable to get mapping for No::a::b"),
        ({"Fn::FindInMap": ["Sizes", ["a"], "b"]}, "Template error: every argument of Fn::FindInMap must be a text"),
        ({"Fn::Base64": ["a"]}, "Template error: every argument of Fn::Base64 must be a text"),
        ({"Fn::ImportValue": "nobody's"}, "No export named nobody's found."),
        ({"Fn::ImportValue": ["a"]}, "Template error: every argument of Fn::ImportValue must be a text"),
        ({"Fn::If": ["Yes", "a"]}, NO_CHOICE),
        ({"Fn::If": "Yes"}, NO_CHOICE),
        ({"Fn::If": [YES, "a", "b"]}, NO_CHOICE),
        (
            {"Fn::If": ["Nowhere", "a", "b"]},
            "Template format error: Unresolved condition dependency Nowhere in the Conditions block",
        ),
    ],
)
def test_a_malformed_function_is_refused(value: Any, sentence: str):
    assert refusal(value) == sentence
    assert refusal([{"deep": value}]) == sentence


@pytest.mark.parametrize(
    "value",
    [
        "{{resolve:secretsmanager:MySecret:SecretString:password}}",
        {"a": ["user:{{resolve:ssm-secure:Password:1}}"]},
        {"Fn::Sub": "{{resolve:ssm:/${Name}/key}}"},
        {"Fn::Join": ["", ["{{resolve:", "secretsmanager:x}}"]]},
        {"Ref": "Given"},
    ],
)
def test_the_place_of_a_secret_does_not_become_the_secret(value: Any):
    assert refusal(value, Given="{{resolve:ssm:x}}") == (
        "Template error: dynamic references ({{resolve:...}}) are not supported by Crossdock"
    )


@pytest.mark.parametrize("text", ["{{name}}", "{{ resolve:ssm:x }}", "{{resolve:other:x}}", "resolve:ssm:x"])
def test_other_braces_are_texts(text: str):
    assert resolve({"a": text}, scope()) == {"a": text}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (YES, True),
        (NO, False),
        ({"Fn::Equals": [{"Ref": "Name"}, "shop"]}, True),
        ({"Fn::Equals": [{"Ref": "Port"}, 21]}, True),
        ({"Fn::Equals": ["true", True]}, True),
        ({"Fn::Equals": ["True", True]}, False),
        ({"Fn::Equals": ["a", "A"]}, False),
        ({"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Names"}]}, "ab"]}, True),
        ({"Fn::Equals": [{"Fn::If": ["No", "a", "b"]}, "b"]}, True),
        ({"Fn::Equals": [{"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "1"]}, True),
        ({"Fn::Not": [NO]}, True),
        ({"Fn::Not": [{"Condition": "Yes"}]}, False),
        ({"Fn::And": [YES, {"Condition": "Yes"}]}, True),
        ({"Fn::And": [YES] * 9 + [NO]}, False),
        ({"Fn::Or": [NO, {"Condition": "No"}]}, False),
        ({"Fn::Or": [NO] * 9 + [YES]}, True),
        ({"Condition": "No"}, False),
    ],
)
def test_a_condition_holds_or_not(condition: Any, expected: bool):
    assert condition_holds("C", scope({"C": condition})) is expected


NO_OPERATION = "Template format error: Conditions can only be boolean operations on parameters and conditions"


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (True, NO_OPERATION),
        ("Yes", NO_OPERATION),
        ({}, NO_OPERATION),
        ({"Fn::Not": [YES], "Condition": "Yes"}, NO_OPERATION),
        ({"Fn::Not": ["true"]}, NO_OPERATION),
        ({"Ref": "Name"}, "Template error: Ref is malformed in the Conditions block"),
        ({"Fn::If": ["Yes", YES, NO]}, "Template error: Fn::If is malformed in the Conditions block"),
        ({"Fn::Equals": ["a"]}, "Template error: Fn::Equals is malformed in the Conditions block"),
        ({"Fn::Equals": "aa"}, "Template error: Fn::Equals is malformed in the Conditions block"),
        ({"Fn::Not": YES}, "Template error: Fn::Not is malformed in the Conditions block"),
        ({"Fn::Not": [YES, YES]}, "Template error: Fn::Not is malformed in the Conditions block"),
        ({"Fn::And": [YES]}, "Template error: Fn::And is malformed in the Conditions block"),
        ({"Fn::And": [YES] * 11}, "Template error: Fn::And is malformed in the Conditions block"),
        ({"Fn::Or": [NO]}, "Template error: Fn::Or is malformed in the Conditions block"),
        ({"Fn::Or": [NO] * 11}, "Template error: Fn::Or is malformed in the Conditions block"),
        ({"Condition": ["Yes"]}, "Template error: Condition is malformed in the Conditions block"),
        (
            {"Condition": "Nowhere"},
            "Template format error: Unresolved condition dependency Nowhere in the Conditions block",
        ),
    ],
)
def test_a_malformed_condition_is_refused_whether_it_is_used_or_not(condition: Any, sentence: str):
    for use in (lambda within: condition_holds("C", within), present_resources):
        with pytest.raises(ServiceError) as caught:
            use(scope({"C": condition}))
        assert caught.value.message == sentence


def test_only_resources_whose_conditions_hold_are_present():
    resources = {
        name: Resource(logical_id=name, type="AWS::S3::Bucket", properties={}, condition=condition)
        for name, condition in {"Always": "", "Here": "Yes", "Absent": "No"}.items()
    }
    within = Scope(
        template=Template(resources=resources, conditions={"Yes": YES, "No": NO}), parameters={}, pseudo={}, exports={}
    )
    assert list(present_resources(within)) == ["Always", "Here"]
    assert within.conditions == {"Yes": True, "No": False}


TOO_MUCH = f"Template error: the functions of one value make more than {MAX_RESOLVED_CHARS} characters"


def nested_subs(depth: int) -> Any:
    value: Any = "0123456789"
    for _ in range(depth):
        value = {"Fn::Sub": ["${A}" * 10, {"A": value}]}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Sub": "${Long}" * 2_000},
        {"Fn::Join": ["", [{"Ref": "Long"}] * 2_000]},
        {"Fn::Join": ["x" * 4_000, ["a"] * 2_000]},
        [{"Ref": "Long"}] * 2_000,
        {f"k{number}": {"Ref": "Long"} for number in range(2_000)},
        [{"Fn::Base64": {"Ref": "Long"}}] * 2_000,
        [{"Fn::Split": ["x", {"Ref": "Long"}]}] * 2_000,
        [{"Fn::Select": [0, {"Fn::Split": ["y", {"Ref": "Long"}]}]}] * 2_000,
        [{"Ref": "Many"}] * 2_000,
        [{"Fn::Join": ["", {"Ref": "Many"}]}] * 2_000,
        nested_subs(30),
    ],
)
def test_a_small_template_cannot_make_a_large_value(value: Any):
    assert refusal(value, Long="x" * 4_096, Many=[""] * 4_096) == TOO_MUCH


def test_texts_up_to_the_limit_are_made_for_each_resource_anew():
    within = scope(Long="x" * 4_096)
    half = {"a": [{"Ref": "Long"}] * 600}
    for _ in range(3):
        assert len(resolve(half, within)["a"]) == 600
    assert len(resolve({"a": nested_subs(4)}, within)["a"]) == 100_000


PLAIN = st.recursive(
    st.booleans() | st.integers() | st.text("ab${}!.:", max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text("abRef:", max_size=4), children),
    max_leaves=15,
)


@settings(deadline=None, max_examples=25)
@given(PLAIN.filter(lambda value: "'Ref'" not in repr(value)))
def test_a_value_without_functions_stays_as_it_is(value: Any):
    assert resolve(value, scope()) == value
