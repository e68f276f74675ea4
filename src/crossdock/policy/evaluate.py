"""Deciding: identity policies, boundaries, session policies, resource policies and service control policies together.

Sources: IAM User Guide, "Policy evaluation logic" (how an explicit deny wins, and how a policy of the resource counts
by how directly it names who asks) and "Cross-account policy evaluation logic" (both accounts must allow).
"""

from collections.abc import Iterable
from dataclasses import replace

from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.principals import NamedAs
from crossdock.policy.reasons import Mismatch, MismatchKind, Reason, layers_of, named_in
from crossdock.policy.requests import AccessRequest, Layer, NamedPolicy, PolicySet, context_of

__all__ = [
    "AccessRequest",
    "Decision",
    "Layer",
    "Mismatch",
    "MismatchKind",
    "NamedAs",
    "NamedPolicy",
    "PolicySet",
    "Reason",
    "Verdict",
    "context_of",
    "evaluate",
    "evaluate_trust",
]


def evaluate(request: AccessRequest, policies: PolicySet) -> Decision:
    """Decide one request."""
    return _decide(request, policies, is_trust=False)


def evaluate_trust(request: AccessRequest, trust: NamedPolicy, policies: PolicySet) -> Decision:
    """Decide who may assume a role: its trust policy stands in the resource's place and must always allow.

    "IAM role trust policies and KMS key policies are exceptions to this logic, because they must explicitly allow
    access for principals": the caller's own policies never suffice, not even in the same account.
    """
    return _decide(request, replace(policies, resource=trust), is_trust=True)


def _decide(request: AccessRequest, policies: PolicySet, *, is_trust: bool) -> Decision:
    withheld_by: tuple[Layer, ...] = ()
    denied_in = _explicit_deny(request, policies)
    if denied_in is not None:
        verdict, withheld_by = Verdict.EXPLICIT_DENY, (denied_in,)
    else:
        unreadable = policies.unreadable & _RELEVANT[type(request.principal)] if policies.unreadable else frozenset()
        # What could not be read may allow everything; and may deny everything.
        withheld_by = _withholding(request, policies, is_trust=is_trust, open_layers=unreadable)
        verdict = Verdict.IMPLICIT_DENY if withheld_by else Verdict.UNKNOWN if unreadable else Verdict.ALLOW
    return Decision(
        verdict=verdict,
        same_account=request.is_same_account,
        withheld_by=withheld_by,
        request=request,
        policies=policies,
    )


_OUTSIDE = frozenset({Layer.RESOURCE})
_RELEVANT = {
    AssumedRole: frozenset(Layer),
    IamUser: frozenset(Layer),
    AccountRoot: frozenset({Layer.SERVICE_CONTROL, Layer.RESOURCE}),
    ServicePrincipal: _OUTSIDE,
    Anonymous: _OUTSIDE,
}


def _explicit_deny(request: AccessRequest, policies: PolicySet) -> Layer | None:
    """An explicit deny in any policy overrides every allow."""
    action = request.action.lower()
    for layer, listed in layers_of(request, policies):
        for named in listed:
            for statement in named.policy.denies:
                if statement.applies(action, request.resource, request.context) and (
                    layer is not Layer.RESOURCE or named_in(statement, request, policies) is not None
                ):
                    return layer
    return None


def _withholding(
    request: AccessRequest, policies: PolicySet, *, is_trust: bool, open_layers: frozenset[Layer]
) -> tuple[Layer, ...]:
    """The layers that would have to allow and do not; none means allowed.

    `open_layers` count as allowing everything.
    """
    principal = request.principal
    named_as = NamedAs.DIRECT if Layer.RESOURCE in open_layers else _grant(request, policies)
    by_resource = () if named_as is not None else (Layer.RESOURCE,)
    if isinstance(principal, ServicePrincipal | Anonymous):
        return by_resource
    by_organisation: tuple[Layer, ...] = ()
    if Layer.SERVICE_CONTROL not in open_layers and not all(
        _allows(level, request) for level in policies.service_control
    ):
        by_organisation = (Layer.SERVICE_CONTROL,)
    is_same = request.is_same_account
    if isinstance(principal, AccountRoot):
        # "By default, all requests are implicitly denied with the exception of the root user, which has full access."
        return by_organisation + (() if is_same and not is_trust else by_resource)
    if is_same and named_as is NamedAs.DIRECT:
        return by_organisation
    limits = tuple(
        layer
        for layer, listed in ((Layer.BOUNDARY, policies.boundary), (Layer.SESSION, policies.session))
        if listed and layer not in open_layers and not _allows(listed, request)
    )
    if is_same and named_as is NamedAs.ROLE:
        return by_organisation + limits
    by_identity: tuple[Layer, ...] = ()
    if Layer.IDENTITY not in open_layers and not _allows(policies.identity, request):
        by_identity = (Layer.IDENTITY,)
    needs_resource = is_trust or not is_same
    return by_organisation + by_identity + limits + (by_resource if needs_resource else ())


def _allows(listed: Iterable[NamedPolicy], request: AccessRequest) -> bool:
    action, resource, context = request.action.lower(), request.resource, request.context
    for named in listed:
        for statement in named.policy.allows:
            if statement.applies(action, resource, context):
                return True
    return False


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
