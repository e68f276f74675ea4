"""What the ids of a request mean: a root, an account, a policy.

Source: Organizations API Reference, PolicyTargetSummary and Policy.
"""

from dataclasses import dataclass

from crossdock.cloud.accounts import ACCOUNTS
from crossdock.cloud.organizations.faults import no_such_policy, no_such_target, not_in_use
from crossdock.cloud.organizations.records import (
    OrganizationRecord,
    PolicyRecord,
    PolicyType,
    find_organization,
    find_policy,
)
from crossdock.ports.state import Transaction

ROOT_NAME = "Root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What policies can be attached to. `type` is ROOT or ACCOUNT."""

    target_id: str
    arn: str
    name: str
    type: str


async def the_organization(tx: Transaction) -> OrganizationRecord:
    """Raises ServiceError AWSOrganizationsNotInUseException before the house was first started with one."""
    organization = await find_organization(tx)
    if organization is None:
        raise not_in_use()
    return organization


async def require_policy(tx: Transaction, policy_id: str) -> PolicyRecord:
    """Raises ServiceError PolicyNotFoundException."""
    policy = await find_policy(tx, policy_id)
    if policy is None:
        raise no_such_policy()
    return policy


async def require_target(tx: Transaction, organization: OrganizationRecord, target_id: str) -> Target:
    """Raises ServiceError TargetNotFoundException."""
    for target in await targets(tx, organization):
        if target.target_id == target_id:
            return target
    raise no_such_target()


async def targets(tx: Transaction, organization: OrganizationRecord) -> list[Target]:
    """The root first, then every account in the order of their ids."""
    root = Target(target_id=organization.root_id, arn=organization.root_arn, name=ROOT_NAME, type="ROOT")
    return [
        root,
        *(
            Target(
                target_id=account.account_id,
                arn=organization.account_arn(account.account_id),
                name=account.name,
                type="ACCOUNT",
            )
            for account in await ACCOUNTS.everything(tx)
        ),
    ]


def policy_type(name: str) -> PolicyType | None:
    """None for a type of AWS's that is not here."""
    return PolicyType(name) if name in tuple(PolicyType) else None
