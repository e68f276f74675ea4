"""What each operation asks for, by whom and on what."""

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.lambda_ import ROLE, ZIP, EmbeddedLambda, function_arn

ARN = function_arn("f")


@pytest.mark.parametrize(
    ("operation", "params", "action", "resource"),
    [
        ("GetFunction", {"FunctionName": "f"}, "GetFunction", ARN),
        ("GetFunction", {"FunctionName": "f:$LATEST"}, "GetFunction", f"{ARN}:$LATEST"),
        ("GetFunctionConfiguration", {"FunctionName": "f"}, "GetFunctionConfiguration", ARN),
        ("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": ZIP}, "UpdateFunctionCode", ARN),
        ("UpdateFunctionConfiguration", {"FunctionName": "f"}, "UpdateFunctionConfiguration", ARN),
        ("DeleteFunction", {"FunctionName": "f"}, "DeleteFunction", ARN),
        ("ListFunctions", {}, "ListFunctions", "*"),
        (
            "AddPermission",
            {"FunctionName": "f", "StatementId": "s", "Action": "lambda:*", "Principal": HUB},
            "AddPermission",
            ARN,
        ),
        ("RemovePermission", {"FunctionName": "f", "StatementId": "s"}, "RemovePermission", ARN),
        ("GetPolicy", {"FunctionName": "f"}, "GetPolicy", ARN),
        ("Invoke", {"FunctionName": "f"}, "InvokeFunction", ARN),
        ("Invoke", {"FunctionName": "f", "InvocationType": "DryRun"}, "InvokeFunction", ARN),
        ("TagResource", {"Resource": ARN, "Tags": {"a": "b"}}, "TagResource", ARN),
        ("UntagResource", {"Resource": ARN, "TagKeys": ["a"]}, "UntagResource", ARN),
        ("ListTags", {"Resource": ARN}, "ListTags", ARN),
        ("CreateFunction", {"FunctionName": "g", "Role": ROLE, "Code": {}}, "CreateFunction", function_arn("g")),
    ],
)
async def test_every_operation_needs_its_action_on_its_function(
    cloud: EmbeddedLambda, operation: str, params: dict, action: str, resource: str
):
    await cloud.make("f")
    stranger = await cloud.role_session("stranger", "s3:*", "*")
    code, message = await cloud.refusal(operation, as_=stranger, **params)
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: lambda:{action} on resource: {resource} because" in message


async def test_a_policy_may_say_whom_to_let_in_and_out(cloud: EmbeddedLambda):
    await cloud.make("f")
    keeper = await cloud.role_session("keeper", "lambda:GetPolicy", "*")
    policy = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["lambda:AddPermission", '
        '"lambda:RemovePermission"], "Resource": "*", '
        '"Condition": {"StringEquals": {"lambda:Principal": "transfer.amazonaws.com"}}}}'
    )
    await cloud.call("iam", "PutRolePolicy", RoleName="keeper", PolicyName="gate", PolicyDocument=policy)
    added = {"FunctionName": "f", "Action": "lambda:InvokeFunction"}
    await cloud("AddPermission", as_=keeper, StatementId="in", Principal="transfer.amazonaws.com", **added)
    code, _ = await cloud.refusal("AddPermission", as_=keeper, StatementId="all", Principal="*", **added)
    assert code == "AccessDeniedException"
    await cloud("AddPermission", StatementId="all", Principal="*", **added)
    for sid in ("all", "absent"):
        code, _ = await cloud.refusal("RemovePermission", as_=keeper, FunctionName="f", StatementId=sid)
        assert code == "AccessDeniedException"
    await cloud("RemovePermission", as_=keeper, FunctionName="f", StatementId="in")


async def test_a_function_url_is_a_condition_too(cloud: EmbeddedLambda):
    await cloud.make("f")
    keeper = await cloud.role_session("keeper", "lambda:AddPermission", "*")
    policy = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "lambda:AddPermission", "Resource": "*", '
        '"Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}}'
    )
    await cloud.call("iam", "PutRolePolicy", RoleName="keeper", PolicyName="gate", PolicyDocument=policy)
    added = {"FunctionName": "f", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "StatementId": "s"}
    code, _ = await cloud.refusal("AddPermission", as_=keeper, FunctionUrlAuthType="NONE", **added)
    assert code == "AccessDeniedException"
    await cloud("AddPermission", as_=keeper, FunctionUrlAuthType="AWS_IAM", **added)


async def test_tagging_at_the_beginning_is_tagging(cloud: EmbeddedLambda):
    maker = await cloud.role_session("maker", ["lambda:CreateFunction", "iam:PassRole"], "*")
    await cloud("CreateFunction", as_=maker, **cloud.function("plain"))
    code, message = await cloud.refusal("CreateFunction", as_=maker, **cloud.function("tagged", Tags={"a": "b"}))
    assert code == "AccessDeniedException"
    assert "lambda:TagResource" in message


async def test_invoking_a_known_function_costs_no_database_round_trip(cloud: EmbeddedLambda):
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f")
    before = (cloud.parts.state.reads, cloud.parts.state.writes)
    await cloud("Invoke", FunctionName="f")
    assert (cloud.parts.state.reads, cloud.parts.state.writes) == before
