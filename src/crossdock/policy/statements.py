"""Policies and their statements, compiled for deciding."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from crossdock.core.principals import Asker
from crossdock.policy.conditions import Condition
from crossdock.policy.matching import ArnSet, PatternSet, action_set, arn_set
from crossdock.policy.principals import NamedAs, PolicyPrincipal, PrincipalSet, principal_set
from crossdock.policy.variables import Context


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement as `parse_policy` made it. Of each pair (Action and NotAction, …) at most one is not empty."""

    effect: Effect
    sid: str = ""
    principals: tuple[PolicyPrincipal, ...] = ()
    not_principals: tuple[PolicyPrincipal, ...] = ()
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    has_variables: bool = field(default=True, repr=False)
    _actions: PatternSet = field(init=False, repr=False, compare=False)
    _resources: ArnSet | None = field(init=False, repr=False, compare=False)
    _principals: PrincipalSet = field(init=False, repr=False, compare=False)
    _names_actions: bool = field(init=False, repr=False, compare=False)
    _names_resources: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        patterns = self.resources or self.not_resources
        put(self, "_actions", action_set(self.actions or self.not_actions))
        put(self, "_resources", arn_set(patterns, has_variables=self.has_variables) if patterns else None)
        put(self, "_principals", principal_set(self.principals or self.not_principals))
        put(self, "_names_actions", not self.not_actions)
        put(self, "_names_resources", not self.not_resources)

    def covers_action(self, action: str) -> bool:
        """`action` in lower case."""
        return self._actions.covers(action) is self._names_actions

    def covers_resource(self, resource: str, context: Context) -> bool:
        """A trust policy names no resource: it covers the role that it belongs to."""
        return self._resources is None or self._resources.covers(resource, context) is self._names_resources

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Everything but the principal: actions (in lower case), resources and conditions."""
        if self._actions.covers(action) is not self._names_actions:
            return False
        if self._resources is not None and self._resources.covers(resource, context) is not self._names_resources:
            return False
        for condition in self.conditions:  # noqa: SIM110 - the road of every decision: no generator
            if not condition.holds(context):
                return False
        return True

    def names(self, principal: Asker) -> NamedAs | None:
        """How this statement of a resource policy names the principal; None when it does not concern it."""
        if self.not_principals:
            return None if self._principals.spares(principal) else NamedAs.DIRECT
        return self._principals.match(principal)

    def fails_on(self, context: Context) -> Iterator[Condition]:
        return (condition for condition in self.conditions if not condition.holds(context))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document. `version` is 2008-10-17 when the document names none."""

    version: str
    statements: tuple[Statement, ...]
    id: str = ""
    allows: tuple[Statement, ...] = field(init=False, repr=False, compare=False)
    denies: tuple[Statement, ...] = field(init=False, repr=False, compare=False)
    tells_time: bool = field(init=False, repr=False, compare=False)
    """Whether what it says may depend on when the request is made."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tells_time", any(map(_names_time, self.statements)))
        for name, effect in (("allows", Effect.ALLOW), ("denies", Effect.DENY)):
            object.__setattr__(self, name, tuple(one for one in self.statements if one.effect is effect))


_TIMES = ("aws:currenttime", "aws:epochtime")


def _names_time(statement: Statement) -> bool:
    """As a condition key or as a policy variable; perhaps only in a text that looks alike."""
    texts = [*statement.resources, *statement.not_resources]
    for condition in statement.conditions:
        texts += [condition.key, *condition.values]
    return any(time in text.lower() for text in texts for time in _TIMES)
