"""A decision taken again over statements that are changed where they stand, so that every number stays."""

from collections.abc import Callable
from dataclasses import replace

from crossdock.policy.decision import Decision
from crossdock.policy.evaluate import evaluate, evaluate_key, evaluate_trust
from crossdock.policy.requests import AccessRequest, Layer, NamedPolicy, PolicySet
from crossdock.policy.statements import Statement

Change = Callable[[Layer, Statement], Statement]


def rewritten(policies: PolicySet, change: Change) -> PolicySet:
    def listed(layer: Layer, found: tuple[NamedPolicy, ...]) -> tuple[NamedPolicy, ...]:
        return tuple(one(layer, named) for named in found)

    def one(layer: Layer, named: NamedPolicy) -> NamedPolicy:
        statements = tuple(change(layer, statement) for statement in named.policy.statements)
        return replace(named, policy=replace(named.policy, statements=statements))

    return replace(
        policies,
        identity=listed(Layer.IDENTITY, policies.identity),
        boundary=listed(Layer.BOUNDARY, policies.boundary),
        session=listed(Layer.SESSION, policies.session),
        resource=one(Layer.RESOURCE, policies.resource) if policies.resource else None,
        service_control=tuple(listed(Layer.SERVICE_CONTROL, level) for level in policies.service_control),
        resource_control=tuple(listed(Layer.RESOURCE_CONTROL, level) for level in policies.resource_control),
        endpoint=listed(Layer.ENDPOINT, policies.endpoint),
    )


def decide_again(decision: Decision, policies: PolicySet) -> Decision:
    """The same request under other policies, by the same rule."""
    return decide_by_its_rule(decision.request, policies)


def decide_by_its_rule(request: AccessRequest, policies: PolicySet) -> Decision:
    """A request about a role's trust or about a KMS key, whose own policy must allow, or any other."""
    if request.is_about_trust:
        return evaluate_trust(request, policies.resource, policies)
    if request.is_about_key:
        return evaluate_key(request, policies.resource, policies)
    return evaluate(request, policies)
