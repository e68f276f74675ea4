"""Making, changing, deleting and showing the organization's policies.

Source: Organizations API Reference, the operations of these names; User Guide, "Quotas for AWS Organizations".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.organizations.faults import (
    constraint_violation,
    in_use,
    invalid_input,
    malformed_document,
    name_taken,
    type_not_available,
)
from crossdock.cloud.organizations.finding import policy_type, require_policy, targets, the_organization
from crossdock.cloud.organizations.pages import page_of
from crossdock.cloud.organizations.records import (
    FULL_ACCESS,
    POLICIES,
    OrganizationRecord,
    PolicyRecord,
    PolicyType,
    attached_to,
    organizations_id,
)
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.policy.document import MalformedPolicy, PolicyKind, parse_policy
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction

POLICY_ID_CHARS = 10
MAX_CONTENT_BYTES = 5120
"""Of a document as the API gets it: "the policy is saved exactly as you provided" it, white space included."""

KINDS: Mapping[PolicyType, PolicyKind] = {
    PolicyType.SERVICE_CONTROL: PolicyKind.SERVICE_CONTROL,
    PolicyType.RESOURCE_CONTROL: PolicyKind.RESOURCE_CONTROL,
}


async def create_policy(epoch: Epoch, call: Call) -> Result:
    params = call.params
    kind = policy_type(params["Type"])
    if kind is None:
        raise type_not_available()
    if params.get("Tags"):
        raise invalid_input("INVALID_LIST_MEMBER", "Crossdock does not implement Tags.")
    _check_content(params["Content"], kind)
    async with policy_transaction(call, epoch) as tx:
        organization = await the_organization(tx)
        policy = PolicyRecord(
            policy_id=organizations_id("p-", call.house.entropy, POLICY_ID_CHARS),
            organization_id=organization.organization_id,
            type=kind,
            name=params["Name"],
            description=params["Description"],
            content=params["Content"],
        )
        await _check_name(tx, policy)
        await POLICIES.put(tx, policy, policy.policy_id, is_new=True)
    return {"Policy": described(policy)}


async def describe_policy(_epoch: Epoch, call: Call) -> Result:
    async with call.reading() as tx:
        return {"Policy": described(await require_policy(tx, call.params["PolicyId"]))}


async def update_policy(epoch: Epoch, call: Call) -> Result:
    """What is not given stays as it is."""
    params = call.params
    async with policy_transaction(call, epoch) as tx:
        policy = await _require_own(tx, params["PolicyId"])
        changed = replace(
            policy,
            name=params.get("Name", policy.name),
            description=params.get("Description", policy.description),
            content=params.get("Content", policy.content),
        )
        _check_content(changed.content, changed.type)
        await _check_name(tx, changed)
        await POLICIES.put(tx, changed, changed.policy_id)
    return {"Policy": described(changed)}


async def delete_policy(epoch: Epoch, call: Call) -> Result:
    async with policy_transaction(call, epoch) as tx:
        policy = await _require_own(tx, call.params["PolicyId"])
        if await _is_attached(tx, await the_organization(tx), policy):
            raise in_use()
        await POLICIES.delete(tx, policy.policy_id)
    return {}


async def list_policies(_epoch: Epoch, call: Call) -> Result:
    """Of one type, AWS's own included; none of a type that is not here."""
    kind = policy_type(call.params["Filter"])
    async with call.reading() as tx:
        own = await POLICIES.everything(tx)
    found = [] if kind is None else [FULL_ACCESS[kind], *(policy for policy in own if policy.type is kind)]
    return page_of(call, "Policies", [summary(policy) for policy in found])


def described(policy: PolicyRecord) -> dict[str, Any]:
    return {"PolicySummary": summary(policy), "Content": policy.content}


def summary(policy: PolicyRecord) -> dict[str, Any]:
    return {
        "Id": policy.policy_id,
        "Arn": policy.arn,
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type.value,
        "AwsManaged": policy.is_aws_managed,
    }


async def _require_own(tx: Transaction, policy_id: str) -> PolicyRecord:
    policy = await require_policy(tx, policy_id)
    if policy.is_aws_managed:
        raise invalid_input("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")
    return policy


def _check_content(content: str, kind: PolicyType) -> None:
    if len(content.encode()) > MAX_CONTENT_BYTES:
        raise constraint_violation(
            "POLICY_CONTENT_LIMIT_EXCEEDED", f"The policy is larger than {MAX_CONTENT_BYTES} bytes."
        )
    try:
        policy = parse_policy(content, KINDS[kind])
    except MalformedPolicy as error:
        raise malformed_document(f"{error.message} {error.detail}".strip()) from error
    if kind is PolicyType.RESOURCE_CONTROL and policy.allows:
        raise malformed_document("only AWS's own RCPFullAWSAccess may have Allow statements")


async def _check_name(tx: Transaction, policy: PolicyRecord) -> None:
    others = [FULL_ACCESS[policy.type], *await POLICIES.everything(tx)]
    if any(
        other.name == policy.name and other.type is policy.type and other.policy_id != policy.policy_id
        for other in others
    ):
        raise name_taken()


async def _is_attached(tx: Transaction, organization: OrganizationRecord, policy: PolicyRecord) -> bool:
    if policy.type not in organization.enabled:
        return False
    for target in await targets(tx, organization):
        if policy.policy_id in await attached_to(tx, target.target_id, policy.type):
            return True
    return False
