"""Parameters of stacks: given, defaulted, kept from before, refused, and NoEcho ones that are never told."""

import pytest
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import body, bucket, log_group, outputs, ref, resource

SECRET = "correct-horse-battery"
HIDDEN = {"Password": {"Type": "String", "NoEcho": True}}
NAMED = {"Name": {"Type": "String", "AllowedPattern": "[a-z]+"}, "Days": {"Type": "Number", "Default": 7}}
GROUP = {"Log": resource("Logs::LogGroup", LogGroupName=ref("Name"), RetentionInDays=ref("Days"))}


def parameters(stack: dict) -> dict[str, str]:
    return {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}


async def test_a_default_stands_in_for_what_is_not_given(cloud: EmbeddedStacks):
    made = await cloud.create(GROUP, Parameters=NAMED, values={"Name": "mine"})
    assert parameters(made) == {"Name": "mine", "Days": "7"}
    assert await cloud.log_groups() == {"mine": 7}


async def test_previous_values_are_kept_where_the_update_says_so(cloud: EmbeddedStacks):
    await cloud.create(GROUP, Parameters=NAMED, values={"Name": "mine", "Days": "14"})
    changed = await cloud.update(GROUP, Parameters=NAMED, values={"Name": None, "Days": "30"})
    assert parameters(changed) == {"Name": "mine", "Days": "30"}
    assert await cloud.log_groups() == {"mine": 30}
    # Not mentioned at all: the default counts again, as at AWS.
    assert parameters(await cloud.update(GROUP, Parameters=NAMED, values={"Name": None}))["Days"] == "7"
    await cloud(
        "UpdateStack",
        StackName="app",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "Name", "UsePreviousValue": True},
            {"ParameterKey": "Days", "ParameterValue": "60"},
        ],
    )
    assert await cloud.log_groups() == {"mine": 60}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "Parameters: [Name] must have values"),
        ([{"ParameterKey": "Name", "ParameterValue": "UPPER"}], "Parameter 'Name' must match pattern [a-z]+"),
        ([{"ParameterKey": "Name"}], "needs a value or usePreviousValue"),
        ([{"ParameterKey": "Name", "UsePreviousValue": True}], "not in the previous template"),
        ([{"ParameterKey": "Name", "ParameterValue": "a"}] * 2, "Duplicate parameter key Name"),
        (
            [{"ParameterKey": "Name", "ParameterValue": "a"}, {"ParameterKey": "Odd", "ParameterValue": "b"}],
            "Parameters: [Odd] do not exist in the template",
        ),
        (
            [{"ParameterKey": "Name", "ParameterValue": "a", "UsePreviousValue": True}],
            "Cannot specify usePreviousValue and a value",
        ),
    ],
)
async def test_parameters_that_do_not_fit_make_no_stack(cloud: EmbeddedStacks, given: list, sentence: str):
    text = body(GROUP, Parameters=NAMED)
    code, message = await cloud.refusal("CreateStack", StackName="app", TemplateBody=text, Parameters=given)
    assert code == "ValidationError"
    assert sentence in message
    assert (await cloud("ListStacks"))["StackSummaries"] == []


async def test_the_previous_template_needs_a_previous_stack_and_no_other_template(cloud: EmbeddedStacks):
    assert "does not exist" in (await cloud.refusal("UpdateStack", StackName="app", UsePreviousTemplate=True))[1]
    await cloud.create({"Box": bucket()})
    code, message = await cloud.refusal(
        "UpdateStack", StackName="app", UsePreviousTemplate=True, TemplateBody=body({"Box": bucket()})
    )
    assert (code, message) == ("ValidationError", "Specify either UsePreviousTemplate or a template, not both")
    refused = await cloud.refusal(
        "CreateChangeSet", StackName="new", ChangeSetName="c", ChangeSetType="CREATE", UsePreviousTemplate=True
    )
    assert refused[1] == "UsePreviousTemplate needs a stack that has a template"


async def test_a_no_echo_parameter_is_used_and_never_told(cloud: EmbeddedStacks):
    secret = {"Secret": resource("SecretsManager::Secret", Name="s", SecretString=ref("Password"))}
    made = await cloud.create(secret, Parameters=HIDDEN, values={"Password": SECRET})
    assert (await cloud.call("secretsmanager", "GetSecretValue", SecretId="s"))["SecretString"] == SECRET
    assert parameters(made) == {"Password": "****"}
    await cloud(
        "CreateChangeSet",
        StackName="app",
        ChangeSetName="c",
        TemplateBody=body(secret, Parameters=HIDDEN),
        Parameters=[{"ParameterKey": "Password", "ParameterValue": SECRET + "2"}],
    )
    described = await cloud("DescribeChangeSet", StackName="app", ChangeSetName="c")
    assert parameters(dict(described)) == {"Password": "****"}
    assert SECRET not in await cloud.rows()


async def test_a_no_echo_value_that_a_service_repeats_is_masked_in_events_and_reasons(cloud: EmbeddedStacks):
    stack = await cloud.create(
        {"Box": resource("S3::Bucket", BucketName=ref("Password")), "Other": bucket("box")},
        Parameters=HIDDEN,
        values={"Password": f"NOT.A.NAME.{SECRET}"},
        OnFailure="DO_NOTHING",
    )
    assert stack["StackStatus"] == "CREATE_FAILED"
    cloud.flaws.fail("logs", "CreateLogGroup", f"the password {SECRET} is bad, {SECRET}2 is worse", times=2)
    group = {"Log": log_group("a")}
    await cloud.create(group, "two", Parameters=HIDDEN, values={"Password": SECRET})
    assert await cloud.reasons("Log", "two") == [
        "the password **** is bad, ****2 is worse (Service error code: InternalFailure)"
    ]
    # A new value of an update is as secret as the old one.
    await cloud.create({"Box": bucket()}, "three", Parameters=HIDDEN, values={"Password": "the-old-one"})
    cloud.flaws.fail("logs", "CreateLogGroup", f"{SECRET} follows the-old-one")
    await cloud.update({"Box": bucket(), **group}, "three", Parameters=HIDDEN, values={"Password": SECRET})
    assert (await cloud.reasons("Log", "three"))[0] == "**** follows **** (Service error code: InternalFailure)"
    shown = [await cloud("DescribeStackEvents", StackName=name) for name in ("app", "two", "three")]
    shown += [await cloud("DescribeStackResources", StackName=name) for name in ("app", "two", "three")]
    shown += [await cloud("ListStacks"), await cloud("DescribeStacks")]
    assert SECRET not in repr(shown)
    assert SECRET not in await cloud.rows()


async def test_an_output_of_a_no_echo_parameter_lies_sealed(cloud: EmbeddedStacks):
    made = outputs(Told=ref("Password"))
    await cloud.create({"Box": bucket()}, Parameters=HIDDEN, values={"Password": SECRET}, Outputs=made)
    # As at AWS, a template that puts it into an output wants it told.
    assert await cloud.outputs() == {"Told": SECRET}
    assert SECRET not in await cloud.rows()


async def test_a_refused_value_is_not_repeated(cloud: EmbeddedStacks):
    declared = {"Password": {"Type": "String", "NoEcho": True, "MaxLength": 3}}
    text = body({"Box": bucket()}, Parameters=declared)
    given = [{"ParameterKey": "Password", "ParameterValue": SECRET}]
    message = (await cloud.refusal("CreateStack", StackName="app", TemplateBody=text, Parameters=given))[1]
    assert message == "Parameter 'Password' must contain at most 3 characters"
