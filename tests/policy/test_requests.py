import pytest

from crossdock.core.arns import role_arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.policy.evaluate import AccessRequest, context_of

A = "111111111111"
ROLE = AssumedRole(role_arn=role_arn(A, "ftp/Transfer"), role_id="AROAEXAMPLEROLEID0001", session_name="s")
USER = IamUser(account_id=A, user_name="alice", user_id="AIDAEXAMPLEUSERID0001")


def request(account: str, principal=ROLE, context=None) -> AccessRequest:
    return AccessRequest(
        principal=principal, action="s3:GetObject", resource="*", resource_account=account, context=context or {}
    )


def test_the_keys_of_a_context_are_lowered_and_values_of_one_key_are_joined():
    context = {"aws:RequestTag/A": ("1",), "aws:requesttag/a": ("2",), "s3:prefix": ("",)}
    assert request(A, context=context).context == {"aws:requesttag/a": ("1", "2"), "s3:prefix": ("",)}


def test_the_same_account_is_the_callers_own_and_never_the_unknown_one():
    assert request(A).is_same_account
    assert not request("222222222222").is_same_account
    assert not request("").is_same_account
    assert not request("", ServicePrincipal(name="s3.amazonaws.com")).is_same_account


def test_a_context_is_made_from_plain_values():
    assert context_of({"S3:Prefix": "home/", "aws:TagKeys": ["a", "b"]}) == {
        "s3:prefix": ("home/",),
        "aws:tagkeys": ("a", "b"),
    }


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (ROLE, {"aws:principalarn": str(ROLE.role_arn), "aws:principalaccount": A, "aws:principaltype": "AssumedRole"}),
        (USER, {"aws:principalarn": USER.arn, "aws:principalaccount": A, "aws:username": "alice"}),
        (AccountRoot(account_id=A), {"aws:principalarn": f"arn:aws:iam::{A}:root", "aws:principaltype": "Account"}),
        (Anonymous(), {"aws:principaltype": "Anonymous", "aws:principalisawsservice": "false"}),
        (
            ServicePrincipal(name="s3.amazonaws.com"),
            {"aws:principalservicename": "s3.amazonaws.com", "aws:principalisawsservice": "true"},
        ),
    ],
)
def test_keys_that_follow_from_the_principal_are_filled(principal, expected: dict[str, str]):
    context = context_of({}, principal=principal)
    assert {key: (value,) for key, value in expected.items()}.items() <= context.items()
    assert "aws:userid" not in context


def test_a_given_key_is_kept():
    context = context_of({"aws:PrincipalArn": "x"}, principal=USER)
    assert context["aws:principalarn"] == ("x",)
