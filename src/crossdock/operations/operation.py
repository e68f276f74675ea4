"""What an operation is: a row that says what it needs and what it does.

Every service is one table, operation name -> `Operation`. `docs/coverage.md` is generated from the tables.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crossdock.operations.caller import Context
from crossdock.policy.requests import NamedPolicy

if TYPE_CHECKING:
    from crossdock.operations.call import Call

Params = Mapping[str, Any]
"""An operation's input, spelled as AWS spells it and shaped by its model; a streaming body is a `BodyStream`."""

Result = Mapping[str, Any]
"""An operation's output, spelled as AWS spells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Whose a resource is that lies in another account's, as an S3 object may in a bucket.

    What guards the place denies there, and allows nothing: `grants` does instead.
    """

    account_id: str
    grants: NamedPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One thing the caller must be allowed to do.

    `resource` is an ARN or `*`; `context` holds the condition keys of this action (`s3:prefix`, `iam:PassedToService`).
    `owned` is None for a resource of the account that it lies in.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    owned: Owned | None = None


PASS_ROLE = "iam:PassRole"
Permissions = Callable[["Call"], Sequence[Permission] | Awaitable[Sequence[Permission]]]
Handler = Callable[["Call"], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`permissions` may look things up, a secret's full ARN for instance.

    `is_data` marks what CloudTrail calls data events (objects, invocations): their denials are logged, not audited.
    """

    handler: Handler
    permissions: Permissions
    is_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOperations:
    """A service's table. `service` is botocore's name; `denied_code` and `denied_status` are how it says no."""

    service: str
    operations: Mapping[str, Operation]
    denied_code: str = "AccessDeniedException"
    denied_status: int = 400


@dataclass(frozen=True, slots=True)
class FixedPermissions:
    """Permissions that do not depend on the call, so that they can be listed without one."""

    permissions: tuple[Permission, ...]

    def __call__(self, _call: "Call") -> Sequence[Permission]:
        return self.permissions


def needs(action: str, resource: str = "*") -> Permissions:
    """Permissions of an operation that always needs one action on one fixed resource."""
    return FixedPermissions((Permission(action=action, resource=resource),))


def pass_role(role_arn: str, service: str) -> Permission:
    """iam:PassRole on a role that the caller hands to a service, such as `lambda.amazonaws.com`.

    Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
    """
    return Permission(action=PASS_ROLE, resource=role_arn, context={"iam:PassedToService": (service,)})


def needs_nothing(_call: "Call") -> Sequence[Permission]:
    """For the few operations that AWS lets every caller do, such as GetCallerIdentity."""
    return ()
