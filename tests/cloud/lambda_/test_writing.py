"""Creating, changing and deleting functions: who must allow it, what is kept, and what a failure leaves behind."""

import pytest
from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.functions import MemoryFunctionCode, archive
from tests.fakes.lambda_ import ROLE, RUNS_AS, ZIP, EmbeddedLambda, function_arn, make_lambda

from crossdock.core.errors import Fault, ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing

OTHER_ZIP = archive({"index.py": "def handler(event, context): return 'other'"})
INVALID = "InvalidParameterValueException"
NOT_ASSUMABLE = (INVALID, "The role defined for the function cannot be assumed by Lambda.")
STALE = "PreconditionFailedException"


async def test_a_name_is_taken_once(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert await cloud.refusal("CreateFunction", **cloud.function("f")) == (
        "ResourceConflictException",
        "Function already exist: f",
    )
    assert len(cloud.code.archives) == 1


async def test_of_two_that_create_the_same_name_one_wins_and_nothing_is_left_of_the_other():
    class SlowCode(MemoryFunctionCode):
        """Somebody else creates the function while the archive is being kept."""

        async def put(self, archive: bytes) -> str:
            made = await super().put(archive)
            if len(self.archives) == 1:
                await cloud.make("f")
            return made

    cloud = await make_lambda(None, SlowCode())
    assert (await cloud.refusal("CreateFunction", **cloud.function("f")))[0] == "ResourceConflictException"
    assert list(cloud.code.archives) == ["archive-2"]


async def test_a_name_of_another_account_or_with_a_qualifier_cannot_be_created(cloud: EmbeddedLambda):
    for name in ("f:$LATEST", "f:live"):
        code, message = await cloud.refusal("CreateFunction", **cloud.function(name))
        assert code == INVALID
        assert "without a qualifier" in message
    code, _ = await cloud.refusal("CreateFunction", **cloud.function(function_arn("f", account=PARTNER)))
    assert code == "AccessDeniedException"
    assert (await cloud.make(function_arn("f")))["FunctionName"] == "f"


async def test_the_role_must_exist_and_trust_lambda(cloud: EmbeddedLambda):
    absent = f"arn:aws:iam::{HUB}:role/absent"
    assert await cloud.refusal("CreateFunction", **cloud.function("f", Role=absent)) == NOT_ASSUMABLE
    other = await cloud.role("other", trust={**RUNS_AS, "Principal": {"Service": "transfer.amazonaws.com"}})
    assert await cloud.refusal("CreateFunction", **cloud.function("f", Role=other)) == NOT_ASSUMABLE
    await cloud.make("f")
    assert await cloud.refusal("UpdateFunctionConfiguration", FunctionName="f", Role=other) == NOT_ASSUMABLE
    assert (await cloud("GetFunctionConfiguration", FunctionName="f"))["Role"] == ROLE


async def test_a_trust_policy_may_ask_for_the_very_function(cloud: EmbeddedLambda):
    condition = {"ArnEquals": {"aws:SourceArn": function_arn("f")}, "StringEquals": {"aws:SourceAccount": HUB}}
    role = await cloud.role("narrow", trust={**RUNS_AS, "Condition": condition})
    assert (await cloud.make("f", Role=role))["Role"] == role
    assert await cloud.refusal("CreateFunction", **cloud.function("g", Role=role)) == NOT_ASSUMABLE


async def test_a_role_is_handed_over_only_by_who_may_pass_it(cloud: EmbeddedLambda):
    other = await cloud.role("other")
    maker = await cloud.role_session("maker", "lambda:*", "*")
    code, message = await cloud.refusal("CreateFunction", as_=maker, **cloud.function("f"))
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {ROLE}" in message
    await cloud.make("f")
    code, message = await cloud.refusal("UpdateFunctionConfiguration", as_=maker, FunctionName="f", Role=other)
    assert f"iam:PassRole on resource: {other}" in message
    # What concerns no role needs no PassRole.
    assert (await cloud("UpdateFunctionConfiguration", as_=maker, FunctionName="f", Timeout=9))["Timeout"] == 9


async def test_a_role_of_another_account_cannot_be_passed(cloud: EmbeddedLambda):
    role = f"arn:aws:iam::{PARTNER}:role/execution"
    assert (await cloud.refusal("CreateFunction", **cloud.function("f", Role=role)))[0] == "AccessDeniedException"


async def test_a_failing_sts_is_not_taken_for_a_bad_role(cloud: EmbeddedLambda):
    async def fail(_call: Call):
        raise ServiceError("ServiceUnavailable", "later", status=503, fault=Fault.RECEIVER)

    row = Operation(handler=fail, permissions=needs_nothing)
    cloud.operations.add(ServiceOperations(service="sts", operations={"AssumeRole": row}))
    assert await cloud.refusal("CreateFunction", **cloud.function("f")) == ("ServiceUnavailable", "later")


async def test_new_code_replaces_the_old_and_ends_the_processes(cloud: EmbeddedLambda):
    made = await cloud.make("f")
    cloud.parts.clock.advance(61.5)
    updated = await cloud("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_ZIP, Architectures=["arm64"])
    assert updated["CodeSha256"] != made["CodeSha256"]
    assert updated["RevisionId"] != made["RevisionId"]
    assert updated["LastModified"] == "2026-03-15T00:48:01.500+0000"
    assert updated["Architectures"] == ["arm64"]
    assert await cloud("GetFunctionConfiguration", FunctionName="f") == updated
    assert list(cloud.code.archives.values()) == [OTHER_ZIP]
    assert cloud.runner.retired == [function_arn("f")]


async def test_a_dry_run_checks_everything_and_changes_nothing(cloud: EmbeddedLambda):
    made = await cloud.make("f")
    answer = await cloud("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_ZIP, DryRun=True)
    assert answer["CodeSize"] == len(OTHER_ZIP)
    assert answer["RevisionId"] == made["RevisionId"]
    assert await cloud("GetFunctionConfiguration", FunctionName="f") == made
    assert list(cloud.code.archives.values()) == [ZIP]
    assert cloud.runner.retired == []
    code, _ = await cloud.refusal("UpdateFunctionCode", FunctionName="f", ZipFile=b"no zip", DryRun=True)
    assert code == INVALID


async def test_a_configuration_changes_where_it_is_told_to(cloud: EmbeddedLambda):
    made = await cloud.make("f", Environment={"Variables": {"AB": "x"}}, Description="old")
    other = await cloud.role("other")
    changes = {
        "Description": "",
        "Handler": "index.other",
        "MemorySize": 256,
        "Role": other,
        "Runtime": "python3.12",
        "Timeout": 30,
    }
    updated = await cloud("UpdateFunctionConfiguration", FunctionName="f", **changes)
    assert {name: updated[name] for name in changes} == changes
    unchanged = ("FunctionArn", "CodeSha256", "Environment", "Architectures")
    assert {name: updated[name] for name in unchanged} == {name: made[name] for name in unchanged}
    assert updated["RevisionId"] != made["RevisionId"]
    assert cloud.runner.retired == [function_arn("f")]
    assert list(cloud.code.archives.values()) == [ZIP]


async def test_variables_are_replaced_as_a_whole(cloud: EmbeddedLambda):
    await cloud.make("f", Environment={"Variables": {"AB": "x", "CD": "y"}})
    new = {"Variables": {"CD": "z"}}
    assert (await cloud("UpdateFunctionConfiguration", FunctionName="f", Environment=new))["Environment"] == new
    cleared = await cloud("UpdateFunctionConfiguration", FunctionName="f", Environment={})
    assert "Environment" not in cleared
    code, _ = await cloud.refusal(
        "UpdateFunctionConfiguration", FunctionName="f:$LATEST", Environment={"Variables": {"AWS_REGION": "x"}}
    )
    assert code == INVALID
    # A qualifier names the same row.
    await cloud("UpdateFunctionConfiguration", FunctionName="f:$LATEST", Environment=new)
    assert (await cloud("GetFunctionConfiguration", FunctionName="f"))["Environment"] == new


async def test_a_change_can_be_bound_to_what_was_read(cloud: EmbeddedLambda):
    made = await cloud.make("f")
    revision = made["RevisionId"]
    await cloud("UpdateFunctionConfiguration", FunctionName="f", Timeout=9, RevisionId=revision)
    for operation, params in (
        ("UpdateFunctionConfiguration", {"Timeout": 10}),
        ("UpdateFunctionCode", {"ZipFile": OTHER_ZIP}),
        ("UpdateFunctionCode", {"ZipFile": OTHER_ZIP, "DryRun": True}),
    ):
        code, message = await cloud.refusal(operation, FunctionName="f", RevisionId=revision, **params)
        assert code == STALE
        assert "does not match the latest Revision Id" in message
    assert list(cloud.code.archives.values()) == [ZIP]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("UpdateFunctionCode", {"ZipFile": ZIP}),
        ("UpdateFunctionConfiguration", {"Timeout": 9}),
        ("DeleteFunction", {}),
    ],
)
async def test_what_is_not_there_cannot_be_changed(cloud: EmbeddedLambda, operation: str, params: dict):
    expected = ("ResourceNotFoundException", f"Function not found: {function_arn('f')}")
    assert await cloud.refusal(operation, FunctionName="f", **params) == expected


async def test_a_function_that_goes_while_it_is_changed_leaves_no_code():
    class SlowCode(MemoryFunctionCode):
        """Somebody deletes the function while the new archive is being kept."""

        async def put(self, archive: bytes) -> str:
            made = await super().put(archive)
            if len(self.archives) == 2:
                await cloud("DeleteFunction", FunctionName="f")
            return made

    cloud = await make_lambda(None, SlowCode())
    await cloud.make("f")
    code, _ = await cloud.refusal("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_ZIP)
    assert code == "ResourceNotFoundException"
    assert cloud.code.archives == {}


async def test_latest_cannot_be_deleted_by_itself(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert await cloud.refusal("DeleteFunction", FunctionName="f", Qualifier="$LATEST") == (
        INVALID,
        "$LATEST version cannot be deleted without deleting the function.",
    )
    assert (await cloud("GetFunction", FunctionName="f"))["Configuration"]["State"] == "Active"


async def test_a_function_made_anew_shares_nothing_with_the_old(cloud: EmbeddedLambda):
    await cloud.make("f", Tags={"team": "files"})
    permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": PARTNER}
    await cloud("AddPermission", FunctionName="f", **permission)
    await cloud("Invoke", FunctionName="f")
    await cloud("DeleteFunction", FunctionName="f")
    await cloud.make("f")
    assert "Tags" not in await cloud("GetFunction", FunctionName="f")
    assert (await cloud.refusal("GetPolicy", FunctionName="f"))[0] == "ResourceNotFoundException"
    await cloud("Invoke", FunctionName="f")
    old, new = (spec.revision for spec, _, _ in cloud.runner.invocations)
    assert old != new
