"""Change sets: what would be done, shown first and then done once."""

import asyncio
from typing import Any

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import body, bucket, log_group, ref, resource, role

from crossdock.core.errors import ServiceError


async def prepare(cloud: EmbeddedStacks, resources: dict, *, name: str = "c", **params: Any) -> dict[str, Any]:
    """A new change set of the stack, described."""
    sections = {key: params.pop(key) for key in ("Mappings", "Conditions") if key in params}
    if isinstance(params.get("Parameters"), dict):
        sections["Parameters"] = params.pop("Parameters")
    if "values" in params:
        given = params.pop("values").items()
        params["Parameters"] = [{"ParameterKey": key, "ParameterValue": value} for key, value in given]
    made = await cloud(
        "CreateChangeSet",
        StackName="app",
        ChangeSetName=name,
        TemplateBody=body(resources, **sections),
        **{"Capabilities": ["CAPABILITY_NAMED_IAM"], **params},
    )
    assert made["Id"].startswith(f"arn:aws:cloudformation:us-east-1:{HUB}:changeSet/{name}/")
    return dict(await cloud("DescribeChangeSet", ChangeSetName=made["Id"]))


def told(change_set: dict[str, Any]) -> set[tuple[str, str]]:
    changes = [change["ResourceChange"] for change in change_set["Changes"]]
    return {(change["Action"], change["LogicalResourceId"]) for change in changes}


async def test_a_new_stack_waits_in_review_until_its_change_set_is_executed(cloud: EmbeddedStacks):
    tags = [{"Key": "a", "Value": "1"}]
    change_set = await prepare(
        cloud, {"Box": bucket("box"), "Log": log_group()}, ChangeSetType="CREATE", Description="d", Tags=tags
    )
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert (change_set["StackName"], change_set["Description"], change_set["Tags"]) == ("app", "d", tags)
    assert told(change_set) == {("Add", "Box"), ("Add", "Log")}
    stack = await cloud.stack()
    assert (stack["StackStatus"], stack["StackId"]) == ("REVIEW_IN_PROGRESS", change_set["StackId"])
    assert await cloud.told() == [("app", "REVIEW_IN_PROGRESS")]
    assert await cloud.buckets() == []
    await cloud("ExecuteChangeSet", ChangeSetName="c", StackName="app")
    made = await cloud.stack()
    assert (made["StackStatus"], made["StackId"], made["Tags"]) == ("CREATE_COMPLETE", stack["StackId"], tags)
    assert await cloud.buckets() == ["box"]
    executed = await cloud("DescribeChangeSet", ChangeSetName="c", StackName="app")
    assert executed["ExecutionStatus"] == "EXECUTE_COMPLETE"


async def test_an_update_is_shown_by_what_it_adds_changes_and_removes(cloud: EmbeddedStacks):
    await cloud.create({"Same": bucket("same"), "Log": log_group("log", days=7), "Old": bucket("old")})
    change_set = await prepare(cloud, {"Same": bucket("same"), "Log": log_group("log"), "New": bucket("new")})
    assert told(change_set) == {("Add", "New"), ("Modify", "Log"), ("Remove", "Old")}
    [modified] = [c["ResourceChange"] for c in change_set["Changes"] if c["ResourceChange"]["Action"] == "Modify"]
    assert (modified["PhysicalResourceId"], modified["ResourceType"]) == ("log", "AWS::Logs::LogGroup")
    await cloud("ExecuteChangeSet", ChangeSetName=change_set["ChangeSetId"])
    assert await cloud.status() == "UPDATE_COMPLETE"
    assert await cloud.buckets() == ["new", "same"]
    assert await cloud.log_groups() == {"log": None}


async def test_what_a_template_means_by_the_same_words_may_have_changed(cloud: EmbeddedStacks):
    log = {"Log": resource("Logs::LogGroup", RetentionInDays={"Fn::FindInMap": ["Days", "of", "Log"]})}
    await cloud("CreateStack", StackName="app", TemplateBody=body(log, Mappings={"Days": {"of": {"Log": "7"}}}))
    assert told(await prepare(cloud, log, Mappings={"Days": {"of": {"Log": "14"}}})) == {("Modify", "Log")}
    declared = {"Parameters": {"Days": {"Type": "Number", "Default": 1}}}
    of_parameter = {"Log": resource("Logs::LogGroup", RetentionInDays=ref("Days"))}
    await cloud.update(of_parameter, **declared)
    assert told(await prepare(cloud, of_parameter, **declared, values={"Days": "3"})) == {("Modify", "Log")}


async def test_no_changes_make_a_change_set_that_failed_with_the_sentence_the_aws_command_looks_for(
    cloud: EmbeddedStacks,
):
    await cloud.create({"Box": bucket()}, Capabilities=["CAPABILITY_IAM"])
    change_set = await prepare(cloud, {"Box": bucket()})
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "The submitted information didn't contain changes." in change_set["StatusReason"]
    assert change_set["Changes"] == []
    code, message = await cloud.refusal("ExecuteChangeSet", StackName="app", ChangeSetName="c")
    assert code == "InvalidChangeSetStatus"
    assert "[UNAVAILABLE]" in message
    assert await cloud.status() == "CREATE_COMPLETE"


async def test_a_change_set_is_executed_once(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    await prepare(cloud, {"Box": bucket(), "Log": log_group()})
    await cloud("ExecuteChangeSet", StackName="app", ChangeSetName="c")
    code, message = await cloud.refusal("ExecuteChangeSet", StackName="app", ChangeSetName="c")
    assert code == "InvalidChangeSetStatus"
    assert "[EXECUTE_COMPLETE]" in message


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE"])
async def test_of_two_who_execute_it_at_once_one_does(cloud: EmbeddedStacks, kind: str):
    if kind == "UPDATE":
        await cloud.create({"Box": bucket("box")})
    await prepare(cloud, {"Box": bucket("box"), "Log": log_group("log")}, ChangeSetType=kind)
    answers = await asyncio.gather(
        *(cloud("ExecuteChangeSet", StackName="app", ChangeSetName="c") for _ in range(4)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, ServiceError)]
    assert [error.code for error in refused] == ["InvalidChangeSetStatus"] * 3
    assert await cloud.status() == f"{kind}_COMPLETE"
    assert cloud.flaws.calls.count("logs:CreateLogGroup") == 1


async def test_the_execution_of_one_drops_the_others(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    for name in ("one", "two"):
        await prepare(cloud, {"Box": bucket(), "Log": log_group()}, name=name)
    listed = (await cloud("ListChangeSets", StackName="app"))["Summaries"]
    assert [item["ChangeSetName"] for item in listed] == ["one", "two"]
    await cloud("ExecuteChangeSet", StackName="app", ChangeSetName="two")
    listed = (await cloud("ListChangeSets", StackName="app"))["Summaries"]
    assert [(item["ChangeSetName"], item["ExecutionStatus"]) for item in listed] == [("two", "EXECUTE_COMPLETE")]
    assert (await cloud.refusal("ExecuteChangeSet", StackName="app", ChangeSetName="one"))[0] == "ChangeSetNotFound"


async def test_an_update_of_the_stack_drops_its_change_sets(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    await prepare(cloud, {"Box": bucket(), "Log": log_group()})
    await cloud.update({"Box": bucket(), "Other": log_group()})
    assert (await cloud("ListChangeSets", StackName="app"))["Summaries"] == []
    await prepare(cloud, {"Box": bucket()})
    stack_id = (await cloud.stack())["StackId"]
    await cloud.delete()
    assert (await cloud("ListChangeSets", StackName=stack_id))["Summaries"] == []


async def test_a_change_set_can_be_deleted_by_name_and_by_arn_and_again(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    arn = (await prepare(cloud, {"Log": log_group()}, name="one"))["ChangeSetId"]
    await prepare(cloud, {"Log": log_group()}, name="two")
    for _ in range(2):
        await cloud("DeleteChangeSet", ChangeSetName=arn)
        await cloud("DeleteChangeSet", ChangeSetName="two", StackName="app")
    for params in ({"ChangeSetName": arn}, {"ChangeSetName": "two", "StackName": "app"}):
        code, message = await cloud.refusal("DescribeChangeSet", **params)
        assert (code, message) == ("ChangeSetNotFound", f"ChangeSet [{params['ChangeSetName']}] does not exist")
    # The name is free again, and the older change set's ARN does not mean the new one.
    await prepare(cloud, {"Log": log_group()}, name="one")
    assert (await cloud.refusal("ExecuteChangeSet", ChangeSetName=arn))[0] == "ChangeSetNotFound"


async def test_the_name_of_a_change_set_is_taken_once(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    await prepare(cloud, {"Log": log_group()})
    refused = await cloud.refusal(
        "CreateChangeSet", StackName="app", ChangeSetName="c", TemplateBody=body({"Box": bucket("x")})
    )
    assert refused == ("AlreadyExistsException", "ChangeSet c already exists")


async def test_the_name_of_an_executed_change_set_is_free_again(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")})
    for days in (1, 3):
        await prepare(cloud, {"Box": bucket("box"), "Log": log_group("log", days=days)})
        await cloud("ExecuteChangeSet", StackName="app", ChangeSetName="c")
    assert await cloud.log_groups() == {"log": 3}


async def test_a_new_stack_may_have_several_change_sets_in_review(cloud: EmbeddedStacks):
    first = await prepare(cloud, {"Box": bucket("one")}, name="one", ChangeSetType="CREATE")
    second = await prepare(cloud, {"Box": bucket("two")}, name="two", ChangeSetType="CREATE")
    assert first["StackId"] == second["StackId"]
    await cloud("ExecuteChangeSet", ChangeSetName="two", StackName="app")
    assert await cloud.buckets() == ["two"]
    assert "one" not in (await cloud("GetTemplate", StackName="app"))["TemplateBody"]


async def test_a_stack_in_review_is_there_for_some_and_not_for_others(cloud: EmbeddedStacks):
    await prepare(cloud, {"Box": bucket()}, ChangeSetType="CREATE")
    text = body({"Box": bucket()})
    assert (await cloud.refusal("CreateStack", StackName="app", TemplateBody=text))[0] == "AlreadyExistsException"
    message = (await cloud.refusal("UpdateStack", StackName="app", TemplateBody=text))[1]
    assert message.endswith("is in REVIEW_IN_PROGRESS state and can not be updated.")
    message = (await cloud.refusal("CreateChangeSet", StackName="app", ChangeSetName="d", TemplateBody=text))[1]
    assert message == "Stack [app] does not exist"
    assert await cloud.delete() == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("params", "code", "sentence"),
    [
        ({"ChangeSetType": "UPDATE", "StackName": "gone"}, "ValidationError", "Stack [gone] does not exist"),
        ({"ChangeSetType": "CREATE"}, "AlreadyExistsException", "already exists and cannot be created again"),
        ({"ChangeSetType": "IMPORT"}, "ValidationError", "IMPORT is not supported"),
        ({"IncludeNestedStacks": True}, "ValidationError", "IncludeNestedStacks is not supported"),
        ({"ImportExistingResources": True}, "ValidationError", "ImportExistingResources is not supported"),
        ({"TemplateBody": body({"R": role()})}, "InsufficientCapabilitiesException", "[CAPABILITY_IAM]"),
    ],
)
async def test_what_cannot_be_prepared_is_refused(cloud: EmbeddedStacks, params: dict, code: str, sentence: str):
    await cloud.create({"Box": bucket()})
    given = {"StackName": "app", "ChangeSetName": "c", "TemplateBody": body({"Log": log_group()}), **params}
    refused = await cloud.refusal("CreateChangeSet", **given)
    assert refused[0] == code
    assert sentence in refused[1]
    assert (await cloud("ListChangeSets", StackName="app"))["Summaries"] == []


async def test_a_change_set_without_its_stack_must_be_an_arn(cloud: EmbeddedStacks):
    code, message = await cloud.refusal("DescribeChangeSet", ChangeSetName="c")
    assert (code, message) == (
        "ValidationError",
        "StackName must be specified if ChangeSetName is not specified as an ARN.",
    )


async def test_a_change_set_decides_what_its_failure_leaves(cloud: EmbeddedStacks):
    failing = {"Box": bucket("box"), "Log": log_group()}
    for options, how, status in (
        ({}, {}, "ROLLBACK_COMPLETE"),
        ({"OnStackFailure": "DO_NOTHING"}, {}, "CREATE_FAILED"),
        ({}, {"DisableRollback": True}, "CREATE_FAILED"),
        ({"OnStackFailure": "DELETE"}, {}, "DELETE_COMPLETE"),
    ):
        cloud.flaws.fail("logs", "CreateLogGroup")
        stack_id = (await prepare(cloud, failing, ChangeSetType="CREATE", **options))["StackId"]
        await cloud("ExecuteChangeSet", ChangeSetName="c", StackName="app", **how)
        assert await cloud.status(stack_id) == status
        await cloud("DeleteStack", StackName="app")
    await cloud.create({"Box": bucket("box")})
    for how, status in (({}, "UPDATE_ROLLBACK_COMPLETE"), ({"DisableRollback": True}, "UPDATE_FAILED")):
        cloud.flaws.fail("logs", "CreateLogGroup")
        await prepare(cloud, failing)
        await cloud("ExecuteChangeSet", ChangeSetName="c", StackName="app", **how)
        assert await cloud.status() == status


async def test_a_change_set_made_while_the_stack_was_taken_is_refused(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket("box")})
    await prepare(cloud, {"Box": bucket("box"), "Log": log_group("one")}, name="early")
    gate = cloud.flaws.hold("logs", "CreateLogGroup")
    updating = asyncio.ensure_future(cloud("ExecuteChangeSet", ChangeSetName="early", StackName="app"))
    await gate.arrival()
    refused = await cloud.refusal(
        "CreateChangeSet", StackName="app", ChangeSetName="late", TemplateBody=body({"Box": bucket()})
    )
    assert "UPDATE_IN_PROGRESS" in refused[1]
    gate.open()
    await updating
    assert await cloud.status() == "UPDATE_COMPLETE"


async def test_who_may_see_one_stack_sees_its_change_sets_by_any_name(cloud: EmbeddedStacks):
    await cloud.create({"Box": bucket()})
    arn = (await prepare(cloud, {"Log": log_group()}))["ChangeSetId"]
    visitor = await cloud.role_session("visitor", "cloudformation:DescribeChangeSet")
    assert (await cloud("DescribeChangeSet", as_=visitor, ChangeSetName=arn))["StackName"] == "app"
    stranger = await cloud.role_session("stranger", "s3:*")
    for params in ({"ChangeSetName": arn}, {"ChangeSetName": arn + "x"}, {"ChangeSetName": "c", "StackName": "app"}):
        assert (await cloud.refusal("DescribeChangeSet", as_=stranger, **params))[0] == "AccessDenied"
