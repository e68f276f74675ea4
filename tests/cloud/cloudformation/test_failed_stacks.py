"""What becomes of a stack that cannot be made or deleted, and with whose permissions it is made."""

import asyncio

import pytest
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import allowing, body, bucket, log_group, ref, resource, role

BOX_AND_LOG = {"Box": bucket("box"), "Log": log_group("log")}


async def test_a_stack_that_cannot_be_made_is_rolled_back(cloud: EmbeddedStacks):
    cloud.flaws.fail("logs", "CreateLogGroup", "no more")
    stack = await cloud.create(BOX_AND_LOG)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert await cloud.buckets() == []
    assert await cloud.reasons("Log") == ["no more (Service error code: InternalFailure)"]
    assert (await cloud.reasons("app"))[1] == (
        "The following resource(s) failed to create: [Log]. Rollback requested by user."
    )
    assert [status for name, status in await cloud.told() if name == "app"] == [
        "CREATE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
    ]
    assert ("Box", "DELETE_COMPLETE") in await cloud.told()
    # All that can be done with it is to delete it.
    state = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    text = body(BOX_AND_LOG)
    assert (await cloud.refusal("UpdateStack", StackName="app", TemplateBody=text))[1] == state
    refused = await cloud.refusal("CreateChangeSet", StackName="app", ChangeSetName="c", TemplateBody=text)
    assert refused == ("ValidationError", state)
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_on_failure_do_nothing_leaves_what_was_made(cloud: EmbeddedStacks):
    for name, params in (("a", {"OnFailure": "DO_NOTHING"}), ("b", {"DisableRollback": True})):
        cloud.flaws.fail("logs", "CreateLogGroup")
        stack = await cloud.create({"Box": bucket(f"box-{name}"), "Log": log_group(name)}, name, **params)
        assert (stack["StackStatus"], stack["DisableRollback"]) == ("CREATE_FAILED", True)
        assert stack["StackStatusReason"] == "The following resource(s) failed to create: [Log]."
    assert await cloud.buckets() == ["box-a", "box-b"]
    statuses = {name: item["ResourceStatus"] for name, item in (await cloud.resources("a")).items()}
    assert statuses == {"Box": "CREATE_COMPLETE", "Log": "CREATE_FAILED"}
    # Another update makes what is missing, and keeps what is there.
    box = await cloud.physical("Box", "a")
    assert (await cloud.update({"Box": bucket("box-a"), "Log": log_group("a")}, "a"))["StackStatus"] == (
        "UPDATE_COMPLETE"
    )
    assert await cloud.physical("Box", "a") == box
    assert await cloud.log_groups() == {"a": None}
    assert await cloud.delete("b") == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["box-a"]


async def test_on_failure_delete_leaves_nothing_but_the_story(cloud: EmbeddedStacks):
    cloud.flaws.fail("logs", "CreateLogGroup")
    stack = await cloud.create(BOX_AND_LOG, OnFailure="DELETE")
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert await cloud.buckets() == []
    assert (await cloud("DescribeStacks"))["Stacks"] == []
    assert ("Log", "CREATE_FAILED") in await cloud.told(stack["StackId"])


async def test_what_fails_in_the_rollback_is_named(cloud: EmbeddedStacks):
    cloud.flaws.fail("logs", "CreateLogGroup")
    cloud.flaws.fail("s3", "DeleteBucket", "cannot")
    stack = await cloud.create(BOX_AND_LOG)
    assert cloud.flaws.calls.count("s3:DeleteBucket") == 1
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Box]."
    assert (await cloud.resources())["Box"]["ResourceStatus"] == "DELETE_FAILED"
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == []


async def test_what_was_done_before_a_service_failed_is_taken_back_too(cloud: EmbeddedStacks):
    """The operation is done, but answers an error: whether it was done is for the stack to find out."""
    cloud.flaws.fail("logs", "PutRetentionPolicy")
    stack = await cloud.create({"Log": log_group("log", days=7)})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert await cloud.log_groups() == {}


async def test_what_another_made_under_the_name_is_not_taken_away(cloud: EmbeddedStacks):
    await cloud.call("s3", "CreateBucket", Bucket="box")
    await cloud.call("logs", "CreateLogGroup", logGroupName="log")
    await cloud.create({"Box": bucket("box")})
    assert await cloud.reasons("Box") == ["box already exists (Service error code: AlreadyExists)"]
    await cloud.create({"Log": log_group("log")}, "two", OnFailure="DELETE")
    assert await cloud.status() == "ROLLBACK_COMPLETE"
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["box"]
    assert await cloud.log_groups() == {"log": None}


async def test_a_creation_that_takes_too_long_is_rolled_back(cloud: EmbeddedStacks):
    gate = cloud.flaws.hold("s3", "CreateBucket")
    making = asyncio.ensure_future(cloud.create(BOX_AND_LOG, TimeoutInMinutes=10))
    await gate.arrival()
    cloud.parts.clock.advance(601)
    gate.open()
    assert (await making)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Stack creation time exceeded the specified timeout of 10 minutes." in (await cloud.reasons("app"))[1]
    assert await cloud.buckets() == []


async def test_a_stack_at_work_is_left_alone(cloud: EmbeddedStacks):
    gate = cloud.flaws.hold("s3", "CreateBucket")
    making = asyncio.ensure_future(cloud.create({"Box": bucket("box")}))
    await gate.arrival()
    text = body({"Other": bucket()})
    for operation, verb, params in (
        ("UpdateStack", "updated", {"TemplateBody": text}),
        ("CreateChangeSet", "updated", {"TemplateBody": text, "ChangeSetName": "c"}),
        ("DeleteStack", "deleted", {}),
    ):
        message = (await cloud.refusal(operation, StackName="app", **params))[1]
        assert message.endswith(f"is in CREATE_IN_PROGRESS state and can not be {verb}.")
    gate.open()
    assert (await making)["StackStatus"] == "CREATE_COMPLETE"
    # To delete what is being deleted changes nothing.
    gate = cloud.flaws.hold("s3", "DeleteBucket")
    deleting = asyncio.ensure_future(cloud.delete())
    await gate.arrival()
    await cloud("DeleteStack", StackName="app")
    gate.open()
    assert await deleting == "DELETE_COMPLETE"
    assert cloud.flaws.calls.count("s3:DeleteBucket") == 1


async def test_a_deletion_that_fails_can_be_repeated_or_leave_out_what_cannot_be_deleted(cloud: EmbeddedStacks):
    await cloud.create(BOX_AND_LOG)
    await cloud.call("s3", "PutObject", Bucket="box", Key="k", Body=b"x")
    for _ in range(2):
        assert await cloud.delete() == "DELETE_FAILED"
    stack = await cloud.stack()
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Box]."
    assert "BucketNotEmpty" in (await cloud.failures("Box"))[-1]
    assert await cloud.log_groups() == {}
    assert (
        "can not be updated"
        in (await cloud.refusal("UpdateStack", StackName="app", TemplateBody=body({"Box": bucket()})))[1]
    )
    assert await cloud.delete(RetainResources=["Box"]) == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["box"]
    assert (await cloud.told(stack["StackId"]))[-2:] == [("Box", "DELETE_SKIPPED"), ("app", "DELETE_COMPLETE")]


async def test_resources_can_only_be_left_out_of_a_deletion_that_failed(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    code, message = await cloud.refusal("DeleteStack", StackName="app", RetainResources=["Box"])
    assert code == "ValidationError"
    assert "DELETE_FAILED" in message
    assert await cloud.status() == "CREATE_COMPLETE"


async def test_deletion_policies_say_what_outlives_the_stack(cloud: EmbeddedStacks):
    resources = {
        "Kept": bucket("kept", DeletionPolicy="Retain"),
        "AlsoKept": bucket("also-kept", DeletionPolicy="RetainExceptOnCreate"),
        "Gone": bucket("gone", DeletionPolicy="Delete"),
    }
    stack_id = (await cloud.create(resources))["StackId"]
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert await cloud.buckets() == ["also-kept", "kept"]
    assert ("Kept", "DELETE_SKIPPED") in await cloud.told(stack_id)


async def test_in_the_rollback_of_a_creation_only_retain_retains(cloud: EmbeddedStacks):
    cloud.flaws.fail("logs", "CreateLogGroup")
    resources = {
        "Kept": bucket("kept", DeletionPolicy="Retain"),
        "Gone": bucket("gone", DeletionPolicy="RetainExceptOnCreate"),
        "Log": resource("Logs::LogGroup", attributes={"DependsOn": ["Kept", "Gone"], "DeletionPolicy": "Retain"}),
    }
    assert (await cloud.create(resources))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert await cloud.buckets() == ["kept"]


async def test_resources_are_made_with_the_permissions_of_the_caller(cloud: EmbeddedStacks):
    visitor = await cloud.role_session("visitor", "cloudformation:*", "logs:*")
    await cloud("CreateStack", as_=visitor, StackName="app", TemplateBody=body(BOX_AND_LOG))
    assert await cloud.status() == "ROLLBACK_COMPLETE"
    reason = (await cloud.failures("Box"))[0]
    assert "is not authorized to perform: s3:CreateBucket on resource: arn:aws:s3:::box" in reason
    assert "assumed-role/visitor/session" in reason
    assert await cloud.buckets() == []


async def test_a_caller_cannot_give_a_role_more_than_it_may_hand_on(cloud: EmbeddedStacks):
    visitor = await cloud.role_session("visitor", "cloudformation:*", "lambda:*", "iam:*", denied=("iam:PassRole",))
    resources = {
        "Role": role(Policies=[{"PolicyName": "all", "PolicyDocument": allowing("*")}]),
        "Function": resource(
            "Lambda::Function",
            Role={"Fn::GetAtt": "Role.Arn"},
            Runtime="python3.11",
            Handler="index.handler",
            Code={"ZipFile": "x"},
        ),
    }
    await cloud(
        "CreateStack",
        as_=visitor,
        StackName="app",
        TemplateBody=body(resources),
        Capabilities=["CAPABILITY_IAM"],
    )
    assert "iam:PassRole" in (await cloud.failures("Function"))[0]
    assert await cloud.status() == "ROLLBACK_COMPLETE"


async def test_a_deletion_needs_the_permissions_of_whoever_deletes(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")})
    visitor = await cloud.role_session("visitor", "cloudformation:*")
    await cloud("DeleteStack", as_=visitor, StackName="app")
    assert await cloud.status() == "DELETE_FAILED"
    assert "s3:DeleteBucket" in (await cloud.failures("Box"))[-1]
    assert await cloud.delete() == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateStack", {"TemplateBody": body({"Box": bucket()})}),
        ("UpdateStack", {"TemplateBody": body({"Box": bucket()})}),
        ("DeleteStack", {}),
        ("DescribeStacks", {}),
        ("DescribeStackEvents", {}),
        ("GetTemplate", {}),
        ("CreateChangeSet", {"ChangeSetName": "c", "TemplateBody": body({"Box": bucket()})}),
        ("ExecuteChangeSet", {"ChangeSetName": "c"}),
    ],
)
async def test_operations_need_their_permission_on_the_stack_that_they_name(
    cloud: EmbeddedStacks, operation: str, params: dict
):
    visitor = await cloud.role_session("visitor", "s3:*")
    code, message = await cloud.refusal(operation, as_=visitor, StackName="app", **params)
    assert code == "AccessDenied"
    assert f"cloudformation:{operation} on resource: arn:aws:cloudformation:us-east-1:111111111111:stack/app/*" in (
        message
    )


async def test_a_type_or_property_that_is_not_done_fails_its_resource(cloud: EmbeddedStacks):
    cases = {
        "type": (resource("SNS::Topic"), "Crossdock does not support the resource type AWS::SNS::Topic"),
        "unknown": (resource("S3::Bucket", Versions=1), "Encountered unsupported property Versions"),
        "missing": (resource("S3::BucketPolicy", Bucket="b"), "Property PolicyDocument cannot be empty."),
        "wrong": (resource("Logs::LogGroup", RetentionInDays="many"), "RetentionInDays must be of type Integer"),
        "unmade": (resource("S3::Bucket", BucketName={"Fn::ImportValue": "x"}), "No export named x found."),
    }
    for name, (broken, sentence) in cases.items():
        stack = await cloud.create({"Box": bucket(), "Broken": broken, "After": log_group(ref("Broken"))}, name)
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert sentence in (await cloud.failures("Broken", name))[0]
        assert ("After", "CREATE_IN_PROGRESS") not in await cloud.told(name)
    assert await cloud.buckets() == []
