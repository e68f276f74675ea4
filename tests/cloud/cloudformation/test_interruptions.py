"""The service is killed after every write of a create, update and delete.

Afterwards it starts again. Whatever had happened by then: no stack stays in progress, a deletion leaves nothing, and
another update makes of a stack what its template says.

Resources here have names that their stack makes: of one that the template names it cannot be said for sure, after a
kill, who made it, and so it is left alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from tests.fakes.stacks import EmbeddedStacks, make_stacks
from tests.fakes.templates import allowing, body, bucket, get_att, log_group, policy, ref, resource, role

from crossdock.core.errors import OutOfSpace

CODE = {"Runtime": "python3.11", "Handler": "index.handler", "Code": {"ZipFile": "x"}}
OTHER_CODE = {**CODE, "Code": {"ZipFile": "y"}, "Timeout": 9}
KINDS = ("roles", "policies", "functions", "log groups")


def inline(*names: str) -> list[dict]:
    return [{"PolicyName": name, "PolicyDocument": allowing("s3:*")} for name in names]


def readers(box: str) -> dict:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    return policy({**statement, "Resource": {"Fn::Sub": f"arn:aws:s3:::{box}/*"}})


BEFORE = {
    "Role": role(Description="before", Policies=inline("a", "b"), Tags=[{"Key": "k", "Value": "1"}]),
    "Managed": resource("IAM::ManagedPolicy", PolicyDocument=allowing("s3:*"), Roles=[ref("Role")]),
    "Removed": log_group(),
    "Function": resource("Lambda::Function", Role=get_att("Role", "Arn"), **CODE),
}
# Changed in place: role and function; replaced: managed policy.
AFTER = {
    "Role": role(Description="after", Policies=inline("b", "c"), ManagedPolicyArns=[get_att("Other", "PolicyArn")]),
    "Other": resource("IAM::ManagedPolicy", PolicyDocument=allowing("s3:GetObject")),
    "Managed": resource("IAM::ManagedPolicy", PolicyDocument=allowing("s3:*"), Path="/p/", Roles=[ref("Role")]),
    "Function": resource("Lambda::Function", Role=get_att("Role", "Arn"), **OTHER_CODE),
    "Added": log_group(days=7, DependsOn=["Managed", "Function"]),
}
CAPABLE = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}


async def left(cloud: EmbeddedStacks) -> dict[str, int]:
    """How many of each kind there are."""
    roles = (await cloud.call("iam", "ListRoles"))["Roles"]
    policies = (await cloud.call("iam", "ListPolicies", Scope="Local"))["Policies"]
    functions = (await cloud.call("lambda", "ListFunctions"))["Functions"]
    counts = (roles, policies, functions, await cloud.log_groups())
    return {kind: len(found) for kind, found in zip(KINDS, counts, strict=True) if found}


async def killed(cloud: EmbeddedStacks, number: int, work: Callable[[EmbeddedStacks], Awaitable[object]]) -> bool:
    """Do this with a service that dies at a write, and start it again. False when the work was done before that."""
    cloud.state.die_at(number)
    with suppress(asyncio.CancelledError):
        await work(cloud)
    was_killed = await cloud.restart()
    for stack in (await cloud("ListStacks"))["StackSummaries"]:
        assert not stack["StackStatus"].endswith("IN_PROGRESS")
    return was_killed


async def create(cloud: EmbeddedStacks) -> None:
    await cloud("CreateStack", StackName="app", TemplateBody=body(BEFORE), **CAPABLE)


async def create_that_fails(cloud: EmbeddedStacks) -> None:
    cloud.flaws.fail("lambda", "CreateFunction", times=100)
    await create(cloud)


async def update(cloud: EmbeddedStacks) -> None:
    await cloud("UpdateStack", StackName="app", TemplateBody=body(AFTER), **CAPABLE)


async def update_that_fails(cloud: EmbeddedStacks) -> None:
    cloud.flaws.fail("logs", "CreateLogGroup", times=100)
    await update(cloud)


async def delete(cloud: EmbeddedStacks) -> None:
    await cloud("DeleteStack", StackName="app")


async def nothing(_cloud: EmbeddedStacks) -> None:
    return


async def assert_can_be_deleted(cloud: EmbeddedStacks) -> None:
    cloud.flaws.mend()
    for stack in (await cloud("DescribeStacks"))["Stacks"]:
        assert await cloud.delete(stack["StackId"]) == "DELETE_COMPLETE", await cloud.told(stack["StackId"])
    assert await left(cloud) == {}


@pytest.mark.parametrize(
    ("first", "work"),
    [
        (nothing, create),
        (nothing, create_that_fails),
        (create, update),
        (create, update_that_fails),
        (create, delete),
    ],
    ids=lambda step: step.__name__,
)
async def test_nothing_is_left_of_a_stack_after_a_kill_at_any_write(
    first: Callable[[EmbeddedStacks], Awaitable[None]],
    work: Callable[[EmbeddedStacks], Awaitable[None]],
):
    cloud = await make_stacks()
    await first(cloud)
    rewind, number, was_killed = cloud.remember(), -1, True
    while was_killed:
        rewind()
        number += 1
        was_killed = await killed(cloud, number, work)
        await assert_can_be_deleted(cloud)
    assert number > 12


@pytest.mark.parametrize("work", [update, update_that_fails], ids=lambda step: step.__name__)
async def test_an_update_after_a_kill_makes_the_stack_as_its_template_says(
    work: Callable[[EmbeddedStacks], Awaitable[None]],
):
    cloud = await make_stacks()
    await create(cloud)
    function = await cloud.physical("Function")
    rewind, number, was_killed = cloud.remember(), -1, True
    while was_killed:
        rewind()
        number += 1
        was_killed = await killed(cloud, number, work)
        cloud.flaws.mend()
        # With one more change, for the update that was killed may have been complete.
        wanted = {**AFTER, "Added": log_group(days=3, DependsOn=["Managed", "Function"])}
        updated = await cloud.update(wanted)
        assert updated["StackStatus"] == "UPDATE_COMPLETE", number
        await assert_is_after(cloud)
        assert await cloud.physical("Function") == function


async def assert_is_after(cloud: EmbeddedStacks) -> None:
    assert await left(cloud) == dict(zip(KINDS, (1, 2, 1, 1), strict=True))
    ids = {name: item["PhysicalResourceId"] for name, item in (await cloud.resources()).items()}
    assert sorted(ids) == sorted(AFTER)
    found = (await cloud.call("iam", "GetRole", RoleName=ids["Role"]))["Role"]
    assert (found["Description"], found.get("Tags", [])) == ("after", [])
    assert (await cloud.call("iam", "ListRolePolicies", RoleName=ids["Role"]))["PolicyNames"] == ["b", "c"]
    attached = (await cloud.call("iam", "ListAttachedRolePolicies", RoleName=ids["Role"]))["AttachedPolicies"]
    assert {item["PolicyArn"] for item in attached} == {ids["Other"], ids["Managed"]}
    assert ":policy/p/" in ids["Managed"]
    function = await cloud.call("lambda", "GetFunctionConfiguration", FunctionName=ids["Function"])
    assert function["Timeout"] == 9
    assert await cloud.log_groups() == {ids["Added"]: 3}


async def test_after_a_kill_the_way_back_is_open_too():
    cloud = await make_stacks()
    await create(cloud)
    log = await cloud.physical("Removed")
    rewind, number, was_killed = cloud.remember(), -1, True
    while was_killed:
        rewind()
        number += 1
        was_killed = await killed(cloud, number, update)
        if not was_killed or await cloud.status() != "UPDATE_FAILED":
            continue
        assert (await cloud.update(BEFORE))["StackStatus"] == "UPDATE_COMPLETE", number
        # Nothing had been cleaned up yet, so nothing is lost.
        assert await cloud.physical("Removed") == log
        assert await left(cloud) == dict(zip(KINDS, (1, 1, 1, 1), strict=True))
        name = await cloud.physical("Role")
        assert (await cloud.call("iam", "ListRolePolicies", RoleName=name))["PolicyNames"] == ["a", "b"]


@pytest.mark.parametrize(
    "resources",
    [
        {
            "Box": bucket(),
            "Policy": resource("S3::BucketPolicy", Bucket=ref("Box"), PolicyDocument=readers("${Box}")),
        },
        {"Log": log_group(days=7)},
        {"Secret": resource("SecretsManager::Secret", GenerateSecretString={}, Tags=[{"Key": "a", "Value": "1"}])},
        {
            "Role": role(),
            "Policy": resource("IAM::Policy", PolicyName="p", PolicyDocument=allowing("s3:*"), Roles=[ref("Role")]),
        },
    ],
    ids=lambda resources: next(iter(resources)),
)
async def test_what_was_half_made_goes_with_its_stack(resources: dict):
    cloud = await make_stacks()
    rewind, number, was_killed = cloud.remember(), -1, True

    async def make(cloud: EmbeddedStacks) -> None:
        await cloud("CreateStack", StackName="app", TemplateBody=body(resources), **CAPABLE)

    while was_killed:
        rewind()
        number += 1
        was_killed = await killed(cloud, number, make)
        await assert_can_be_deleted(cloud)
        assert await cloud.buckets() == []
        assert (await cloud.call("secretsmanager", "ListSecrets"))["SecretList"] == []
    assert number > 4


async def test_a_restart_finds_nothing_to_do_where_nothing_was_going_on(cloud: EmbeddedStacks):
    await create(cloud)
    await cloud(
        "CreateChangeSet",
        StackName="new",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=body({"B": bucket()}),
    )
    before = await cloud.told()
    await cloud.restart()
    assert await cloud.status() == "CREATE_COMPLETE"
    assert await cloud.status("new") == "REVIEW_IN_PROGRESS"
    assert await cloud.told() == before


async def test_an_interrupted_stack_says_what_happened(cloud: EmbeddedStacks):
    cloud.flaws.hold("s3", "CreateBucket")
    making = asyncio.ensure_future(create(cloud))
    while await cloud.code_of("cloudformation", "DescribeStacks", StackName="app"):  # noqa: ASYNC110
        await asyncio.sleep(0)
    await cloud.restart()
    await making
    stack = await cloud.stack()
    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "CREATE_FAILED",
        "The service was restarted during the operation; update the stack again, or delete it.",
    )
    assert (await cloud.told())[-1] == ("app", "CREATE_FAILED")


async def test_a_full_disk_in_the_middle_fails_the_stack_as_soon_as_there_is_room_again(cloud: EmbeddedStacks):
    number = 0
    while True:
        number += 1
        name = f"s{number}"
        cloud.state.fail_at(number, OutOfSpace("full"), times=4)
        refused = await cloud.code_of(
            "cloudformation", "CreateStack", StackName=name, TemplateBody=body({"Log": log_group(), "Box": bucket()})
        )
        cloud.state.live()
        if refused:
            # Nothing was begun.
            assert (refused, number) == ("ServiceUnavailableException", 1)
            continue
        status = await cloud.status(name)
        if status == "CREATE_COMPLETE":
            break
        assert status in ("CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE")
        assert await cloud.delete(name) == "DELETE_COMPLETE"
        assert await left(cloud) == {}
    assert number > 5
