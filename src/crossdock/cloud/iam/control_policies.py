"""What the organization tells the authoriser: which of its policies bind an account."""

from dataclasses import dataclass, field
from typing import Protocol

from crossdock.operations.caller import Context
from crossdock.policy.evaluate import NamedPolicy
from crossdock.ports.state import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLevels:
    """The policies of every level from the root to the account, and the id of what each level's are attached to.

    No levels bind nobody; a level without policies allows nothing.
    """

    policies: tuple[tuple[NamedPolicy, ...], ...] = ()
    targets: tuple[str, ...] = ()


NO_LEVELS = ControlLevels()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPolicies:
    """`service` binds the account's roles, users and root, `resource` whoever asks for its resources.

    The keys are condition keys that tell of the organization, of an account that asks or that is asked for something.
    """

    service: ControlLevels = NO_LEVELS
    resource: ControlLevels = NO_LEVELS
    principal_keys: Context = field(default_factory=dict)
    resource_keys: Context = field(default_factory=dict)


NOTHING = ControlPolicies()


class ControlPolicySource(Protocol):
    """The organization's policies. What `find` answers is kept until the epoch rises, so a change needs
    `policy_transaction`."""

    async def find(self, tx: Transaction, account_id: str) -> ControlPolicies:
        """What binds an account: no level for the management account. Parse with `parsed.named_policy`."""


class NoOrganization:
    """Implements `ControlPolicySource` for accounts that are in none."""

    async def find(self, _tx: Transaction, _account_id: str) -> ControlPolicies:
        return NOTHING
