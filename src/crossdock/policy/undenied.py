"""A decision as it would be without any Deny: what is missing besides, when something is denied explicitly."""

from dataclasses import replace

from crossdock.policy.decision import Decision
from crossdock.policy.evaluate import evaluate, evaluate_key, evaluate_trust
from crossdock.policy.reasons import Reason
from crossdock.policy.requests import NamedPolicy
from crossdock.policy.statements import Effect, Statement


def applying_denies(decision: Decision) -> tuple[Reason, ...]:
    """Every statement that denies, of all layers: policy by policy, in each from the last to the first.

    In this order they can be taken out by their numbers one after another.
    """
    found = [one for one in decision.reasons if one.applies and one.effect is Effect.DENY]
    policies = list(dict.fromkeys((one.layer, one.policy) for one in found))
    # One policy may bind on several levels of an organisation.
    return tuple(dict.fromkeys(sorted(found, key=lambda one: (policies.index((one.layer, one.policy)), -one.number))))


def undenied(decision: Decision) -> Decision:
    """The same request under the same policies, of which no statement denies.

    Each statement keeps its place, so that the numbers and Sids of the others are still those of the policies.
    """
    policies = decision.policies
    spared = replace(
        policies,
        identity=_all_spared(policies.identity),
        boundary=_all_spared(policies.boundary),
        session=_all_spared(policies.session),
        resource=_spared(policies.resource) if policies.resource else None,
        service_control=tuple(_all_spared(level) for level in policies.service_control),
        resource_control=tuple(_all_spared(level) for level in policies.resource_control),
        endpoint=_all_spared(policies.endpoint),
    )
    if decision.request.is_about_trust:
        return evaluate_trust(decision.request, spared.resource, spared)
    if decision.request.is_about_key:
        return evaluate_key(decision.request, spared.resource, spared)
    return evaluate(decision.request, spared)


def _all_spared(listed: tuple[NamedPolicy, ...]) -> tuple[NamedPolicy, ...]:
    return tuple(_spared(named) for named in listed)


def _spared(named: NamedPolicy) -> NamedPolicy:
    statements = tuple(_without_effect(statement) for statement in named.policy.statements)
    return replace(named, policy=replace(named.policy, statements=statements))


def _without_effect(statement: Statement) -> Statement:
    """A Deny that covers no action."""
    return replace(statement, actions=(), not_actions=()) if statement.effect is Effect.DENY else statement
