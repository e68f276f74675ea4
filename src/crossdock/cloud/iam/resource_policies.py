"""What a service tells the authoriser about its resources: who owns one, and which policy guards it."""

from dataclasses import dataclass
from typing import Protocol

from crossdock.core.arns import Arn
from crossdock.policy.evaluate import NamedPolicy
from crossdock.ports.state import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGuard:
    """The owner of a resource, and its policy if it has one."""

    account_id: str
    policy: NamedPolicy | None = None


class ResourcePolicySource(Protocol):
    """One service's resource policies. What `find` answers is kept until the epoch rises, so a change needs
    `policy_transaction`."""

    def subject_of(self, resource: Arn) -> str:
        """The name of what carries the policy that guards this resource: an object's bucket, a version's function.

        Pure, and the same for all resources that share a policy, because answers are kept by this name. Empty when
        nothing can: then the ARN says who owns the resource.
        """

    async def find(self, tx: Transaction, subject: str) -> ResourceGuard | None:
        """The guard of such a subject, None when it does not exist. Parse the policy with `parsed.named_policy`."""
