"""AWS::IAM::Role, ManagedPolicy and Policy: made, changed, replaced, deleted.

Source: CloudFormation Template Reference, "Update requires" of each property.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tests.fakes.cloud import HUB
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import allowing, get_att, outputs, ref, resource, role, trusting

TRANSFER = {"Service": "transfer.amazonaws.com"}
S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


async def described(cloud: EmbeddedStacks, name: str) -> Mapping[str, Any]:
    found = dict((await cloud.call("iam", "GetRole", RoleName=name))["Role"])
    found["Trust"] = json.loads(unquote(found["AssumeRolePolicyDocument"]))
    return found


async def attached(cloud: EmbeddedStacks, name: str) -> list[str]:
    found = await cloud.call("iam", "ListAttachedRolePolicies", RoleName=name)
    return [item["PolicyArn"] for item in found["AttachedPolicies"]]


async def inline(cloud: EmbeddedStacks, name: str) -> dict[str, Any]:
    names = (await cloud.call("iam", "ListRolePolicies", RoleName=name))["PolicyNames"]
    return {
        policy: json.loads(
            unquote(
                (await cloud.call("iam", "GetRolePolicy", RoleName=name, PolicyName=policy))["PolicyDocument"],
            )
        )
        for policy in names
    }


async def test_a_role_has_all_that_its_properties_say(cloud: EmbeddedStacks):
    made = role(
        RoleName="mine",
        Path="/team/",
        Description="for files",
        MaxSessionDuration="7200",
        PermissionsBoundary=S3_FULL,
        ManagedPolicyArns=[READ_ONLY],
        Policies=[{"PolicyName": "p", "PolicyDocument": allowing("s3:GetObject")}],
        Tags=[{"Key": "a", "Value": 1}],
    )
    await cloud.create(
        {"Role": made}, Outputs=outputs(Ref=ref("Role"), Arn=get_att("Role", "Arn"), Id=get_att("Role", "RoleId"))
    )
    found = await described(cloud, "mine")
    assert (found["Path"], found["Description"], found["MaxSessionDuration"]) == ("/team/", "for files", 7200)
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == S3_FULL
    assert found["Tags"] == [{"Key": "a", "Value": "1"}]
    assert found["Trust"] == trusting({"Service": "lambda.amazonaws.com"})
    assert await attached(cloud, "mine") == [READ_ONLY]
    assert await inline(cloud, "mine") == {"p": allowing("s3:GetObject")}
    assert await cloud.outputs() == {"Ref": "mine", "Arn": found["Arn"], "Id": found["RoleId"]}


async def test_a_role_is_changed_in_place_and_back(cloud: EmbeddedStacks):
    plain = role()
    changed = role(
        AssumeRolePolicyDocument=trusting(TRANSFER),
        Description="changed",
        MaxSessionDuration=7200,
        PermissionsBoundary=S3_FULL,
        ManagedPolicyArns=[READ_ONLY],
        Policies=[{"PolicyName": "p", "PolicyDocument": allowing("s3:*")}],
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
    )
    await cloud.create({"Role": plain})
    name = await cloud.physical("Role")
    before = await described(cloud, name)
    assert (await cloud.update({"Role": changed}))["StackStatus"] == "UPDATE_COMPLETE"
    found = await described(cloud, name)
    assert found["RoleId"] == before["RoleId"]
    assert found["Trust"] == trusting(TRANSFER)
    assert (found["Description"], found["MaxSessionDuration"]) == ("changed", 7200)
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == S3_FULL
    assert found["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert await attached(cloud, name) == [READ_ONLY]
    assert list(await inline(cloud, name)) == ["p"]
    policies = [{"PolicyName": "p", "PolicyDocument": allowing("s3:GetObject")}]
    await cloud.update(
        {"Role": role(Policies=policies, PermissionsBoundary=READ_ONLY, Tags=[{"Key": "b", "Value": "3"}])}
    )
    found = await described(cloud, name)
    assert await inline(cloud, name) == {"p": allowing("s3:GetObject")}
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert found["Tags"] == [{"Key": "b", "Value": "3"}]
    assert (await cloud.update({"Role": plain}))["StackStatus"] == "UPDATE_COMPLETE"
    found = await described(cloud, name)
    assert (found.get("Description", ""), found["MaxSessionDuration"]) == ("", 3600)
    assert not found.get("Tags")
    assert "PermissionsBoundary" not in found
    assert (await attached(cloud, name), await inline(cloud, name)) == ([], {})


async def test_a_role_with_policies_of_others_cannot_be_deleted(cloud: EmbeddedStacks):
    await cloud.create({"Role": role(RoleName="mine", ManagedPolicyArns=[READ_ONLY])})
    await cloud.call("iam", "AttachRolePolicy", RoleName="mine", PolicyArn=S3_FULL)
    assert await cloud.delete() == "DELETE_FAILED"
    assert "DeleteConflict" in (await cloud.failures("Role"))[-1]
    await cloud.call("iam", "DetachRolePolicy", RoleName="mine", PolicyArn=S3_FULL)
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_role_that_is_gone_already_is_deleted(cloud: EmbeddedStacks):
    await cloud.create({"Role": role(RoleName="mine", ManagedPolicyArns=[READ_ONLY])})
    await cloud.call("iam", "DetachRolePolicy", RoleName="mine", PolicyArn=READ_ONLY)
    await cloud.call("iam", "DeleteRole", RoleName="mine")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_a_role_with_a_malformed_policy_leaves_no_role(cloud: EmbeddedStacks):
    broken = role(RoleName="mine", Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": "none"}}])
    assert (await cloud.create({"Role": broken}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "MalformedPolicyDocument" in (await cloud.failures("Role"))[0]
    assert await cloud.code_of("iam", "GetRole", RoleName="mine") == "NoSuchEntity"


async def test_an_account_id_written_as_a_number_is_one_in_a_policy(cloud: EmbeddedStacks):
    await cloud.create({"Role": role(RoleName="mine", AssumeRolePolicyDocument=trusting({"AWS": int(HUB)}))})
    assert (await described(cloud, "mine"))["Trust"]["Statement"][0]["Principal"] == {"AWS": HUB}


async def test_a_managed_policy_is_made_attached_changed_and_deleted(cloud: EmbeddedStacks):
    def managed(*roles: str, document: Any = None, **properties: Any) -> dict:
        return {
            "One": role(RoleName="one"),
            "Two": role(RoleName="two"),
            "Policy": resource(
                "IAM::ManagedPolicy",
                PolicyDocument=document or allowing("s3:GetObject"),
                Roles=[ref(name) for name in roles],
                **properties,
            ),
        }

    made = outputs(Ref=ref("Policy"), Arn=get_att("Policy", "PolicyArn"))
    await cloud.create(managed("One", ManagedPolicyName="mine", Path="/p/", Description="d"), Outputs=made)
    arn = f"arn:aws:iam::{HUB}:policy/p/mine"
    assert await cloud.outputs() == {"Ref": arn, "Arn": arn}
    assert (await cloud.call("iam", "GetPolicy", PolicyArn=arn))["Policy"]["Description"] == "d"
    assert (await attached(cloud, "one"), await attached(cloud, "two")) == ([arn], [])
    # One version is kept, however often it changes.
    for actions in (("s3:PutObject",), ("s3:DeleteObject",)):
        changed = managed("Two", document=allowing(*actions), ManagedPolicyName="mine", Path="/p/", Description="d")
        assert (await cloud.update(changed))["StackStatus"] == "UPDATE_COMPLETE"
    version = (await cloud.call("iam", "GetPolicy", PolicyArn=arn))["Policy"]["DefaultVersionId"]
    found = await cloud.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)
    assert json.loads(unquote(found["PolicyVersion"]["Document"])) == allowing("s3:DeleteObject")
    assert len((await cloud.call("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]) == 1
    assert (await attached(cloud, "one"), await attached(cloud, "two")) == ([], [arn])
    # A description cannot be changed, nor a path: that is another policy.
    await cloud.update(managed("Two", ManagedPolicyName="yours", Path="/q/", Description="e"))
    assert await cloud.physical("Policy") == f"arn:aws:iam::{HUB}:policy/q/yours"
    assert await cloud.code_of("iam", "GetPolicy", PolicyArn=arn) == "NoSuchEntity"
    assert await cloud.delete() == "DELETE_COMPLETE"
    assert (await cloud.call("iam", "ListPolicies", Scope="Local"))["Policies"] == []


async def test_a_managed_policy_without_a_name_gets_one_and_may_be_gone_already(cloud: EmbeddedStacks):
    await cloud.create({"Policy": resource("IAM::ManagedPolicy", PolicyDocument=allowing("s3:*"), Path="/p/")})
    arn = await cloud.physical("Policy")
    assert arn.startswith(f"arn:aws:iam::{HUB}:policy/p/app-Policy-")
    await cloud.call("iam", "DeletePolicy", PolicyArn=arn)
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_an_inline_policy_is_put_on_its_roles_changed_and_taken_off(cloud: EmbeddedStacks):
    def on(*names: str, called: str = "p", **properties: Any) -> dict:
        policy = resource("IAM::Policy", PolicyName=called, **{"PolicyDocument": allowing("s3:*"), **properties})
        policy["Properties"]["Roles"] = [ref(name) for name in names]
        return {"One": role(RoleName="one"), "Two": role(RoleName="two"), "Policy": policy}

    await cloud.create(on("One"))
    assert (await inline(cloud, "one"), await inline(cloud, "two")) == ({"p": allowing("s3:*")}, {})
    changed = allowing("s3:GetObject")
    await cloud.update(on("Two", PolicyDocument=changed))
    assert (await inline(cloud, "one"), await inline(cloud, "two")) == ({}, {"p": changed})
    await cloud.update(on("Two", called="q"))
    assert list(await inline(cloud, "two")) == ["q"]
    assert (await cloud.update(on()))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert await cloud.failures("Policy") == [
        "At least one of [Groups,Roles,Users] must be non-empty. (Service error code: ValidationError)"
    ]
    assert list(await inline(cloud, "two")) == ["q"]
    await cloud.call("iam", "DeleteRolePolicy", RoleName="two", PolicyName="q")
    assert await cloud.delete() == "DELETE_COMPLETE"


async def test_an_inline_policy_without_roles_fails(cloud: EmbeddedStacks):
    policy = resource("IAM::Policy", PolicyName="p", PolicyDocument=allowing("s3:*"))
    assert (await cloud.create({"Policy": policy}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "must be non-empty" in (await cloud.failures("Policy"))[0]


async def test_properties_that_are_not_done_are_named(cloud: EmbeddedStacks):
    cases = {
        "groups": resource("IAM::Policy", PolicyName="p", PolicyDocument=allowing("s3:*"), Groups=["g"]),
        "users": resource("IAM::ManagedPolicy", PolicyDocument=allowing("s3:*"), Users=["u"]),
        "nested": role(Policies=[{"PolicyName": "p", "PolicyDocument": {}, "Odd": 1}]),
    }
    for name, broken in cases.items():
        await cloud.create({"Broken": broken}, name)
        assert "Encountered unsupported property" in (await cloud.failures("Broken", name))[0]
