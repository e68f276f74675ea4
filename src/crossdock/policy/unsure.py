"""Decisions where the value of a condition key is not known: UNKNOWN where it matters, and where it does not, decided.

A key that is absent is known to be absent. One that is only known to whoever makes the request (`aws:SourceIp`, say)
may have any value, so a statement that asks for it may apply or not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from crossdock.policy.conditions import Condition
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.reasons import NAMING, layers_of, named_in
from crossdock.policy.requests import AccessRequest, Layer, PolicySet, UnreadLayer
from crossdock.policy.rewriting import decide_again, rewritten
from crossdock.policy.statements import Effect, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownKey:
    """A condition key in lower case, or all keys that begin so where it ends in a slash.

    `why` stands after "which"; `remedy` says what somebody can do, with `{key}` for the key as a statement has it.
    """

    key: str
    why: str
    remedy: str = ""

    def covers(self, key: str) -> bool:
        return key.lower().startswith(self.key) if self.key.endswith("/") else key.lower() == self.key


def without_knowing(decision: Decision, unknown: Sequence[UnknownKey]) -> Decision:
    """The decision, were the values of these keys not known; those that the request has are.

    Whatever they are, every statement that asks for them either applies or does not. Where the best of that and the
    worst come to the same, so does the truth.
    """
    doubt = _Doubt(decision, tuple(unknown))
    asking = tuple(doubt.statements())
    if not asking:
        return decision
    best = decide_again(decision, rewritten(decision.policies, doubt.at_best))
    worst = decide_again(decision, rewritten(decision.policies, doubt.at_worst))
    if _kind(best) == _kind(worst):
        # What may not apply is not told as what denies.
        is_denied = decision.verdict is Verdict.EXPLICIT_DENY
        return decide_again(decision, rewritten(decision.policies, doubt.spared)) if is_denied else decision
    layers = frozenset(one.layer for one in asking)
    unread = tuple(dict.fromkeys((*decision.policies.unread, *asking)))
    blank = rewritten(decision.policies, doubt.at_rest)
    return decide_again(decision, replace(blank, unreadable=blank.unreadable | layers, unread=unread))


def _kind(decision: Decision) -> Verdict:
    """How a denial came about does not matter here."""
    denied = decision.verdict is Verdict.EXPLICIT_DENY
    return Verdict.IMPLICIT_DENY if denied else decision.verdict


class _Doubt:
    """What is not known of one request."""

    def __init__(self, decision: Decision, unknown: tuple[UnknownKey, ...]) -> None:
        self._request: AccessRequest = decision.request
        self._policies: PolicySet = decision.policies
        self._unknown = unknown

    def statements(self) -> Iterator[UnreadLayer]:
        """A sentence for each statement that may apply or not, each once."""
        for layer, listed in layers_of(self._request, self._policies):
            for named in listed:
                for number, statement in enumerate(named.policy.statements, start=1):
                    if self._may_apply(layer, statement) and (keys := self._keys_in(statement)):
                        place = f"statement {statement.sid or number} of {named.name}"
                        for key, unknown in keys.items():
                            why = f"{place} asks for {key}, which {unknown.why}"
                            yield UnreadLayer(layer=layer, why=why, remedy=unknown.remedy.replace("{key}", key))

    def at_best(self, layer: Layer, statement: Statement) -> Statement:
        return self._settled(layer, statement, applies=statement.effect is Effect.ALLOW)

    def at_worst(self, layer: Layer, statement: Statement) -> Statement:
        return self._settled(layer, statement, applies=statement.effect is Effect.DENY)

    def at_rest(self, layer: Layer, statement: Statement) -> Statement:
        return self._settled(layer, statement, applies=False)

    def spared(self, layer: Layer, statement: Statement) -> Statement:
        return self.at_rest(layer, statement) if statement.effect is Effect.DENY else statement

    def _settled(self, layer: Layer, statement: Statement, *, applies: bool) -> Statement:
        """A statement that may apply, as one that does or does not; any other as it is."""
        if not self._may_apply(layer, statement) or not (keys := self._keys_in(statement)):
            return statement
        conditions = tuple(
            _answering(one, applies=applies) if self._is_open(one) else one for one in statement.conditions
        )
        if not self._names_open(_resources(statement)):
            return replace(statement, conditions=conditions)
        # A resource that nobody can name: any, if a further condition lets it.
        is_deny = statement.effect is Effect.DENY
        further = Condition(operator="StringLike", key=next(iter(keys)), values=("*",), is_deny=is_deny)
        conditions = (*conditions, _answering(further, applies=applies))
        return replace(statement, resources=("*",), not_resources=(), conditions=conditions)

    def _may_apply(self, layer: Layer, statement: Statement) -> bool:
        """Whether nothing that is known keeps the statement from applying."""
        request = self._request
        return (
            statement.covers_action(request.action.lower())
            and (
                statement.covers_resource(request.resource, request.context)
                or bool(self._names_open(_resources(statement)))
            )
            and all(self._is_open(one) or one.holds(request.context) for one in statement.conditions)
            and (layer not in NAMING or named_in(statement, request, self._policies, layer) is not None)
        )

    def _keys_in(self, statement: Statement) -> dict[str, UnknownKey]:
        """What it asks for and nobody knows, by the key as it is written."""
        found: dict[str, UnknownKey] = dict(self._names_open(_resources(statement)))
        for condition in statement.conditions:
            if (unknown := self._unknown_of(condition.key)) is not None:
                found[condition.key] = unknown
            found.update(self._names_open(condition.values))
        return found

    def _is_open(self, condition: Condition) -> bool:
        return self._unknown_of(condition.key) is not None or bool(self._names_open(condition.values))

    def _names_open(self, texts: Sequence[str]) -> dict[str, UnknownKey]:
        """The policy variables in these texts whose value nobody knows."""
        names = [part.partition("}")[0].partition(",")[0].strip() for text in texts for part in text.split("${")[1:]]
        return {name: unknown for name in names if (unknown := self._unknown_of(name)) is not None}

    def _unknown_of(self, key: str) -> UnknownKey | None:
        if key.lower() in self._request.context:
            return None
        return next((one for one in self._unknown if one.covers(key)), None)


def _resources(statement: Statement) -> tuple[str, ...]:
    return (*statement.resources, *statement.not_resources)


def _answering(condition: Condition, *, applies: bool) -> Condition:
    """The same key and values, for whether a policy is public hangs on them, with this answer."""
    answer = replace(condition)
    object.__setattr__(answer, "holds", lambda _context: applies)
    return answer
