"""What is to be decided: who asks for which action on what, under which policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crossdock.core.principals import (
    AccountRoot,
    Asker,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)
from crossdock.policy.statements import Policy
from crossdock.policy.variables import Context


class Layer(StrEnum):
    """Where a policy stands in a decision. Trust policies and key policies are RESOURCE."""

    RESOURCE_CONTROL = "resource control policy"
    SERVICE_CONTROL = "service control policy"
    ENDPOINT = "VPC endpoint policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"
    PUBLIC_ACCESS = "S3 Block Public Access"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """One question.

    Args:
        action: `s3:PutObject`, in any case.
        resource: the ARN, or `*` for an action that has no resource.
        resource_account: who owns the resource: the caller's own account for an action without a resource. When it is
            empty, nobody knows the owner, who is then taken for another account.
        context: condition keys in any case, and their values.
        bucket_account: whose bucket it lies in, of an S3 object that is not the bucket owner's; else empty. Its ACL
            then stands in the bucket policy's place, of which only what denies is left.
        is_missing: whether it is known that there is no such role or function. It changes no decision, and is for the
            operator alone: who asks is not told.
    """

    principal: Asker
    action: str
    resource: str
    resource_account: str
    context: Context
    bucket_account: str = ""
    is_missing: bool = False

    def __post_init__(self) -> None:
        lowered: dict[str, tuple[str, ...]] = {}
        for key, values in self.context.items():
            name = key.lower()
            lowered[name] = lowered[name] + values if name in lowered else values
        object.__setattr__(self, "context", lowered)

    @property
    def is_same_account(self) -> bool:
        return self.resource_account != "" and self.principal.account_id == self.resource_account

    @property
    def is_of_s3(self) -> bool:
        return self.action[:3].lower() == "s3:"

    @property
    def is_about_key(self) -> bool:
        """Whether the resource is a KMS key, which has a key policy; an alias has none."""
        return is_key(self.resource)

    @property
    def is_about_trust(self) -> bool:
        """Whether a role is to be assumed, which has a trust policy."""
        return self.action[:4].lower() == "sts:" and ":role/" in self.resource


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """A policy with the name or ARN under which a person finds it.

    `is_of_aws` is of the policy of a key that AWS manages, which nobody can change.
    """

    name: str
    policy: Policy
    is_of_aws: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAccessBlock:
    """S3 Block Public Access as it binds a bucket: set is what the bucket's own settings or its account's set."""

    block_public_acls: bool = False
    ignore_public_acls: bool = False
    block_public_policy: bool = False
    restrict_public_buckets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadLayer:
    """Why a layer could not be read, in words that may stand after "because", and what somebody can do to show it."""

    layer: Layer
    why: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """Every policy that bears on a request.

    Args:
        identity: inline and attached policies of the user or role; what they allow adds up.
        boundary: the permissions boundary; none when empty.
        session: session policies, which add up like identity policies; none when empty.
        resource: the policy of the resource, if it has one.
        service_control: one tuple of policies for each level of the organisation, root first, the account last; none
            when empty, as for the management account. A level without policies allows nothing.
        service_control_targets: the id or ARN of what each of these levels is (`r-…`, `ou-…`, an account's id), for
            explanations; empty when nobody knows.
        resource_control: the same for the organisation of the resource's account.
        resource_control_targets: the same for those levels.
        endpoint: the policy of the VPC endpoint through which the request comes; none when empty.
        public_access: S3 Block Public Access of the bucket that the request is about.
        unreadable: layers that exist but could not be read, so that some decisions are UNKNOWN.
        unread: why, for explanations, as far as whoever read them knows.
    """

    identity: tuple[NamedPolicy, ...] = ()
    boundary: tuple[NamedPolicy, ...] = ()
    session: tuple[NamedPolicy, ...] = ()
    resource: NamedPolicy | None = None
    service_control: tuple[tuple[NamedPolicy, ...], ...] = ()
    service_control_targets: tuple[str, ...] = ()
    resource_control: tuple[tuple[NamedPolicy, ...], ...] = ()
    resource_control_targets: tuple[str, ...] = ()
    endpoint: tuple[NamedPolicy, ...] = ()
    public_access: PublicAccessBlock | None = None
    unreadable: frozenset[Layer] = frozenset()
    unread: tuple[UnreadLayer, ...] = ()


def is_key(resource: str) -> bool:
    parts = resource.split(":", 5)
    return len(parts) == 6 and parts[2] == "kms" and parts[5].startswith("key/")


def context_of(
    values: Mapping[str, str | Sequence[str]], *, principal: Asker | None = None
) -> dict[str, tuple[str, ...]]:
    """Make a context from plain values, with the keys that follow from the principal where they are absent.

    Never fills `aws:userid`: no ARN tells it.

    Source: IAM User Guide, "AWS global condition context keys".
    """
    context = {key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in values.items()}
    if principal is not None:
        for key, text in _principal_keys(principal).items():
            context.setdefault(key, (text,))
    return context


def _principal_keys(principal: Asker) -> Mapping[str, str]:
    match principal:
        case AssumedRole():
            # "For IAM roles, the request context returns the ARN of the role, not the ARN of the user that assumed it."
            return _account_keys(principal.account_id, str(principal.role_arn), "AssumedRole")
        case IamUser():
            keys = _account_keys(principal.account_id, principal.arn, "User")
            return {**keys, "aws:username": principal.user_name}
        case FederatedUser():
            return _account_keys(principal.account_id, principal.arn, "FederatedUser")
        case AccountRoot():
            return _account_keys(principal.account_id, principal.arn, "Account")
        case ServicePrincipal():
            # The page gives no aws:PrincipalType of a service.
            return {"aws:principalisawsservice": "true", "aws:principalservicename": principal.name}
        case ExternalIdentity():
            # The request is not signed; of a SAML provider nothing but the assertion tells.
            return {} if ":saml-provider/" in principal.provider else {"aws:federatedprovider": principal.provider}
    return {"aws:principalisawsservice": "false", "aws:principaltype": "Anonymous"}


def _account_keys(account_id: str, arn: str, principal_type: str) -> Mapping[str, str]:
    return {
        "aws:principalaccount": account_id,
        "aws:principalarn": arn,
        "aws:principaltype": principal_type,
        "aws:principalisawsservice": "false",
    }
