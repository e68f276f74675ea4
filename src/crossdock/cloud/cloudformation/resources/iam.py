"""AWS::IAM::Role, AWS::IAM::ManagedPolicy, AWS::IAM::Policy."""

from collections.abc import Sequence
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    changed_names,
    given,
    ignoring_absence,
    tag_changes,
)
from crossdock.cloud.cloudformation.resources.shapes import TAGS, TEXTS, document, listed, record, text, whole

DEFAULT_SESSION_S = 3600
_NEW_ROLE = (
    "AssumeRolePolicyDocument",
    "Description",
    "MaxSessionDuration",
    "Path",
    "PermissionsBoundary",
    "Tags",
)


async def _create_role(at: Workplace, properties: Properties) -> Made:
    name = await at.name_or_new(properties.get("RoleName"), max_length=64)
    made = await at.do("iam", "CreateRole", {"RoleName": name, **given(properties, *_NEW_ROLE)})
    await at.claim(name)
    await _attach_to_role(at, name, properties)
    return _made_role(name, made["Role"])


def _made_role(name: str, role: Any) -> Made:
    return Made(physical_id=name, ref=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})


async def _attach_to_role(at: Workplace, name: str, properties: Properties) -> None:
    for arn in properties.get("ManagedPolicyArns", []):
        await at.do("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for policy in properties.get("Policies", []):
        await _put_inline(at, name, policy["PolicyName"], policy["PolicyDocument"])


async def _put_inline(at: Workplace, role: str, policy_name: str, policy: str) -> None:
    await at.do("iam", "PutRolePolicy", {"RoleName": role, "PolicyName": policy_name, "PolicyDocument": policy})


async def _update_role(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if changed & {"Path", "RoleName"}:
        raise CannotUpdate
    role = {"RoleName": physical_id}
    if "AssumeRolePolicyDocument" in changed:
        trust = {"PolicyDocument": new["AssumeRolePolicyDocument"]}
        await at.do("iam", "UpdateAssumeRolePolicy", {**role, **trust})
    if changed & {"Description", "MaxSessionDuration"}:
        about = {"Description": "", "MaxSessionDuration": DEFAULT_SESSION_S}
        await at.do("iam", "UpdateRole", {**role, **about, **given(new, *about)})
    if "PermissionsBoundary" in changed:
        if "PermissionsBoundary" in new:
            await at.do("iam", "PutRolePermissionsBoundary", {**role, **given(new, "PermissionsBoundary")})
        else:
            await ignoring_absence(at.do("iam", "DeleteRolePermissionsBoundary", role))
    if "Tags" in changed:
        await _retag_role(at, physical_id, old, new)
    await _exchange_policies(at, physical_id, old, new)
    return _made_role(physical_id, (await at.do("iam", "GetRole", role))["Role"])


async def _retag_role(at: Workplace, name: str, old: Properties, new: Properties) -> None:
    tags, removed = tag_changes(old, new)
    if removed:
        await at.do("iam", "UntagRole", {"RoleName": name, "TagKeys": removed})
    if tags:
        listed_tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        await at.do("iam", "TagRole", {"RoleName": name, "Tags": listed_tags})


async def _exchange_policies(at: Workplace, name: str, old: Properties, new: Properties) -> None:
    for arn in _without(old.get("ManagedPolicyArns", []), new.get("ManagedPolicyArns", [])):
        await ignoring_absence(at.do("iam", "DetachRolePolicy", {"RoleName": name, "PolicyArn": arn}))
    kept = {policy["PolicyName"] for policy in new.get("Policies", [])}
    for policy in old.get("Policies", []):
        if policy["PolicyName"] not in kept:
            await _delete_inline(at, name, policy["PolicyName"])
    for arn in _without(new.get("ManagedPolicyArns", []), old.get("ManagedPolicyArns", [])):
        await at.do("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for policy in new.get("Policies", []):
        if policy not in old.get("Policies", []):
            await _put_inline(at, name, policy["PolicyName"], policy["PolicyDocument"])


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    return [name for name in names if name not in others]


async def _delete_inline(at: Workplace, role: str, policy_name: str) -> None:
    await ignoring_absence(at.do("iam", "DeleteRolePolicy", {"RoleName": role, "PolicyName": policy_name}))


async def _delete_role(at: Workplace, physical_id: str, properties: Properties) -> None:
    await _exchange_policies(at, physical_id, properties, {})
    await ignoring_absence(at.do("iam", "DeleteRole", {"RoleName": physical_id}))


async def _create_managed_policy(at: Workplace, properties: Properties) -> Made:
    name = properties.get("ManagedPolicyName") or at.generated_name(max_length=128)
    arn = f"arn:aws:iam::{at.call.account_id}:policy{properties.get('Path', '/')}{name}"
    if "ManagedPolicyName" not in properties:
        await at.claim(arn)
    params = {"PolicyName": name, **given(properties, "PolicyDocument", "Path", "Description")}
    made = await at.do("iam", "CreatePolicy", params)
    arn = made["Policy"]["Arn"]
    await at.claim(arn)
    await _move(at, [], properties.get("Roles", []), policy_arn=arn)
    return _made_policy(arn)


def _made_policy(arn: str) -> Made:
    return Made(physical_id=arn, ref=arn, attributes={"PolicyArn": arn})


async def _update_managed_policy(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if changed & {"Description", "ManagedPolicyName", "Path"}:
        raise CannotUpdate
    policy = {"PolicyArn": physical_id}
    if "PolicyDocument" in changed:
        before = (await at.do("iam", "GetPolicy", policy))["Policy"]["DefaultVersionId"]
        version = {"PolicyDocument": new["PolicyDocument"], "SetAsDefault": True}
        await at.do("iam", "CreatePolicyVersion", {**policy, **version})
        await ignoring_absence(at.do("iam", "DeletePolicyVersion", {**policy, "VersionId": before}))
    await _move(at, old.get("Roles", []), new.get("Roles", []), policy_arn=physical_id)
    return _made_policy(physical_id)


async def _move(at: Workplace, old: Sequence[str], new: Sequence[str], *, policy_arn: str) -> None:
    for role in _without(old, new):
        await ignoring_absence(at.do("iam", "DetachRolePolicy", {"RoleName": role, "PolicyArn": policy_arn}))
    for role in _without(new, old):
        await at.do("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": policy_arn})


async def _delete_managed_policy(at: Workplace, physical_id: str, properties: Properties) -> None:
    await _move(at, properties.get("Roles", []), [], policy_arn=physical_id)
    await ignoring_absence(at.do("iam", "DeletePolicy", {"PolicyArn": physical_id}))


async def _create_inline_policy(at: Workplace, properties: Properties) -> Made:
    if not properties.get("Roles"):
        raise invalid("At least one of [Groups,Roles,Users] must be non-empty.")
    name = await at.name_or_new(None, max_length=128)
    for role in properties["Roles"]:
        await _put_inline(at, role, properties["PolicyName"], properties["PolicyDocument"])
    return Made(physical_id=name, ref=name)


async def _update_inline_policy(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    if old["PolicyName"] != new["PolicyName"]:
        raise CannotUpdate
    if not new.get("Roles"):
        raise invalid("At least one of [Groups,Roles,Users] must be non-empty.")
    for role in _without(old.get("Roles", []), new["Roles"]):
        await _delete_inline(at, role, old["PolicyName"])
    for role in new["Roles"]:
        await _put_inline(at, role, new["PolicyName"], new["PolicyDocument"])
    return Made(physical_id=physical_id, ref=physical_id)


async def _delete_inline_policy(at: Workplace, _physical_id: str, properties: Properties) -> None:
    for role in properties.get("Roles", []):
        await _delete_inline(at, role, properties["PolicyName"])


_INLINE = record({"PolicyName": text, "PolicyDocument": document}, "PolicyName", "PolicyDocument")
ROLE = ResourceKind(
    create=_create_role,
    update=_update_role,
    delete=_delete_role,
    properties={
        "AssumeRolePolicyDocument": document,
        "Description": text,
        "ManagedPolicyArns": TEXTS,
        "MaxSessionDuration": whole,
        "Path": text,
        "PermissionsBoundary": text,
        "Policies": listed(_INLINE),
        "RoleName": text,
        "Tags": TAGS,
    },
    required=frozenset({"AssumeRolePolicyDocument"}),
    attributes=frozenset({"Arn", "RoleId"}),
    name_property="RoleName",
    is_iam=True,
)
MANAGED_POLICY = ResourceKind(
    create=_create_managed_policy,
    update=_update_managed_policy,
    delete=_delete_managed_policy,
    properties={
        "Description": text,
        "ManagedPolicyName": text,
        "Path": text,
        "PolicyDocument": document,
        "Roles": TEXTS,
    },
    required=frozenset({"PolicyDocument"}),
    attributes=frozenset({"PolicyArn"}),
    name_property="ManagedPolicyName",
    is_iam=True,
)
POLICY = ResourceKind(
    create=_create_inline_policy,
    update=_update_inline_policy,
    delete=_delete_inline_policy,
    properties={"PolicyDocument": document, "PolicyName": text, "Roles": TEXTS},
    required=frozenset({"PolicyDocument", "PolicyName"}),
    is_iam=True,
)
