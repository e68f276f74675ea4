"""Permissions on functions: how they are written, whom they let in, and that they hold at once."""

import json

import pytest
from tests.fakes.cloud import HUB, PARTNER, REGION
from tests.fakes.lambda_ import EmbeddedLambda, function_arn

from crossdock.cloud.lambda_ import resource_policy
from crossdock.cloud.lambda_.resource_policy import LambdaPolicies
from crossdock.core.arns import parse_arn
from crossdock.core.principals import ServicePrincipal
from crossdock.operations.caller import Caller

INVALID = "InvalidParameterValueException"
SERVER = f"arn:aws:transfer:{REGION}:{HUB}:server/s-1"
TRANSFER = Caller(principal=ServicePrincipal(name="transfer.amazonaws.com"), source_arn=SERVER, source_account=HUB)


def permission(**changes: str) -> dict[str, str]:
    return {
        "FunctionName": "f",
        "StatementId": "transfer",
        "Action": "lambda:InvokeFunction",
        "Principal": "transfer.amazonaws.com",
        **changes,
    }


async def test_a_permission_is_written_as_aws_writes_it(cloud: EmbeddedLambda):
    await cloud.make("f")
    added = await cloud("AddPermission", **permission(SourceArn=SERVER, SourceAccount=HUB))
    statement = {
        "Sid": "transfer",
        "Effect": "Allow",
        "Principal": {"Service": "transfer.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": function_arn("f"),
        "Condition": {"StringEquals": {"AWS:SourceAccount": HUB}, "ArnLike": {"AWS:SourceArn": SERVER}},
    }
    assert json.loads(added["Statement"]) == statement
    found = await cloud("GetPolicy", FunctionName="f")
    assert json.loads(found["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert found["RevisionId"] == (await cloud("GetFunctionConfiguration", FunctionName="f"))["RevisionId"]


@pytest.mark.parametrize(
    ("principal", "element"),
    [
        ("*", "*"),
        (PARTNER, {"AWS": f"arn:aws:iam::{PARTNER}:root"}),
        (f"arn:aws:iam::{PARTNER}:root", {"AWS": f"arn:aws:iam::{PARTNER}:root"}),
        (f"arn:aws:iam::{HUB}:role/execution", {"AWS": f"arn:aws:iam::{HUB}:role/execution"}),
        ("s3.amazonaws.com", {"Service": "s3.amazonaws.com"}),
    ],
)
async def test_principals_are_named_by_kind(cloud: EmbeddedLambda, principal: str, element: object):
    await cloud.make("f")
    added = await cloud("AddPermission", **permission(Principal=principal))
    assert json.loads(added["Statement"])["Principal"] == element


@pytest.mark.parametrize(
    "principal",
    ["somebody", "12345", f"arn:aws:iam::{HUB}:role/absent", "arn:aws:s3:::bucket", "UPPER.amazonaws.com"],
)
async def test_whom_nobody_knows_cannot_be_let_in(cloud: EmbeddedLambda, principal: str):
    await cloud.make("f")
    code, message = await cloud.refusal("AddPermission", **permission(Principal=principal))
    assert code == INVALID
    assert message.startswith("The provided principal was invalid.")


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        ({"EventSourceToken": "token"}, {"StringEquals": {"lambda:EventSourceToken": "token"}}),
        ({"PrincipalOrgID": "o-abcdefghij"}, {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        ({"FunctionUrlAuthType": "NONE"}, {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
        ({"InvokedViaFunctionUrl": True}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
        ({"InvokedViaFunctionUrl": False}, {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}),
    ],
)
async def test_conditions_are_kept_never_left_out(cloud: EmbeddedLambda, given: dict, condition: dict):
    await cloud.make("f")
    added = await cloud("AddPermission", **permission(**given))
    assert json.loads(added["Statement"])["Condition"] == condition
    assert (await cloud.refusal("Invoke", as_=TRANSFER, FunctionName=function_arn("f")))[0] == "AccessDeniedException"


@pytest.mark.parametrize("action", ["lambda:invokeFunction", "lambda:*", "*"])
async def test_a_service_invokes_what_it_was_let_into(cloud: EmbeddedLambda, action: str):
    await cloud.make("f")
    arn = function_arn("f")
    assert (await cloud.refusal("Invoke", as_=TRANSFER, FunctionName=arn))[0] == "AccessDeniedException"
    await cloud("AddPermission", **permission(Action=action, SourceArn=f"arn:aws:transfer:{REGION}:{HUB}:server/*"))
    assert (await cloud("Invoke", as_=TRANSFER, FunctionName=arn))["StatusCode"] == 200
    await cloud("RemovePermission", FunctionName="f", StatementId="transfer")
    assert (await cloud.refusal("Invoke", as_=TRANSFER, FunctionName=arn))[0] == "AccessDeniedException"


async def test_a_permission_for_one_server_is_none_for_another(cloud: EmbeddedLambda):
    await cloud.make("f")
    await cloud("AddPermission", **permission(SourceArn=SERVER, SourceAccount=PARTNER))
    assert (await cloud.refusal("Invoke", as_=TRANSFER, FunctionName=function_arn("f")))[0] == "AccessDeniedException"
    await cloud("AddPermission", **permission(StatementId="two", SourceArn=SERVER + "2"))
    assert (await cloud.refusal("Invoke", as_=TRANSFER, FunctionName=function_arn("f")))[0] == "AccessDeniedException"
    await cloud("AddPermission", **permission(StatementId="three", SourceArn=SERVER, SourceAccount=HUB))
    assert (await cloud("Invoke", as_=TRANSFER, FunctionName=function_arn("f")))["StatusCode"] == 200


async def test_another_account_needs_both_sides(cloud: EmbeddedLambda):
    await cloud.make("f")
    call = {"as_": cloud.partner, "FunctionName": function_arn("f")}
    assert (await cloud.refusal("Invoke", **call))[0] == "AccessDeniedException"
    await cloud("AddPermission", **permission(Principal=PARTNER))
    assert (await cloud("Invoke", **call))["StatusCode"] == 200
    assert (await cloud.refusal("GetFunction", **call))[0] == "AccessDeniedException"


async def test_a_role_made_anew_is_not_the_one_that_was_let_in(cloud: EmbeddedLambda):
    await cloud.make("f")
    role = await cloud.role("guest")
    await cloud("AddPermission", **permission(Principal=role))
    await cloud.call("iam", "DeleteRole", RoleName="guest")
    await cloud.role("guest")
    (shown,) = json.loads((await cloud("GetPolicy", FunctionName="f"))["Policy"])["Statement"]
    assert shown["Principal"]["AWS"].startswith("AROA")
    # A new permission for the new role does not bring the old one back.
    await cloud("AddPermission", **permission(StatementId="new", Principal=role))
    first, second = json.loads((await cloud("GetPolicy", FunctionName="f"))["Policy"])["Statement"]
    assert first["Principal"]["AWS"].startswith("AROA")
    assert second["Principal"]["AWS"] == role


async def test_a_statement_id_is_taken_once_and_can_be_freed(cloud: EmbeddedLambda):
    await cloud.make("f")
    await cloud("AddPermission", **permission())
    code, message = await cloud.refusal("AddPermission", **permission())
    assert code == "ResourceConflictException"
    assert message.startswith("The statement id (transfer) provided already exists.")
    await cloud("AddPermission", **permission(StatementId="other"))
    assert await cloud("RemovePermission", FunctionName="f", StatementId="transfer") == {}
    assert await cloud.refusal("RemovePermission", FunctionName="f", StatementId="transfer") == (
        "ResourceNotFoundException",
        "Statement transfer is not found in resource policy.",
    )
    (left,) = json.loads((await cloud("GetPolicy", FunctionName="f"))["Policy"])["Statement"]
    assert left["Sid"] == "other"


async def test_a_function_without_permissions_has_no_policy(cloud: EmbeddedLambda):
    await cloud.make("f")
    for _ in range(2):
        assert await cloud.refusal("GetPolicy", FunctionName="f") == (
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
        )
        assert await cloud.refusal("RemovePermission", FunctionName="f", StatementId="s") == (
            "ResourceNotFoundException",
            "No policy is associated with the given resource.",
        )
        await cloud("AddPermission", **permission())
        await cloud("RemovePermission", FunctionName="f", StatementId="transfer")


async def test_permissions_change_the_revision_and_no_process(cloud: EmbeddedLambda):
    made = await cloud.make("f")
    await cloud("Invoke", FunctionName="f")
    await cloud("AddPermission", **permission(RevisionId=made["RevisionId"]))
    code, _ = await cloud.refusal("AddPermission", **permission(StatementId="two", RevisionId=made["RevisionId"]))
    assert code == "PreconditionFailedException"
    await cloud("Invoke", FunctionName="f")
    first, second = (spec.revision for spec, _, _ in cloud.runner.invocations)
    assert first == second
    assert cloud.runner.retired == []


async def test_the_latest_version_has_no_policy_of_its_own(cloud: EmbeddedLambda):
    await cloud.make("f")
    code, message = await cloud.refusal("AddPermission", **permission(Qualifier="$LATEST"))
    assert (code, message) == (INVALID, "We currently do not support adding policies for $LATEST.")
    await cloud("AddPermission", **permission())
    assert (await cloud.refusal("GetPolicy", FunctionName="f", Qualifier="$LATEST"))[0] == "ResourceNotFoundException"


async def test_a_policy_has_twenty_kilobytes(cloud: EmbeddedLambda, monkeypatch: pytest.MonkeyPatch):
    await cloud.make("f")
    await cloud("AddPermission", **permission())
    size = len((await cloud("GetPolicy", FunctionName="f"))["Policy"])
    monkeypatch.setattr(resource_policy, "MAX_POLICY", size)
    code, message = await cloud.refusal("AddPermission", **permission(StatementId="two"))
    assert code == "PolicyLengthExceededException"
    assert message.endswith(f"is bigger than the limit ({size}).")


@pytest.mark.parametrize("name", ["x", "ListFunctions"])
async def test_functions_that_do_not_exist_have_no_policy(cloud: EmbeddedLambda, name: str):
    expected = ("ResourceNotFoundException", f"Function not found: {function_arn(name)}")
    assert await cloud.refusal("AddPermission", **permission(FunctionName=name)) == expected
    assert await cloud.refusal("GetPolicy", FunctionName=name) == expected


def test_without_the_model_ids_and_actions_are_checked_all_the_same():
    for changes in ({"StatementId": "a b"}, {"Action": "s3:GetObject"}, {"Action": ""}):
        with pytest.raises(resource_policy.ServiceError):
            resource_policy._statement(permission(**changes), function_arn("f"))


@pytest.mark.parametrize(
    ("arn", "subject"),
    [
        (function_arn("f"), f"{HUB} {REGION} f"),
        (f"{function_arn('f')}:$LATEST", f"{HUB} {REGION} f"),
        ("arn:aws:lambda:::function:f", ""),
        (f"arn:aws:lambda:{REGION}:{HUB}:function:", ""),
        (f"arn:aws:lambda:{REGION}:{HUB}:layer:f", ""),
    ],
)
def test_versions_are_guarded_with_their_function(arn: str, subject: str):
    assert LambdaPolicies().subject_of(parse_arn(arn)) == subject
