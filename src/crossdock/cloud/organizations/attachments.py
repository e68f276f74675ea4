"""Attaching and detaching policies, and which types can be.

Source: Organizations API Reference, the operations of these names; User Guide, "Quotas for AWS Organizations", and
"Disabling a policy type": all policies of the type are detached, and FullAWSAccess alone is there when it is enabled
again.
"""

from dataclasses import replace

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.organizations.describing import described_root
from crossdock.cloud.organizations.faults import (
    already_attached,
    constraint_violation,
    invalid_input,
    no_such_root,
    not_attached,
    type_already_enabled,
    type_not_available,
    type_not_enabled,
)
from crossdock.cloud.organizations.finding import (
    policy_type,
    require_policy,
    require_target,
    targets,
    the_organization,
)
from crossdock.cloud.organizations.pages import page_of
from crossdock.cloud.organizations.policies import summary
from crossdock.cloud.organizations.records import (
    FULL_ACCESS,
    OrganizationRecord,
    PolicyRecord,
    PolicyType,
    attached_to,
    put_attachments,
    put_organization,
)
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction

MAX_ATTACHED = 5
"""Policies of one type on one root or account."""


async def attach_policy(epoch: Epoch, call: Call) -> Result:
    async with policy_transaction(call, epoch) as tx:
        policy, target_id, attached = await _both(tx, call)
        if policy.policy_id in attached:
            raise already_attached()
        if len(attached) == MAX_ATTACHED:
            raise constraint_violation(
                "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You have attached the maximum number of policies to the specified target.",
            )
        await put_attachments(tx, target_id, policy.type, (*attached, policy.policy_id))
    return {}


async def detach_policy(epoch: Epoch, call: Call) -> Result:
    """Every root and account keeps a policy of each enabled type, and RCPFullAWSAccess in any case."""
    async with policy_transaction(call, epoch) as tx:
        policy, target_id, attached = await _both(tx, call)
        if policy.policy_id not in attached:
            raise not_attached()
        if policy == FULL_ACCESS[PolicyType.RESOURCE_CONTROL]:
            raise invalid_input("NON_DETACHABLE_POLICY", "You can't detach this AWS managed policy.")
        if len(attached) == 1:
            raise constraint_violation(
                "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                "You cannot remove the last policy attached to the specified target. You must have at least one "
                "attached at all times.",
            )
        left = tuple(policy_id for policy_id in attached if policy_id != policy.policy_id)
        await put_attachments(tx, target_id, policy.type, left)
    return {}


async def list_policies_for_target(_epoch: Epoch, call: Call) -> Result:
    """Those of one type that are attached to the target itself; what binds it from the root is not among them."""
    kind = policy_type(call.params["Filter"])
    async with call.reading() as tx:
        organization = await the_organization(tx)
        target = await require_target(tx, organization, call.params["TargetId"])
        attached = () if kind not in organization.enabled else await attached_to(tx, target.target_id, kind)
        found = [summary(await require_policy(tx, policy_id)) for policy_id in attached]
    return page_of(call, "Policies", found)


async def list_targets_for_policy(_epoch: Epoch, call: Call) -> Result:
    async with call.reading() as tx:
        organization = await the_organization(tx)
        policy = await require_policy(tx, call.params["PolicyId"])
        found = [
            {"TargetId": target.target_id, "Arn": target.arn, "Name": target.name, "Type": target.type}
            for target in await targets(tx, organization)
            if policy.type in organization.enabled
            and policy.policy_id in await attached_to(tx, target.target_id, policy.type)
        ]
    return page_of(call, "Targets", found, key="TargetId")


async def enable_policy_type(epoch: Epoch, call: Call) -> Result:
    async with policy_transaction(call, epoch) as tx:
        organization, kind = await _root_and_type(tx, call)
        if kind is None:
            raise type_not_available()
        if kind in organization.enabled:
            raise type_already_enabled()
        changed = replace(organization, enabled=(*organization.enabled, kind))
        await put_organization(tx, changed)
    return {"Root": described_root(changed)}


async def disable_policy_type(epoch: Epoch, call: Call) -> Result:
    async with policy_transaction(call, epoch) as tx:
        organization, kind = await _root_and_type(tx, call)
        if kind not in organization.enabled:
            raise type_not_enabled()
        for target in await targets(tx, organization):
            await put_attachments(tx, target.target_id, kind, (FULL_ACCESS[kind].policy_id,))
        changed = replace(organization, enabled=tuple(one for one in organization.enabled if one is not kind))
        await put_organization(tx, changed)
    return {"Root": described_root(changed)}


async def _both(tx: Transaction, call: Call) -> tuple[PolicyRecord, str, tuple[str, ...]]:
    """The policy and the target of a call, and what is attached to that target already."""
    organization = await the_organization(tx)
    policy = await require_policy(tx, call.params["PolicyId"])
    target = await require_target(tx, organization, call.params["TargetId"])
    if policy.type not in organization.enabled:
        raise type_not_enabled()
    return policy, target.target_id, await attached_to(tx, target.target_id, policy.type)


async def _root_and_type(tx: Transaction, call: Call) -> tuple[OrganizationRecord, PolicyType | None]:
    organization = await the_organization(tx)
    if call.params["RootId"] != organization.root_id:
        raise no_such_root()
    return organization, policy_type(call.params["PolicyType"])
