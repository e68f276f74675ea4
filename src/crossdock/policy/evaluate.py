"""Deciding: every kind of policy together.

Sources: IAM User Guide, "Policy evaluation logic" (how an explicit deny wins, and how a policy of the resource counts
by how directly it names who asks) and "Cross-account policy evaluation logic" (both accounts must allow).
"""

from dataclasses import replace

from crossdock.core.principals import (
    AccountRoot,
    Anonymous,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.principals import NamedAs
from crossdock.policy.public_access import keeps_out, would_keep_out
from crossdock.policy.reasons import (
    NAMING,
    Mismatch,
    MismatchKind,
    Reason,
    ceilings_of,
    is_beyond_resource_control,
    is_service_linked,
    layers_of,
    named_in,
)
from crossdock.policy.requests import (
    AccessRequest,
    Layer,
    NamedPolicy,
    PolicySet,
    PublicAccessBlock,
    UnreadLayer,
    context_of,
)
from crossdock.policy.statements import Statement

__all__ = [
    "AccessRequest",
    "Decision",
    "Layer",
    "Mismatch",
    "MismatchKind",
    "NamedAs",
    "NamedPolicy",
    "PolicySet",
    "PublicAccessBlock",
    "Reason",
    "UnreadLayer",
    "Verdict",
    "context_of",
    "evaluate",
    "evaluate_key",
    "evaluate_trust",
]


def evaluate(request: AccessRequest, policies: PolicySet) -> Decision:
    """Decide one request."""
    return _decide(request, policies, resource_must_allow=False)


def evaluate_trust(request: AccessRequest, trust: NamedPolicy | None, policies: PolicySet) -> Decision:
    """Decide who may assume a role: its trust policy stands in the resource's place and must always allow.

    "IAM role trust policies and KMS key policies are exceptions to this logic, because they must explicitly allow
    access for principals": the caller's own policies never suffice, not even in the same account. Without a
    trust policy nobody is trusted.
    """
    return _decide(request, replace(policies, resource=trust), resource_must_allow=True)


def evaluate_key(request: AccessRequest, key: NamedPolicy | None, policies: PolicySet) -> Decision:
    """Decide about a KMS key: its key policy stands in the resource's place and must always allow, as a trust policy.

    A key policy that names the account lets the account's own policies decide, one that names a role or user suffices
    in the same account. Without a key policy nobody is allowed. Grants of KMS are no policies, and are not known here.

    Source: KMS Developer Guide, "Key policies in AWS KMS" and "Default key policy".
    """
    return _decide(request, replace(policies, resource=key), resource_must_allow=True)


def _decide(request: AccessRequest, policies: PolicySet, *, resource_must_allow: bool) -> Decision:
    withheld_by: tuple[Layer, ...] = ()
    denied_in = _explicit_deny(request, policies)
    if denied_in is not None:
        verdict, withheld_by = Verdict.EXPLICIT_DENY, (denied_in,)
    else:
        unreadable = _unreadable(request, policies) if policies.unreadable else frozenset()
        # What could not be read may allow everything; and may deny everything.
        withheld_by = _granting(request, policies, resource_must_allow=resource_must_allow, open_layers=unreadable)
        if policies.resource_control or policies.service_control or policies.endpoint:
            withheld_by = _ceilings(request, policies, unreadable) + withheld_by
        if (
            policies.public_access is not None
            and Layer.PUBLIC_ACCESS not in unreadable
            and keeps_out(request, policies)
        ):
            withheld_by += (Layer.PUBLIC_ACCESS,)
        verdict = Verdict.IMPLICIT_DENY if withheld_by else Verdict.UNKNOWN if unreadable else Verdict.ALLOW
    return Decision(
        verdict=verdict,
        same_account=request.is_same_account,
        withheld_by=withheld_by,
        request=request,
        policies=policies,
    )


_OUTSIDE = frozenset({Layer.RESOURCE_CONTROL, Layer.ENDPOINT, Layer.RESOURCE, Layer.PUBLIC_ACCESS})
_RELEVANT = {
    AssumedRole: frozenset(Layer),
    IamUser: frozenset(Layer),
    FederatedUser: frozenset(Layer),
    AccountRoot: _OUTSIDE | {Layer.SERVICE_CONTROL},
    ServicePrincipal: _OUTSIDE,
    ExternalIdentity: _OUTSIDE,
    Anonymous: _OUTSIDE,
}


def _unreadable(request: AccessRequest, policies: PolicySet) -> frozenset[Layer]:
    """The layers that could not be read and on which this decision depends."""
    found = policies.unreadable & _RELEVANT[type(request.principal)]
    if is_service_linked(request):
        found -= {Layer.RESOURCE_CONTROL, Layer.SERVICE_CONTROL}
    if is_beyond_resource_control(request):
        found -= {Layer.RESOURCE_CONTROL}
    return found if would_keep_out(request, policies) else found - {Layer.PUBLIC_ACCESS}


def _explicit_deny(request: AccessRequest, policies: PolicySet) -> Layer | None:
    """An explicit deny in any policy overrides every allow."""
    action = request.action.lower()
    for layer, listed in layers_of(request, policies):
        for named in listed:
            for statement in named.policy.denies:
                if statement.applies(action, request.resource, request.context) and _concerns(
                    layer, statement, request, policies
                ):
                    return layer
    return None


def _concerns(layer: Layer, statement: Statement, request: AccessRequest, policies: PolicySet) -> bool:
    return layer not in NAMING or named_in(statement, request, policies, layer) is not None


def _ceilings(request: AccessRequest, policies: PolicySet, open_layers: frozenset[Layer]) -> tuple[Layer, ...]:
    """The layers that grant nothing, have to allow, and do not: of an organisation every level has to."""
    found: tuple[Layer, ...] = ()
    for layer, listed in ceilings_of(request, policies):
        if layer not in open_layers and layer not in found and not _allows(layer, listed, request, policies):
            found += (layer,)
    return found


def _allows(layer: Layer, listed: tuple[NamedPolicy, ...], request: AccessRequest, policies: PolicySet) -> bool:
    action, resource, context = request.action.lower(), request.resource, request.context
    for named in listed:
        for statement in named.policy.allows:
            if statement.applies(action, resource, context) and _concerns(layer, statement, request, policies):
                return True
    return False


def _granting(
    request: AccessRequest, policies: PolicySet, *, resource_must_allow: bool, open_layers: frozenset[Layer]
) -> tuple[Layer, ...]:
    """The layers of the caller and of the resource that would have to allow and do not.

    `open_layers` count as allowing everything.
    """
    principal = request.principal
    named_as = NamedAs.DIRECT if Layer.RESOURCE in open_layers else _grant(request, policies)
    by_resource = () if named_as is not None else (Layer.RESOURCE,)
    if isinstance(principal, ServicePrincipal | ExternalIdentity | Anonymous):
        return by_resource
    is_same = request.is_same_account
    if isinstance(principal, AccountRoot):
        # "By default, all requests are implicitly denied with the exception of the root user, which has full access."
        return () if is_same and not resource_must_allow else by_resource
    if is_same and named_as is NamedAs.DIRECT:
        return ()
    # "If you do not pass a policy", STS API Reference, GetFederationToken, the session has no permissions of its own.
    needs_session = isinstance(principal, FederatedUser)
    limits = tuple(
        layer
        for layer, listed, is_needed in (
            (Layer.BOUNDARY, policies.boundary, False),
            (Layer.SESSION, policies.session, needs_session),
        )
        if (listed or is_needed) and layer not in open_layers and not _allows(layer, listed, request, policies)
    )
    if is_same and named_as is NamedAs.ROLE:
        return limits
    by_identity: tuple[Layer, ...] = ()
    if Layer.IDENTITY not in open_layers and not _allows(Layer.IDENTITY, policies.identity, request, policies):
        by_identity = (Layer.IDENTITY,)
    needs_resource = resource_must_allow or not is_same
    return by_identity + limits + (by_resource if needs_resource else ())


def _grant(request: AccessRequest, policies: PolicySet) -> NamedAs | None:
    """How the resource's policy allows the request, most directly."""
    best: NamedAs | None = None
    for statement in policies.resource.policy.allows if policies.resource is not None else ():
        if statement.applies(request.action.lower(), request.resource, request.context):
            found = statement.names(request.principal)
            if found is NamedAs.DIRECT:
                return found
            if found is not None and (best is None or found > best):
                best = found
    return best
