"""Decisions in one sentence, for a log line and for `explain`."""

from collections.abc import Iterable, Sequence

from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import (
    AccountRoot,
    Asker,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)
from crossdock.policy.public_access import public_statements
from crossdock.policy.reasons import Mismatch, MismatchKind, Reason
from crossdock.policy.requests import AccessRequest, Layer, PolicySet
from crossdock.policy.statements import Effect


def explain_allow(request: AccessRequest, reasons: Iterable[Reason]) -> str:
    found = {
        reason.layer: reason
        for reason in reasons
        if reason.applies and reason.layer in (Layer.IDENTITY, Layer.RESOURCE)
    }
    named = " and ".join(f"statement {one.statement} of {_policy(one, request)}" for one in found.values())
    return f"allowed by {named}" if named else f"allowed to {_who(request.principal)} in its own account"


def explain_explicit_deny(request: AccessRequest, reasons: Iterable[Reason]) -> str:
    reason = next(one for one in reasons if one.applies and one.effect is Effect.DENY)
    return f"denied explicitly by statement {reason.statement} of {_policy(reason, request)}{_met(reason)}"


def _met(reason: Reason) -> str:
    """The conditions under which a Deny applies, and what the request has that meets them."""
    if not reason.met:
        return ""
    word = "condition is" if len(reason.met) == 1 else "conditions are"
    conditions = " and ".join(f"{_condition(one)} (the request {_has(one)})" for one in reason.met)
    return f", whose {word} met: {conditions}"


def _condition(mismatch: Mismatch) -> str:
    return f"{mismatch.element} {mismatch.key} {_listed(mismatch.expected)}"


def _has(mismatch: Mismatch) -> str:
    return f"has {_listed(mismatch.actual)}" if mismatch.actual else "has no such key"


def explain_implicit_deny(
    request: AccessRequest, policies: PolicySet, withheld_by: Sequence[Layer], reasons: Sequence[Reason]
) -> str:
    return "; and ".join(
        _withheld(layer, request, policies) + _near_miss([one for one in reasons if one.layer is layer])
        for layer in withheld_by
    )


def explain_unknown(request: AccessRequest, unreadable: Iterable[Layer]) -> str:
    named = ", ".join(sorted(unreadable))
    return f"it cannot be decided: {_what(request)} also depends on what could not be read ({named})"


def _what(request: AccessRequest) -> str:
    return f"{request.action} on {request.resource}"


def _withheld(layer: Layer, request: AccessRequest, policies: PolicySet) -> str:
    who = _who(request.principal)
    match layer:
        case Layer.IDENTITY:
            return f"no identity-based policy of {who} allows {_what(request)}"
        case Layer.BOUNDARY:
            return f"the permissions boundary of {who} does not allow {_what(request)}"
        case Layer.SESSION:
            what = "the session policy of" if policies.session else "no session policy of"
            verb = "does not allow" if policies.session else "allows"
            return f"{what} {who} {verb} {_what(request)}"
        case Layer.SERVICE_CONTROL:
            return (
                f"the service control policies of account {request.principal.account_id} do not allow {_what(request)}"
            )
        case Layer.RESOURCE_CONTROL:
            return f"the resource control policies of account {request.resource_account} do not allow {_what(request)}"
        case Layer.ENDPOINT:
            named = " and ".join(one.name for one in policies.endpoint)
            return f"the policy of VPC endpoint {named} does not allow {_what(request)} to {who}"
        case Layer.PUBLIC_ACCESS:
            return f"S3 Block Public Access does not let {who} {_through(request, policies)}"
    if policies.resource is None:
        return f"there is no {_resource_policy(request)}, which alone could allow {_what(request)} to {who}"
    return f"the {_resource_policy(request)} does not allow {_what(request)} to {who}"


def _through(request: AccessRequest, policies: PolicySet) -> str:
    """Why RestrictPublicBuckets keeps somebody out of a bucket."""
    found = public_statements(policies.resource.policy) if policies.resource is not None else ()
    named = " and ".join(statement.sid or str(number) for number, statement in found)
    return (
        f"through to {request.action} on {request.resource}: statement {named} makes the {_resource_policy(request)} "
        "public, and RestrictPublicBuckets leaves such a bucket to its own account and to services of AWS"
    )


def _near_miss(reasons: Iterable[Reason]) -> str:
    """The Allow that failed on one kind of thing only, the rarest kind first."""
    near: dict[MismatchKind, Reason] = {}
    for reason in reasons:
        kinds = {mismatch.kind for mismatch in reason.mismatches}
        if reason.effect is Effect.ALLOW and len(kinds) == 1:
            near.setdefault(kinds.pop(), reason)
    for kind in (MismatchKind.CONDITION, MismatchKind.PRINCIPAL, MismatchKind.RESOURCE):
        if kind in near:
            return f": statement {near[kind].statement} {_difference(near[kind].mismatches[0])}"
    return ""


def _difference(mismatch: Mismatch) -> str:
    expected = _listed(mismatch.expected)
    match mismatch.kind:
        case MismatchKind.CONDITION:
            return f"wants {_condition(mismatch)}, and the request {_has(mismatch)}"
        case MismatchKind.PRINCIPAL:
            return f"names {expected}"
    return f"has {mismatch.element} {expected}"


_SHOWN = 3


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(value or "''" for value in values[:_SHOWN])
    return f"{shown}, …" if len(values) > _SHOWN else shown


def _who(principal: Asker) -> str:
    match principal:
        case AssumedRole():
            return f"role {principal.role_name}"
        case IamUser():
            return f"user {principal.user_name}"
        case AccountRoot():
            return f"the root user of account {principal.account_id}"
        case ServicePrincipal():
            return f"service {principal.name}"
        case FederatedUser():
            return f"federated user {principal.session_name}"
        case ExternalIdentity():
            return f"an identity of {principal.provider}"
    return "an anonymous caller"


def _policy(reason: Reason, request: AccessRequest) -> str:
    match reason.layer:
        case Layer.RESOURCE:
            return f"the {_resource_policy(request, denies=reason.effect is Effect.DENY)}"
        case Layer.SERVICE_CONTROL:
            return f"{reason.layer} {reason.policy} of account {request.principal.account_id}"
        case Layer.RESOURCE_CONTROL:
            return f"{reason.layer} {reason.policy} of account {request.resource_account}"
        case Layer.ENDPOINT:
            return f"the policy of VPC endpoint {reason.policy}"
    return f"{reason.layer} {reason.policy} of {_who(request.principal)}"


def _resource_policy(request: AccessRequest, *, denies: bool = False) -> str:
    """The resource's policy as people call it, with the account when it is another one."""
    if request.bucket_account and not denies:
        return f"ACL of the object, which is account {request.resource_account}'s,"
    account = request.bucket_account or request.resource_account
    owner = f" (account {account})" if account and account != request.principal.account_id else ""
    return f"{_policy_noun(request.resource)}{owner}"


def _policy_noun(resource: str) -> str:
    try:
        arn = parse_arn(resource)
    except InvalidArn:
        return f"resource-based policy of {resource}"
    match arn.service:
        case "s3":
            return f"bucket policy of {arn.resource.split('/', 1)[0]}"
        case "iam" if arn.resource.startswith("role/"):
            return f"trust policy of role {arn.resource.rsplit('/', 1)[-1]}"
        case "kms" if arn.resource.startswith("key/"):
            return f"key policy of {arn.resource}"
        case "lambda":
            return f"function policy of {arn.resource.removeprefix('function:')}"
        case _:
            return f"resource-based policy of {resource}"
