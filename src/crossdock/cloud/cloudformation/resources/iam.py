"""AWS::IAM::Role, AWS::IAM::ManagedPolicy, AWS::IAM::Policy."""

import json
from collections.abc import Sequence
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    given,
    ignoring_absence,
    tag_list,
    whole_number,
)
from crossdock.core.errors import ServiceError


def _document(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def _create_role(at: Workplace, properties: Properties) -> Made:
    name = properties.get("RoleName") or at.generated_name(max_length=64)
    made = await at.do(
        "iam",
        "CreateRole",
        {
            "RoleName": name,
            "AssumeRolePolicyDocument": _document(properties["AssumeRolePolicyDocument"]),
            **given(properties, "Path", "Description"),
            **whole_number(properties, "MaxSessionDuration"),
            **tag_list(properties),
        },
    )
    try:
        await _attach_to_role(at, name, properties)
    except ServiceError:
        await _delete_role(at, name, properties)
        raise
    role = made["Role"]
    return Made(physical_id=name, ref=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})


async def _attach_to_role(at: Workplace, name: str, properties: Properties) -> None:
    for arn in properties.get("ManagedPolicyArns", []):
        await at.do("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for policy in properties.get("Policies", []):
        await _put_inline(at, name, policy["PolicyName"], policy["PolicyDocument"])


async def _put_inline(at: Workplace, role: str, policy_name: str, document: Any) -> None:
    await at.do(
        "iam",
        "PutRolePolicy",
        {"RoleName": role, "PolicyName": policy_name, "PolicyDocument": _document(document)},
    )


async def _update_role(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if not changed <= {"AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies"}:
        raise CannotUpdate
    if "AssumeRolePolicyDocument" in changed:
        await at.do(
            "iam",
            "UpdateAssumeRolePolicy",
            {"RoleName": physical_id, "PolicyDocument": _document(new["AssumeRolePolicyDocument"])},
        )
    for arn in set(old.get("ManagedPolicyArns", [])) - set(new.get("ManagedPolicyArns", [])):
        await ignoring_absence(at.do("iam", "DetachRolePolicy", {"RoleName": physical_id, "PolicyArn": arn}))
    kept = {policy["PolicyName"] for policy in new.get("Policies", [])}
    for policy in old.get("Policies", []):
        if policy["PolicyName"] not in kept:
            await _delete_inline(at, physical_id, policy["PolicyName"])
    await _attach_to_role(at, physical_id, new)
    role = (await at.do("iam", "GetRole", {"RoleName": physical_id}))["Role"]
    return Made(physical_id=physical_id, ref=physical_id, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})


async def _delete_inline(at: Workplace, role: str, policy_name: str) -> None:
    await ignoring_absence(at.do("iam", "DeleteRolePolicy", {"RoleName": role, "PolicyName": policy_name}))


async def _delete_role(at: Workplace, physical_id: str, properties: Properties) -> None:
    for arn in properties.get("ManagedPolicyArns", []):
        await ignoring_absence(at.do("iam", "DetachRolePolicy", {"RoleName": physical_id, "PolicyArn": arn}))
    for policy in properties.get("Policies", []):
        await _delete_inline(at, physical_id, policy["PolicyName"])
    await ignoring_absence(at.do("iam", "DeleteRole", {"RoleName": physical_id}))


async def _create_managed_policy(at: Workplace, properties: Properties) -> Made:
    name = properties.get("ManagedPolicyName") or at.generated_name(max_length=128)
    made = await at.do(
        "iam",
        "CreatePolicy",
        {
            "PolicyName": name,
            "PolicyDocument": _document(properties["PolicyDocument"]),
            **given(properties, "Path", "Description"),
        },
    )
    arn = made["Policy"]["Arn"]
    try:
        for role in properties.get("Roles", []):
            await at.do("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
    except ServiceError:
        await _delete_managed_policy(at, arn, properties)
        raise
    return Made(physical_id=arn, ref=arn, attributes={"PolicyArn": arn})


async def _update_managed_policy(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if changed != {"Roles"}:
        raise CannotUpdate
    await _move(at, old.get("Roles", []), new.get("Roles", []), policy_arn=physical_id)
    return Made(physical_id=physical_id, ref=physical_id, attributes={"PolicyArn": physical_id})


async def _move(at: Workplace, old: Sequence[str], new: Sequence[str], *, policy_arn: str) -> None:
    for role in set(old) - set(new):
        await ignoring_absence(at.do("iam", "DetachRolePolicy", {"RoleName": role, "PolicyArn": policy_arn}))
    for role in set(new) - set(old):
        await at.do("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": policy_arn})


async def _delete_managed_policy(at: Workplace, physical_id: str, properties: Properties) -> None:
    await _move(at, properties.get("Roles", []), [], policy_arn=physical_id)
    await ignoring_absence(at.do("iam", "DeletePolicy", {"PolicyArn": physical_id}))


async def _create_inline_policy(at: Workplace, properties: Properties) -> Made:
    roles = properties.get("Roles", [])
    if not roles:
        raise ServiceError("ValidationError", "At least one of [Groups,Roles,Users] must be non-empty.")
    for role in roles:
        await _put_inline(at, role, properties["PolicyName"], properties["PolicyDocument"])
    name = at.generated_name(max_length=128)
    return Made(physical_id=name, ref=name)


async def _update_inline_policy(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    if old["PolicyName"] != new["PolicyName"]:
        raise CannotUpdate
    for role in set(old.get("Roles", [])) - set(new.get("Roles", [])):
        await _delete_inline(at, role, old["PolicyName"])
    for role in new.get("Roles", []):
        await _put_inline(at, role, new["PolicyName"], new["PolicyDocument"])
    return Made(physical_id=physical_id, ref=physical_id)


async def _delete_inline_policy(at: Workplace, _physical_id: str, properties: Properties) -> None:
    for role in properties.get("Roles", []):
        await _delete_inline(at, role, properties["PolicyName"])


ROLE = ResourceKind(
    create=_create_role,
    update=_update_role,
    delete=_delete_role,
    properties=frozenset(
        {
            "AssumeRolePolicyDocument",
            "Description",
            "ManagedPolicyArns",
            "MaxSessionDuration",
            "Path",
            "Policies",
            "RoleName",
            "Tags",
        }
    ),
    required=frozenset({"AssumeRolePolicyDocument"}),
    name_property="RoleName",
    is_iam=True,
)
MANAGED_POLICY = ResourceKind(
    create=_create_managed_policy,
    update=_update_managed_policy,
    delete=_delete_managed_policy,
    properties=frozenset({"Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"}),
    required=frozenset({"PolicyDocument"}),
    name_property="ManagedPolicyName",
    is_iam=True,
)
POLICY = ResourceKind(
    create=_create_inline_policy,
    update=_update_inline_policy,
    delete=_delete_inline_policy,
    properties=frozenset({"PolicyDocument", "PolicyName", "Roles"}),
    required=frozenset({"PolicyDocument", "PolicyName"}),
    is_iam=True,
)
