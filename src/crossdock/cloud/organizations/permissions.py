"""What Organizations' operations need: the action on the policy, the account or the root that is meant.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Organizations".
"""

from collections.abc import Mapping, Sequence

from crossdock.cloud.organizations.records import find_organization, find_policy, organizations_arn, policy_arn
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions
from crossdock.ports.state import Transaction

Keys = Mapping[str, tuple[str, ...]]
UNKNOWN = "o-unknown"
"""In the ARN of a thing that is not there, whose organization nobody knows."""


def on_type(action: str, member: str) -> Permissions:
    """On everything, with the policy type that a member of the request names."""

    def permissions(call: Call) -> Sequence[Permission]:
        return [Permission(action=action, resource="*", context={"organizations:PolicyType": (call.params[member],)})]

    return permissions


def on_policy(action: str) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        async with call.reading() as tx:
            arn, keys = await _policy(tx, call.params["PolicyId"])
        return [Permission(action=action, resource=arn, context=keys)]

    return permissions


def on_policy_and_target(action: str) -> Permissions:
    """AttachPolicy and DetachPolicy need the action on both."""

    async def permissions(call: Call) -> Sequence[Permission]:
        async with call.reading() as tx:
            arn, keys = await _policy(tx, call.params["PolicyId"])
            target = await _target_arn(tx, call.params["TargetId"])
        return [Permission(action=action, resource=resource, context=keys) for resource in (arn, target)]

    return permissions


def on_target(action: str, member: str, *, type_member: str = "") -> Permissions:
    """On the root or account that a member names; `type_member` is the one that names a policy type."""

    async def permissions(call: Call) -> Sequence[Permission]:
        keys: Keys = {"organizations:PolicyType": (call.params[type_member],)} if type_member else {}
        async with call.reading() as tx:
            target = await _target_arn(tx, call.params[member])
        return [Permission(action=action, resource=target, context=keys)]

    return permissions


async def _policy(tx: Transaction, policy_id: str) -> tuple[str, Keys]:
    policy = await find_policy(tx, policy_id)
    if policy is None:
        return policy_arn(UNKNOWN, "service_control_policy", policy_id), {}
    return policy.arn, {"organizations:PolicyType": (policy.type.value,)}


async def _target_arn(tx: Transaction, target_id: str) -> str:
    """The ARN that it would have where there is no such target: only who may ask about it learns that."""
    organization = await find_organization(tx)
    kind = "root" if target_id.startswith("r-") else "account"
    return organizations_arn(f"{kind}/{organization.organization_id if organization else UNKNOWN}/{target_id}")
