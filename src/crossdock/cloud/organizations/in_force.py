"""Which of the organization's policies bind an account, made ready for decisions.

Sources: Organizations User Guide, "SCP evaluation" and "RCP evaluation": each level from the root to the account must
allow, and neither kind affects the management account; IAM User Guide, "AWS global condition context keys", for those
of the organization.
"""

from crossdock.cloud.accounts import ACCOUNTS, MANAGEMENT
from crossdock.cloud.iam.control_policies import NO_LEVELS, NOTHING, ControlLevels, ControlPolicies
from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.organizations.policies import KINDS
from crossdock.cloud.organizations.records import (
    FULL_ACCESS,
    OrganizationRecord,
    PolicyType,
    attached_to,
    find_organization,
    find_policy,
)
from crossdock.policy.evaluate import NamedPolicy
from crossdock.ports.state import Transaction


class OrganizationPolicies:
    """Implements `iam.control_policies.ControlPolicySource`."""

    async def find(self, tx: Transaction, account_id: str) -> ControlPolicies:
        organization = await find_organization(tx)
        if organization is None:
            return NOTHING
        # Every account is directly in the root.
        paths = (f"{organization.organization_id}/{organization.root_id}/",)
        return ControlPolicies(
            service=await _levels(tx, organization, account_id, PolicyType.SERVICE_CONTROL),
            resource=await _levels(tx, organization, account_id, PolicyType.RESOURCE_CONTROL),
            principal_keys={
                "aws:PrincipalOrgID": (organization.organization_id,),
                "aws:PrincipalOrgPaths": paths,
            },
            resource_keys=(
                {}
                if await ACCOUNTS.get(tx, account_id) is None  # an account in some ARN, which is in no organization
                else {"aws:ResourceOrgID": (organization.organization_id,), "aws:ResourceOrgPaths": paths}
            ),
        )


async def _levels(
    tx: Transaction, organization: OrganizationRecord, account_id: str, kind: PolicyType
) -> ControlLevels:
    """No levels at all where each is allowed everything: then a decision costs nothing more."""
    if kind not in organization.enabled or account_id == MANAGEMENT:
        return NO_LEVELS
    targets = (organization.root_id, account_id)
    attached = [await attached_to(tx, target, kind) for target in targets]
    if all(policy_ids == (FULL_ACCESS[kind].policy_id,) for policy_ids in attached):
        return NO_LEVELS
    return ControlLevels(
        targets=targets,
        policies=tuple([tuple([await _named(tx, one, kind) for one in policy_ids]) for policy_ids in attached]),
    )


async def _named(tx: Transaction, policy_id: str, kind: PolicyType) -> NamedPolicy:
    # An attached policy cannot be deleted; were one missing all the same, its empty text denies everything.
    policy = await find_policy(tx, policy_id)
    return named_policy(policy_id, policy.content if policy is not None else "", KINDS[kind])
