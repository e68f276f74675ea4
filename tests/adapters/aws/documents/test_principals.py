"""Roles and users as IAM has them, and what of them may not be read."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.fakes.aws_clients import clients_of
from tests.fakes.aws_documents import HUB, PARTNER, ScriptedAws, accounts
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.s3 import document

from crossdock.adapters.aws.documents.accounts import Account
from crossdock.adapters.aws.documents.principals import NoSuchPrincipal, PrincipalReader
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import parse_arn
from crossdock.policy.evaluate import Layer

ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
ROLE = parse_arn(f"arn:aws:iam::{HUB}:role/apps/files")


def policy(*statements: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(document(*statements))
    return found


ANSWERS: dict[tuple[str, str], Any] = {
    ("iam", "GetRole"): {
        "Role": {
            "Arn": str(ROLE),
            "RoleId": "AROAFILES00000000001",
            "AssumeRolePolicyDocument": policy(TRUST),
            "PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{HUB}:policy/bound"},
            "Tags": [{"Key": "team", "Value": "blue"}],
        }
    },
    ("iam", "ListRolePolicies"): {"PolicyNames": ["buckets"]},
    ("iam", "GetRolePolicy"): {"PolicyDocument": policy(ALLOW)},
    ("iam", "ListAttachedRolePolicies"): {"AttachedPolicies": [{"PolicyArn": READ_ONLY}]},
    ("iam", "GetPolicy"): {"Policy": {"DefaultVersionId": "v3"}},
    ("iam", "GetPolicyVersion"): {"PolicyVersion": {"Document": policy(ALLOW)}},
}


async def find(answers: dict[tuple[str, str], Any], arn=ROLE):
    return await PrincipalReader(accounts(ScriptedAws(answers).account())).find(arn)


async def test_a_role_is_read_whole_and_once() -> None:
    aws = ScriptedAws(ANSWERS)
    reader = PrincipalReader(accounts(aws.account()))
    found = await reader.find(ROLE)
    assert (found.unique_id, found.tags, found.knows_tags) == ("AROAFILES00000000001", {"team": "blue"}, True)
    assert [one.name for one in found.identity] == ["buckets", READ_ONLY]
    assert [one.name for one in found.boundary] == [f"arn:aws:iam::{HUB}:policy/bound"]
    assert found.trust is not None
    assert found.unread == ()
    assert {tuple(params.items()) for _, operation, params in aws.asked if operation == "GetPolicyVersion"} == {
        (("PolicyArn", READ_ONLY), ("VersionId", "v3")),
        (("PolicyArn", f"arn:aws:iam::{HUB}:policy/bound"), ("VersionId", "v3")),
    }
    calls = len(aws.asked)
    assert await reader.find(ROLE) is found
    assert len(aws.asked) == calls


@pytest.mark.parametrize(
    ("denied", "layers", "action"),
    [
        ("ListRolePolicies", {Layer.IDENTITY}, "iam:ListRolePolicies on files"),
        ("GetRolePolicy", {Layer.IDENTITY}, "iam:GetRolePolicy on files buckets"),
        ("ListAttachedRolePolicies", {Layer.IDENTITY}, "iam:ListAttachedRolePolicies on files"),
        ("GetPolicy", {Layer.IDENTITY, Layer.BOUNDARY}, f"iam:GetPolicy on {READ_ONLY}"),
        ("GetPolicyVersion", {Layer.IDENTITY, Layer.BOUNDARY}, f"iam:GetPolicyVersion on {READ_ONLY} v3"),
    ],
)
async def test_each_permission_that_is_missing_leaves_its_layers_unknown(denied, layers, action) -> None:
    found = await find({row: answer for row, answer in ANSWERS.items() if row != ("iam", denied)})
    assert {one.layer for one in found.unread} == layers
    assert any(one.why.endswith(f"may not {action}") and one.remedy for one in found.unread)
    assert found.trust is not None


async def test_without_get_role_neither_trust_nor_boundary_nor_id_nor_tags_are_known() -> None:
    found = await find({row: answer for row, answer in ANSWERS.items() if row != ("iam", "GetRole")})
    assert (found.unique_id, found.knows_tags, found.trust) == ("", False, None)
    assert str(found.trust_unread).endswith("may not iam:GetRole on files")
    assert [one.layer for one in found.unread] == [Layer.BOUNDARY]
    assert [one.name for one in found.identity] == ["buckets", READ_ONLY]


async def test_without_a_profile_nothing_of_it_is_known() -> None:
    found = await find(ANSWERS, parse_arn(f"arn:aws:iam::{PARTNER}:role/files"))
    assert {one.layer for one in found.unread} == {Layer.IDENTITY, Layer.BOUNDARY}
    assert str(found.trust_unread) == f"no profile is given for account {PARTNER}"
    assert found.trust_unread is not None
    assert "may iam:GetRole" in found.trust_unread.remedy


@pytest.mark.parametrize(
    "answer", ["NoSuchEntity", {"Role": {"Arn": f"arn:aws:iam::{HUB}:role/files", "RoleId": "AROA"}}]
)
async def test_a_role_that_is_not_there_or_has_another_path_is_no_role(answer) -> None:
    with pytest.raises(NoSuchPrincipal):
        await find({**ANSWERS, ("iam", "GetRole"): answer})


async def test_a_policy_that_our_engine_does_not_know_is_unknown() -> None:
    odd = policy({**ALLOW, "Condition": {"StringAlike": {"aws:SourceIp": "x"}}})
    found = await find({**ANSWERS, ("iam", "GetRolePolicy"): {"PolicyDocument": odd}})
    (unread,) = found.unread
    assert unread.layer is Layer.IDENTITY
    assert unread.why.startswith("buckets has something that this engine does not know: ")
    role = {**ANSWERS["iam", "GetRole"]["Role"], "AssumeRolePolicyDocument": policy({**TRUST, "Effect": "Perhaps"})}
    found = await find({**ANSWERS, ("iam", "GetRole"): {"Role": role}})
    assert str(found.trust_unread).startswith("trust policy has something")


async def test_a_user_has_the_policies_of_its_groups_too() -> None:
    user = parse_arn(f"arn:aws:iam::{HUB}:user/gateway")
    found = await find(
        {
            ("iam", "GetUser"): {"User": {"Arn": str(user), "UserId": "AIDAGATEWAY"}},
            ("iam", "ListUserPolicies"): {"PolicyNames": ["own"]},
            ("iam", "GetUserPolicy"): {"PolicyDocument": policy(ALLOW)},
            ("iam", "ListAttachedUserPolicies"): {"AttachedPolicies": []},
            ("iam", "ListGroupsForUser"): {"Groups": [{"GroupName": "gateways"}]},
            ("iam", "ListGroupPolicies"): {"PolicyNames": ["assume"]},
            ("iam", "GetGroupPolicy"): {"PolicyDocument": policy(ALLOW)},
            ("iam", "ListAttachedGroupPolicies"): {"AttachedPolicies": []},
        },
        user,
    )
    assert ([one.name for one in found.identity], found.unread, found.trust) == (["own", "assume"], (), None)


async def test_a_sessions_role_is_found_with_its_path_if_it_may_be() -> None:
    reader = PrincipalReader(accounts(ScriptedAws(ANSWERS).account()))
    assert await reader.arn_of_role(HUB, "files") == ROLE
    assert str(await reader.arn_of_role(PARTNER, "files")) == f"arn:aws:iam::{PARTNER}:role/files"


async def test_ids_are_looked_up_among_the_roles() -> None:
    roles = [{"RoleId": "AROA1", "Arn": "arn:1"}, {"RoleId": "AROA2", "Arn": "arn:2"}]
    reader = PrincipalReader(accounts(ScriptedAws({("iam", "ListRoles"): {"Roles": roles}}).account()))
    assert await reader.living(HUB, frozenset({"AROA2", "AROA3"})) == {"AROA2": "arn:2"}
    with pytest.raises(NotRead):
        await reader.living(PARTNER, frozenset({"AROA2"}))


async def test_the_embedded_clouds_iam_is_read_by_botocore_as_awss_is() -> None:
    async with serve_cloud() as cloud, clients_of(cloud) as clients:
        arn = parse_arn(await cloud.role("files", ["s3:GetObject"], ["*"]))
        await cloud.s3.iam("AttachRolePolicy", RoleName="files", PolicyArn=READ_ONLY)
        await cloud.s3.iam("PutRolePermissionsBoundary", RoleName="files", PermissionsBoundary=READ_ONLY)
        account = Account(
            account_id=HUB, profile="hub", region="us-east-1", caller_arn="admin", caller_id="", clients=clients
        )
        found = await PrincipalReader(accounts(account)).find(arn)
        assert [one.name for one in found.identity] == ["what", READ_ONLY]
        assert [one.name for one in found.boundary] == [READ_ONLY]
        assert found.unread == ()
        assert found.trust is not None
        with pytest.raises(NoSuchPrincipal):
            await PrincipalReader(accounts(account)).find(parse_arn(f"arn:aws:iam::{HUB}:role/none"))
