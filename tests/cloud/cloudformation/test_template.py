"""Templates that are whole, and every sentence for those that are not."""

import json
from typing import Any

import pytest

from crossdock.cloud.cloudformation.checks import read_template
from crossdock.cloud.cloudformation.template import Resource, Template, parse_template
from crossdock.core.errors import ServiceError

FORMAT = "Template format error: "
BUCKET = {"Type": "AWS::S3::Bucket"}


def read(**sections: Any) -> Template:
    return read_template(json.dumps({"Resources": {"Box": BUCKET}, **sections}))


def refusal(**sections: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        read(**sections)
    assert caught.value.code == "ValidationError"
    return caught.value.message


def using(properties: Any, **attributes: Any) -> dict[str, Any]:
    """A template's Resources, of which one has these properties."""
    return {"Box": BUCKET, "User": {"Type": "AWS::S3::Bucket", "Properties": {"P": properties}, **attributes}}


YES: dict[str, Any] = {"Fn::Equals": ["a", "a"]}


def test_a_template_is_read_section_by_section():
    template = read_template("""
AWSTemplateFormatVersion: 2010-09-09
Description: What it is for
Metadata: {anything: [goes, {Ref: Nowhere}]}
Parameters:
  Name: {Type: String}
Mappings:
  Sizes: {us-east-1: {small: 1, all: [1, 2]}}
Conditions:
  IsNamed: !Not [!Equals [!Ref Name, '']]
Rules: {}
Resources:
  Box:
    Type: AWS::S3::Bucket
    Condition: IsNamed
    DependsOn: Log
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Description: AWS's own article writes one here
    Metadata: {Ref: Nowhere}
    Properties: {BucketName: !Ref Name}
  Log:
    Type: AWS::Logs::LogGroup
    DependsOn: []
Outputs:
  Arn: {Value: !GetAtt Box.Arn, Description: d, Condition: IsNamed, Export: {Name: !Sub '${AWS::StackName}-arn'}}
""")
    assert template == Template(
        description="What it is for",
        parameters={"Name": {"Type": "String"}},
        mappings={"Sizes": {"us-east-1": {"small": 1, "all": [1, 2]}}},
        conditions={"IsNamed": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]}},
        resources={
            "Box": Resource(
                logical_id="Box",
                type="AWS::S3::Bucket",
                properties={"BucketName": {"Ref": "Name"}},
                depends_on=("Log",),
                condition="IsNamed",
                deletion_policy="Retain",
                replace_policy="Retain",
            ),
            "Log": Resource(logical_id="Log", type="AWS::Logs::LogGroup", properties={}),
        },
        outputs={
            "Arn": {
                "Value": {"Fn::GetAtt": ["Box", "Arn"]},
                "Description": "d",
                "Condition": "IsNamed",
                "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-arn"}},
            }
        },
    )


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"Extra": {}, "Another": 1}, "Invalid template property or properties [Another, Extra]"),
        (
            {"AWSTemplateFormatVersion": "2012-10-17"},
            FORMAT + "unsupported value for AWSTemplateFormatVersion.",
        ),
        ({"AWSTemplateFormatVersion": ""}, FORMAT + "unsupported value for AWSTemplateFormatVersion."),
        (
            {"Transform": "AWS::Serverless-2016-10-31"},
            "Template error: macros and transforms are not supported by Crossdock",
        ),
        ({"Transform": ["AWS::Include"]}, "Template error: macros and transforms are not supported by Crossdock"),
        ({"Rules": {"R": {"Assertions": []}}}, "Template error: Rules are not supported by Crossdock"),
        ({"Description": ["x"]}, FORMAT + "Description must be a string."),
        ({"Description": 0}, FORMAT + "Description must be a string."),
        ({"Resources": {}}, FORMAT + "At least one Resources member must be defined."),
        ({"Resources": []}, FORMAT + "[/Resources] must be an object"),
        ({"Resources": None}, "[/Resources] 'null' values are not allowed in templates"),
        ({"Parameters": "x"}, FORMAT + "[/Parameters] must be an object"),
        ({"Parameters": ""}, FORMAT + "[/Parameters] must be an object"),
        ({"Mappings": [1]}, FORMAT + "[/Mappings] must be an object"),
        ({"Conditions": 5}, FORMAT + "[/Conditions] must be an object"),
        ({"Outputs": False}, FORMAT + "[/Outputs] must be an object"),
        ({"Resources": {"A": "x"}}, FORMAT + "[/Resources/A] must be an object"),
        ({"Parameters": {"P": []}}, FORMAT + "[/Parameters/P] must be an object"),
        ({"Outputs": {"O": "x"}}, FORMAT + "[/Outputs/O] must be an object"),
        ({"Mappings": {"M": "x"}}, FORMAT + "[/Mappings/M] must be an object"),
        ({"Mappings": {"M": {"k": "x"}}}, FORMAT + "[/Mappings/M/k] must be an object"),
        (
            {"Mappings": {"M": {"k": {"a": {"Ref": "AWS::Region"}}}}},
            FORMAT + "Every Mappings attribute must be a String or a List.",
        ),
        ({"Resources": {"a-b": BUCKET}}, FORMAT + "Resource name a-b is non alphanumeric."),
        ({"Resources": {"ä": BUCKET}}, FORMAT + "Resource name ä is non alphanumeric."),
        ({"Resources": {"": BUCKET}}, FORMAT + "Resource name  is non alphanumeric."),
        ({"Resources": {"a" * 256: BUCKET}}, FORMAT + f"Resource name {'a' * 256} is non alphanumeric."),
        ({"Parameters": {"a_b": {"Type": "String"}}}, FORMAT + "Parameter name a_b is non alphanumeric."),
        ({"Mappings": {"a.b": {}}}, FORMAT + "Mapping name a.b is non alphanumeric."),
        ({"Outputs": {"a b": {"Value": "x"}}}, FORMAT + "Output name a b is non alphanumeric."),
        (
            {"Parameters": {"Box": {"Type": "String"}, "X": {"Type": "String"}}},
            "Template error: all resources and parameters must have unique names. Common name(s):[Box]",
        ),
        ({"Parameters": {"P": {}}}, FORMAT + "Every Parameters object must contain a Type member. (P)"),
    ],
)
def test_a_section_of_another_shape_is_refused(sections: dict[str, Any], sentence: str):
    assert refusal(**sections) == sentence


@pytest.mark.parametrize(
    ("section", "body", "most"),
    [
        ("Resources", BUCKET, 500),
        ("Parameters", {"Type": "String"}, 200),
        ("Mappings", {"k": {"a": "b"}}, 200),
        ("Outputs", {"Value": "x"}, 200),
    ],
)
def test_a_section_has_at_most_as_many_members_as_at_aws(section: str, body: dict[str, Any], most: int):
    members = {f"N{number}": body for number in range(most)}
    assert len(getattr(read(**{section: members}), section.lower())) == most
    assert refusal(**{section: {**members, "More": body}}) == (
        f"{FORMAT}Number of {section.lower()}, {most + 1}, is greater than maximum allowed, {most}"
    )


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        ({}, FORMAT + "[/Resources/A] Every Resources object must contain a Type member."),
        ({"Type": ""}, FORMAT + "[/Resources/A] Every Resources object must contain a Type member."),
        ({"Type": ["x"]}, FORMAT + "[/Resources/A] Every Resources object must contain a Type member."),
        ({**BUCKET, "Propertys": {}}, "Invalid template resource property 'Propertys'"),
        ({**BUCKET, "Fn::Transform": {}}, "Invalid template resource property 'Fn::Transform'"),
        ({**BUCKET, "DependsOn": {"a": 1}}, FORMAT + "[/Resources/A] DependsOn must be a string or list of strings."),
        ({**BUCKET, "DependsOn": [1]}, FORMAT + "[/Resources/A] DependsOn must be a string or list of strings."),
        ({**BUCKET, "DependsOn": False}, FORMAT + "[/Resources/A] DependsOn must be a string or list of strings."),
        ({**BUCKET, "Properties": ["x"]}, FORMAT + "[/Resources/A] Properties must be an object"),
        ({**BUCKET, "Properties": []}, FORMAT + "[/Resources/A] Properties must be an object"),
        ({**BUCKET, "Condition": YES}, FORMAT + "[/Resources/A] Condition must be a string."),
        ({**BUCKET, "Condition": ""}, FORMAT + "[/Resources/A] Condition must be a string."),
        ({**BUCKET, "DeletionPolicy": "Keep"}, FORMAT + "Unrecognized DeletionPolicy Keep for resource A"),
        ({**BUCKET, "DeletionPolicy": "Snapshot"}, FORMAT + "Unrecognized DeletionPolicy Snapshot for resource A"),
        (
            {**BUCKET, "DeletionPolicy": {"Ref": "P"}},
            FORMAT + "Unrecognized DeletionPolicy {'Ref': 'P'} for resource A",
        ),
        (
            {**BUCKET, "UpdateReplacePolicy": "RetainExceptOnCreate"},
            FORMAT + "Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A",
        ),
    ],
)
def test_a_resource_of_another_shape_is_refused(resource: dict[str, Any], sentence: str):
    assert refusal(Resources={"A": resource}) == sentence


@pytest.mark.parametrize("policy", ["Delete", "Retain", "RetainExceptOnCreate"])
def test_a_resource_says_what_becomes_of_it(policy: str):
    resource = read(Resources={"A": {**BUCKET, "DeletionPolicy": policy}}).resources["A"]
    assert (resource.deletion_policy, resource.replace_policy) == (policy, "Delete")


def unresolved(name: str, section: str = "Resources") -> str:
    return f"{FORMAT}Unresolved resource dependencies [{name}] in the {section} block of the template"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"Ref": "Nowhere"}, unresolved("Nowhere")),
        ({"Ref": "box"}, unresolved("box")),
        ({"Ref": "AWS::Account"}, unresolved("AWS::Account")),
        ([{"a": {"Fn::Join": ["", [{"Ref": "Deep"}]]}}], unresolved("Deep")),
        ([{"Ref": "Two"}, {"Ref": "One"}], unresolved("One, Two")),
        ({"Fn::Sub": "x${Nowhere}"}, unresolved("Nowhere")),
        ({"Fn::Sub": "x${Nowhere.Arn}"}, unresolved("Nowhere")),
        ({"Fn::Sub": "${AWS::Acount}"}, unresolved("AWS::Acount")),
        ({"Fn::Sub": "${}"}, unresolved("")),
        ({"Fn::Sub": ["${A}${B}", {"A": "x"}]}, unresolved("B")),
        ({"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}, unresolved("B")),
        ({"Fn::If": ["Yes", {"Ref": "Taken"}, ""]}, unresolved("Taken")),
        ({"Fn::If": ["Yes", "", {"Ref": "NotTaken"}]}, unresolved("NotTaken")),
        (
            {"Fn::GetAtt": ["Nowhere", "Arn"]},
            "Template error: instance of Fn::GetAtt references undefined resource Nowhere",
        ),
        (
            {"Fn::GetAtt": "Nowhere.Arn"},
            "Template error: instance of Fn::GetAtt references undefined resource Nowhere",
        ),
        (
            {"Fn::GetAtt": ["Name", "Arn"]},
            "Template error: instance of Fn::GetAtt references undefined resource Name",
        ),
        (
            {"Fn::If": ["Nowhere", "", ""]},
            FORMAT + "Unresolved condition dependency Nowhere in the Resources block of the template",
        ),
        (
            {"Fn::If": [{"Ref": "Name"}, "", ""]},
            FORMAT + "Unresolved condition dependency {'Ref': 'Name'} in the Resources block of the template",
        ),
        (
            {"Fn::Equals": ["a", "b"]},
            "Template error: Fn::Equals can only be used in the Conditions block of the template",
        ),
        ({"Fn::Not": [YES]}, "Template error: Fn::Not can only be used in the Conditions block of the template"),
        ({"Fn::GetAZs": ""}, "Template error: the function Fn::GetAZs is not supported by Crossdock"),
        ({"Fn::Cidr": []}, "Template error: the function Fn::Cidr is not supported by Crossdock"),
        ({"Fn::Transform": {}}, "Template error: the function Fn::Transform is not supported by Crossdock"),
        ({"a": [{"Fn::Typo": 1}]}, "Template error: the function Fn::Typo is not supported by Crossdock"),
        ({"Fn::Sub": "x", "more": 1}, "Template error: Fn::Sub must be the only member of its object"),
    ],
)
def test_what_a_property_refers_to_must_be_there(value: Any, sentence: str):
    sections = {"Parameters": {"Name": {"Type": "String"}}, "Conditions": {"Yes": YES}}
    assert refusal(Resources=using(value), **sections) == sentence


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Box"},
        {"Ref": "Name"},
        {"Ref": "AWS::NoValue"},
        {"Ref": "AWS::NotificationARNs"},
        {"Fn::GetAtt": ["Box", {"Ref": "Name"}]},
        {"Fn::GetAtt": "Box.Arn"},
        {"Fn::Sub": "${Box}${ Box.Arn }${Name}${AWS::Region}${!Nowhere}$Nowhere{Nowhere}"},
        {"Fn::Sub": ["${A}${Name}", {"A": "x"}]},
        {"Fn::If": ["Yes", "a", {"Ref": "AWS::NoValue"}]},
        # A property may be called Ref, or Condition.
        {"Ref": "Nowhere", "Other": 1},
        {"Condition": "Nowhere"},
        {"Condition": {"StringEquals": {"a": "b"}}},
        {"fn::sub": "${Nowhere}"},
    ],
)
def test_what_is_there_may_be_referred_to(value: Any):
    sections = {"Parameters": {"Name": {"Type": "String"}}, "Conditions": {"Yes": YES}}
    assert read(Resources=using(value), **sections).resources["User"].properties == {"P": value}


@pytest.mark.parametrize("function", ["Ref", "Fn::If", "Fn::Transform"])
def test_the_properties_as_a_whole_are_no_function(function: str):
    resources = {"A": {**BUCKET, "Properties": {function: "Box"}}}
    assert refusal(Resources=resources) == FORMAT + "[/Resources/A/Properties] must not be a function"


@pytest.mark.parametrize("name", ["Nowhere", "Name", "AWS::Region", ""])
def test_a_resource_depends_on_resources_only(name: str):
    resources = using("x", DependsOn=["Box", name])
    assert refusal(Resources=resources, Parameters={"Name": {"Type": "String"}}) == unresolved(name)


@pytest.mark.parametrize(
    "resources",
    [
        using({"Ref": "User"}),
        using("x", DependsOn="User"),
        using({"Fn::GetAtt": ["User", "Arn"]}),
        using({"Fn::Sub": "${User.Arn}"}),
    ],
)
def test_a_resource_that_needs_itself_is_refused(resources: dict[str, Any]):
    assert refusal(Resources=resources) == "Circular dependency between resources: [User]"


@pytest.mark.parametrize(
    ("conditions", "sentence"),
    [
        (
            {"C": {"Fn::Equals": [{"Ref": "Box"}, "x"]}},
            FORMAT
            + "Unresolved dependencies [Box]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            {"C": {"Fn::Equals": [{"Fn::Sub": "${Nowhere}"}, "x"]}},
            FORMAT
            + "Unresolved dependencies [Nowhere]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            {"C": {"Fn::Not": [{"Condition": "D"}]}},
            FORMAT + "Unresolved condition dependency D in the Conditions block of the template",
        ),
        (
            {"C": {"Fn::Equals": [{"Fn::If": ["D", "a", "b"]}, "a"]}},
            FORMAT + "Unresolved condition dependency D in the Conditions block of the template",
        ),
        ({"C": {"Condition": "C"}}, "Template error: Found circular condition dependency between conditions [C]"),
        (
            {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Condition": "A"}, "Free": YES},
            "Template error: Found circular condition dependency between conditions [A, B]",
        ),
    ],
)
def test_a_condition_refers_to_parameters_and_other_conditions(conditions: dict[str, Any], sentence: str):
    assert refusal(Conditions=conditions) == sentence


def test_conditions_come_after_those_they_need():
    chain = {f"C{number}": {"Condition": f"C{number + 1}"} for number in range(2_000)}
    assert list(read(Conditions={**chain, "C2000": YES}).conditions) == [f"C{n}" for n in range(2_000, -1, -1)]


def test_a_resource_needs_a_condition_that_there_is():
    assert refusal(Resources=using("x", Condition="Nowhere")) == (
        FORMAT + "Unresolved condition dependency Nowhere in the Resources block of the template"
    )


def malformed(reason: str) -> str:
    return f"{FORMAT}Output O is malformed. {reason}"


NO_VALUE = "Every Outputs member must contain a Value object"
NO_NAME = "Export must be an object with a Name"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ({}, malformed(NO_VALUE)),
        ({"Description": "d"}, malformed(NO_VALUE)),
        ({"Value": "x", "Name": "y"}, malformed("Unknown property Name")),
        ({"Value": "x", "Description": {"Ref": "Box"}}, malformed("The Description must be a string")),
        ({"Value": "x", "Export": "y"}, malformed(NO_NAME)),
        ({"Value": "x", "Export": {}}, malformed(NO_NAME)),
        ({"Value": "x", "Export": {"Name": "y", "More": 1}}, malformed(NO_NAME)),
        ({"Value": {"Ref": "Nowhere"}}, unresolved("Nowhere", "Outputs")),
        ({"Value": {"Ref": "AWS::Account"}}, unresolved("AWS::Account", "Outputs")),
        ({"Value": {"Fn::Sub": "${Nowhere}"}}, unresolved("Nowhere", "Outputs")),
        ({"Value": "x", "Export": {"Name": {"Ref": "Nowhere"}}}, unresolved("Nowhere", "Outputs")),
        (
            {"Value": {"Fn::GetAtt": ["Nowhere", "Arn"]}},
            "Template error: instance of Fn::GetAtt references undefined resource Nowhere",
        ),
        ({"Value": {"Fn::Cidr": []}}, "Template error: the function Fn::Cidr is not supported by Crossdock"),
    ],
)
def test_an_output_of_another_shape_is_refused(output: dict[str, Any], sentence: str):
    assert refusal(Outputs={"O": output}) == sentence


@pytest.mark.parametrize("condition", ["Nowhere", "", YES, ["C"], False])
def test_an_output_needs_a_condition_that_there_is(condition: Any):
    assert refusal(Conditions={"C": YES}, Outputs={"O": {"Value": "x", "Condition": condition}}) == (
        f"{FORMAT}Unresolved condition dependency {condition} in the Outputs block of the template"
    )


def test_a_shape_is_told_before_what_it_refers_to():
    text = json.dumps({"Resources": using({"Ref": "Nowhere"})})
    assert set(parse_template(text).resources) == {"Box", "User"}
    with pytest.raises(ServiceError, match="Member must have length less than or equal to 10"):
        read_template(text, max_bytes=10)
