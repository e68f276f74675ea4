"""Stacks: made, shown, deleted, and what is refused before anything is made."""

import json

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import body, bucket, log_group, ref, resource, role

NO_SUCH = ("ValidationError", "Stack with id app does not exist")


async def test_a_stack_is_described_with_what_it_was_made_of(cloud: EmbeddedStacks):
    made = await cloud.create(
        {"Box": bucket("box")},
        Description="For files",
        Parameters={"Size": {"Type": "Number", "Default": 3}, "Name": {"Type": "String"}},
        values={"Name": "n"},
        Tags=[{"Key": "team", "Value": "red"}],
        TimeoutInMinutes=5,
    )
    assert made["StackId"].startswith(f"arn:aws:cloudformation:us-east-1:{HUB}:stack/app/")
    assert (made["StackName"], made["StackStatus"]) == ("app", "CREATE_COMPLETE")
    assert made["Description"] == "For files"
    assert made["Parameters"] == [
        {"ParameterKey": "Size", "ParameterValue": "3"},
        {"ParameterKey": "Name", "ParameterValue": "n"},
    ]
    assert made["Tags"] == [{"Key": "team", "Value": "red"}]
    assert made["TimeoutInMinutes"] == 5
    assert made["CreationTime"] == cloud.parts.clock.now()
    assert "LastUpdatedTime" not in made
    assert await cloud.buckets() == ["box"]


async def test_the_events_tell_the_story_of_a_stack(cloud: EmbeddedStacks):
    stack_id = (await cloud.create({"Box": bucket("box")}))["StackId"]
    await cloud.delete()
    assert await cloud.told(stack_id) == [
        ("app", "CREATE_IN_PROGRESS"),
        ("Box", "CREATE_IN_PROGRESS"),
        ("Box", "CREATE_IN_PROGRESS"),
        ("Box", "CREATE_COMPLETE"),
        ("app", "CREATE_COMPLETE"),
        ("app", "DELETE_IN_PROGRESS"),
        ("Box", "DELETE_IN_PROGRESS"),
        ("Box", "DELETE_COMPLETE"),
        ("app", "DELETE_COMPLETE"),
    ]
    assert await cloud.reasons("app", stack_id) == ["User Initiated", "User Initiated"]
    assert await cloud.reasons("Box", stack_id) == ["Resource creation Initiated"]


async def test_resources_are_made_after_what_they_refer_to_and_deleted_before_it(cloud: EmbeddedStacks):
    resources = {
        "Last": resource("Logs::LogGroup", LogGroupName={"Fn::Sub": "/logs/${Middle}"}),
        "Middle": resource("S3::Bucket", BucketName={"Fn::Join": ["-", ["box", ref("First")]]}),
        "First": log_group("first"),
    }
    stack_id = (await cloud.create(resources))["StackId"]
    await cloud.delete()
    told = await cloud.told(stack_id)
    assert [name for name, status in told if status == "CREATE_COMPLETE"] == ["First", "Middle", "Last", "app"]
    assert [name for name, status in told if status == "DELETE_COMPLETE"] == ["Last", "Middle", "First", "app"]


async def test_a_deleted_stack_is_found_by_its_id_and_its_name_is_free(cloud: EmbeddedStacks):
    first = (await cloud.create({"Box": bucket()}))["StackId"]
    assert await cloud.delete() == "DELETE_COMPLETE"
    for operation in ("DescribeStacks", "DescribeStackEvents", "ListStackResources", "GetTemplate"):
        assert await cloud.refusal(operation, StackName="app") == NO_SUCH
    deleted = await cloud.stack(first)
    assert deleted["DeletionTime"] == cloud.parts.clock.now()
    assert (await cloud("DescribeStacks"))["Stacks"] == []
    assert (await cloud("ListStackResources", StackName=first))["StackResourceSummaries"] == []
    second = (await cloud.create({"Box": bucket()}))["StackId"]
    assert second != first
    assert (await cloud.stack())["StackId"] == second
    # What is gone already is gone: both ways of naming it succeed.
    await cloud("DeleteStack", StackName=first)
    await cloud("DeleteStack", StackName="never-was")
    assert (await cloud.stack())["StackStatus"] == "CREATE_COMPLETE"


async def test_a_name_is_taken_once_in_an_account_and_region(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    code, message = await cloud.refusal("CreateStack", StackName="app", TemplateBody=body({"Box": bucket()}))
    assert (code, message) == ("AlreadyExistsException", "Stack [app] already exists")
    await cloud("CreateStack", as_=cloud.partner, StackName="app", TemplateBody=body({"Box": bucket()}))
    await cloud("CreateStack", region="eu-west-1", StackName="app", TemplateBody=body({"Box": bucket()}))
    assert len((await cloud("DescribeStacks"))["Stacks"]) == 1


async def test_a_stack_of_another_account_is_not_there(cloud: EmbeddedStacks):
    stack_id = (await cloud.create({"Box": bucket()}))["StackId"]
    assert (await cloud.refusal("DescribeStacks", as_=cloud.partner, StackName="app"))[0] == "ValidationError"
    await cloud.refusal("DescribeStacks", as_=cloud.partner, StackName=stack_id)
    await cloud.refusal("UpdateStack", as_=cloud.partner, StackName=stack_id, TemplateBody=body({"B": bucket()}))
    assert await cloud.status() == "CREATE_COMPLETE"


async def test_stacks_are_listed_newest_first_and_by_status(cloud: EmbeddedStacks):
    for name in ("one", "two", "three"):
        await cloud.create({"Box": bucket()}, name, Description=f"number {name}")
        cloud.parts.clock.advance(1)
    await cloud.delete("two")
    listed = (await cloud("ListStacks"))["StackSummaries"]
    assert [item["StackName"] for item in listed] == ["three", "two", "one"]
    assert listed[0]["TemplateDescription"] == "number three"
    deleted = (await cloud("ListStacks", StackStatusFilter=["DELETE_COMPLETE"]))["StackSummaries"]
    assert [item["StackName"] for item in deleted] == ["two"]
    assert [item["StackName"] for item in (await cloud("DescribeStacks"))["Stacks"]] == ["three", "one"]


async def test_the_template_is_given_back_as_it_was_written(cloud: EmbeddedStacks):
    text = "# a comment\nResources:\n  Box: {Type: 'AWS::S3::Bucket'}\n"
    await cloud("CreateStack", StackName="app", TemplateBody=text)
    assert (await cloud("GetTemplate", StackName="app"))["TemplateBody"] == text
    assert (await cloud.refusal("GetTemplate"))[0] == "ValidationError"
    assert "ChangeSetName" in (await cloud.refusal("GetTemplate", StackName="app", ChangeSetName="c"))[1]


async def test_a_template_may_lie_in_a_bucket(cloud: EmbeddedStacks):
    await cloud.call("s3", "CreateBucket", Bucket="templates")
    text = body({"Box": bucket("from-s3")}).encode()
    await cloud.call("s3", "PutObject", Bucket="templates", Key="a/t.json", Body=text)
    for number, url in enumerate(
        (
            "https://templates.s3.us-east-1.amazonaws.com/a/t.json",
            "https://s3.amazonaws.com/templates/a/t.json",
            "http://127.0.0.1:4566/templates/a/t.json",
        )
    ):
        await cloud("CreateStack", StackName=f"s{number}", TemplateURL=url)
        assert await cloud.status(f"s{number}") == "CREATE_COMPLETE"
        await cloud.delete(f"s{number}")
    code, message = await cloud.refusal("CreateStack", StackName="x", TemplateURL="https://s3.amazonaws.com/nobody/t")
    assert code == "ValidationError"
    assert message.startswith("S3 error: ")
    for url in ("https://s3.amazonaws.com/templates", "https://[x"):
        message = (await cloud.refusal("ValidateTemplate", TemplateURL=url))[1]
        assert message == "TemplateURL must reference a valid S3 object to which you have access."
    await cloud.call("s3", "PutObject", Bucket="templates", Key="bytes", Body=b"\xff\xfe")
    url = "https://templates.s3.amazonaws.com/bytes"
    assert "UTF-8" in (await cloud.refusal("ValidateTemplate", TemplateURL=url))[1]


async def test_a_template_too_large_for_a_body_may_be_an_object_but_no_object_may_be_larger_than_that(
    cloud: EmbeddedStacks,
):
    await cloud.call("s3", "CreateBucket", Bucket="templates")
    large = body({"Box": bucket()}, Metadata={"Notes": "x" * 60_000})
    code, message = await cloud.refusal("ValidateTemplate", TemplateBody=large)
    assert code == "ValidationError"
    assert "less than or equal to 51200" in message
    url = "https://s3.amazonaws.com/templates/t"
    await cloud.call("s3", "PutObject", Bucket="templates", Key="t", Body=large.encode())
    await cloud("CreateStack", StackName="app", TemplateURL=url)
    await cloud.call("s3", "PutObject", Bucket="templates", Key="t", Body=b" " * 1_048_577)
    assert "1048576 bytes" in (await cloud.refusal("ValidateTemplate", TemplateURL=url))[1]


async def test_templates_are_summarised_and_validated_without_a_stack(cloud: EmbeddedStacks):
    text = body(
        {"Role": role(), "Box": bucket()},
        Description="d",
        Parameters={
            "Password": {"Type": "String", "NoEcho": True, "Description": "p"},
            "Count": {"Type": "Number", "Default": 2},
        },
    )
    validated = await cloud("ValidateTemplate", TemplateBody=text)
    assert validated["Description"] == "d"
    assert validated["Capabilities"] == ["CAPABILITY_IAM"]
    assert validated["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert validated["Parameters"] == [
        {"ParameterKey": "Password", "NoEcho": True, "Description": "p"},
        {"ParameterKey": "Count", "NoEcho": False, "DefaultValue": "2"},
    ]
    summary = await cloud("GetTemplateSummary", TemplateBody=text)
    assert summary["ResourceTypes"] == ["AWS::IAM::Role", "AWS::S3::Bucket"]
    assert [item["ParameterType"] for item in summary["Parameters"]] == ["String", "Number"]
    await cloud.create({"Box": bucket()})
    assert (await cloud("GetTemplateSummary", StackName="app"))["ResourceTypes"] == ["AWS::S3::Bucket"]
    assert (await cloud.refusal("GetTemplateSummary"))[0] == "ValidationError"


@pytest.mark.parametrize(
    ("capabilities", "named", "refused"),
    [
        ([], False, "CAPABILITY_IAM"),
        (["CAPABILITY_AUTO_EXPAND"], False, "CAPABILITY_IAM"),
        (["CAPABILITY_IAM"], False, ""),
        (["CAPABILITY_NAMED_IAM"], False, ""),
        ([], True, "CAPABILITY_NAMED_IAM"),
        (["CAPABILITY_IAM"], True, "CAPABILITY_NAMED_IAM"),
        (["CAPABILITY_NAMED_IAM"], True, ""),
    ],
)
async def test_iam_resources_need_that_the_caller_says_so(
    cloud: EmbeddedStacks, capabilities: list[str], named: bool, refused: str
):
    text = body({"Role": role(RoleName="mine") if named else role()})
    params = {"StackName": "app", "TemplateBody": text, "Capabilities": capabilities}
    if not refused:
        await cloud("CreateStack", **params)
        return
    assert await cloud.refusal("CreateStack", **params) == (
        "InsufficientCapabilitiesException",
        f"Requires capabilities : [{refused}]",
    )
    assert await cloud.refusal("DescribeStacks", StackName="app") == NO_SUCH


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"RoleARN": f"arn:aws:iam::{HUB}:role/deployer"}, "RoleARN is not supported"),
        ({"NotificationARNs": [f"arn:aws:sns:us-east-1:{HUB}:t"]}, "NotificationARNs is not supported"),
        ({"EnableTerminationProtection": True}, "EnableTerminationProtection is not supported"),
        ({"StackPolicyBody": "{}"}, "StackPolicyBody is not supported"),
        ({"ResourceTypes": ["AWS::S3::*"]}, "ResourceTypes is not supported"),
        ({"RollbackConfiguration": {"MonitoringTimeInMinutes": 5}}, "RollbackConfiguration is not supported"),
        ({"RetainExceptOnCreate": True}, "RetainExceptOnCreate is not supported"),
        ({"OnFailure": "DELETE", "DisableRollback": True}, "either DisableRollback or OnFailure"),
        ({"TemplateURL": "https://s3.amazonaws.com/b/k"}, "either TemplateBody or TemplateURL"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "Duplicate tag keys"),
    ],
)
async def test_what_is_not_done_is_refused_and_no_stack_is_made(cloud: EmbeddedStacks, params: dict, sentence: str):
    code, message = await cloud.refusal("CreateStack", StackName="app", TemplateBody=body({"B": bucket()}), **params)
    assert code == "ValidationError"
    assert sentence in message
    assert (await cloud("ListStacks"))["StackSummaries"] == []


async def test_what_asks_for_nothing_is_not_refused(cloud: EmbeddedStacks):
    params = {"EnableTerminationProtection": False, "NotificationARNs": [], "DisableRollback": False}
    made = await cloud.create({"Box": bucket()}, **params)
    assert made["EnableTerminationProtection"] is False


async def test_a_template_with_an_error_makes_no_stack(cloud: EmbeddedStacks):
    for text in ("", "{", json.dumps({"Resources": {}}), body({"A": resource("S3::Bucket", BucketName=ref("Gone"))})):
        assert (await cloud.refusal("CreateStack", StackName="app", TemplateBody=text))[0] == "ValidationError"
    assert (await cloud.refusal("CreateStack", StackName="app"))[1] == (
        "Either Template URL or Template Body must be specified."
    )
    assert (await cloud("ListStacks"))["StackSummaries"] == []


async def test_tags_stay_unless_others_are_given(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()}, Tags=[{"Key": "a", "Value": "1"}])
    assert (await cloud.update({"Box": bucket(), "Log": log_group()}))["Tags"] == [{"Key": "a", "Value": "1"}]
    # Only the tags are other ones: that is a change too.
    changed = await cloud.update({"Box": bucket(), "Log": log_group()}, Tags=[{"Key": "b", "Value": "2"}])
    assert (changed["StackStatus"], changed["Tags"]) == ("UPDATE_COMPLETE", [{"Key": "b", "Value": "2"}])
    assert (await cloud.update({"Box": bucket(), "Log": log_group()}, Tags=[]))["Tags"] == []
