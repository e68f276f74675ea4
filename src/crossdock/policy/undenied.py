"""A decision as it would be without any Deny: what is missing besides, when something is denied explicitly."""

from dataclasses import replace

from crossdock.policy.decision import Decision
from crossdock.policy.reasons import Reason
from crossdock.policy.requests import Layer
from crossdock.policy.rewriting import decide_again, rewritten
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
    return decide_again(decision, rewritten(decision.policies, _without_effect))


def _without_effect(_layer: Layer, statement: Statement) -> Statement:
    """A Deny that covers no action."""
    return replace(statement, actions=(), not_actions=()) if statement.effect is Effect.DENY else statement
