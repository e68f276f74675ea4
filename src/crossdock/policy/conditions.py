"""The conditions of a statement: operators with their set operators and `IfExists`, absent keys, and what is undefined.

Keys are compared without case. One rule covers whatever AWS leaves undefined (a value that is no number where numbers
are compared, several values where AWS demands a set operator, an operator that nobody knows): it never grants. Such a
condition fails in an Allow and holds in a Deny.

Sources: IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from crossdock.core.errors import CrossdockError
from crossdock.policy.operators import OPERATORS, InvalidConditionValue, Matches, read_bool
from crossdock.policy.variables import Context

Holds = Callable[[Context], bool]


class UnknownOperator(CrossdockError):
    """A condition operator that is not in the table."""


class Quantifier(Enum):
    NONE = ""
    ALL = "ForAllValues:"
    ANY = "ForAnyValue:"


_IF_EXISTS = "IfExists"
_NULL = "Null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One key of one operator, as written, with its compiled test.

    Args:
        is_deny: whether it stands in a Deny, which decides what is undefined.
        has_variables: whether policy variables are active (version 2012-10-17).
    """

    operator: str
    key: str
    values: tuple[str, ...]
    is_deny: bool = field(repr=False)
    has_variables: bool = field(default=True, repr=False)
    holds: Holds = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # `parse_policy` refuses what `check_condition` refuses; a condition that was made in another way never grants.
        try:
            holds = _compile(self)
        except (UnknownOperator, InvalidConditionValue):
            holds = _always(self.is_deny)
        object.__setattr__(self, "holds", holds)


def check_condition(condition: Condition) -> None:
    """Raise UnknownOperator or InvalidConditionValue for a condition that cannot be evaluated."""
    _compile(condition)


def _compile(condition: Condition) -> Holds:
    name = condition.operator
    key = condition.key.lower()
    if name == _NULL:
        return _presence(key, condition.values)
    quantifier = Quantifier.NONE
    for candidate in (Quantifier.ALL, Quantifier.ANY):
        if name.startswith(candidate.value):
            quantifier, name = candidate, name[len(candidate.value) :]
    if_exists = name.endswith(_IF_EXISTS)
    operator = OPERATORS.get(name.removesuffix(_IF_EXISTS))
    if operator is None:
        raise UnknownOperator(condition.operator)
    matches = operator.compile(condition.values, condition.has_variables)
    # "ForAllValues also returns true if there are no context keys in the request; ForAnyValue returns false"; without
    # them an absent key equals nothing, so what is negated is true.
    if_absent = if_exists or quantifier is Quantifier.ALL or (operator.is_negated and quantifier is Quantifier.NONE)
    make = {Quantifier.NONE: _single, Quantifier.ALL: _every, Quantifier.ANY: _some}[quantifier]
    return make(key, matches, is_negated=operator.is_negated, if_absent=if_absent, if_undefined=condition.is_deny)


def _always(answer: bool) -> Holds:
    def holds(_context: Context) -> bool:
        return answer

    return holds


def _presence(key: str, values: tuple[str, ...]) -> Holds:
    """`Null`: true asks for a key that is absent or empty, false for one that has a value."""
    try:
        wanted = {read_bool(value) for value in values}
    except ValueError as error:
        raise InvalidConditionValue(str(error)) from error

    def holds(context: Context) -> bool:
        return (not any(context.get(key, ()))) in wanted

    return holds


def _single(key: str, matches: Matches, *, is_negated: bool, if_absent: bool, if_undefined: bool) -> Holds:
    def holds(context: Context) -> bool:
        values = context.get(key)
        if not values:
            return if_absent
        if len(values) == 1:
            matched = matches(values[0], context)
            return if_undefined if matched is None else matched is not is_negated
        # AWS demands a set operator here and says nothing of what happens without: only unanimity is an answer.
        answers = {matches(value, context) for value in values}
        return answers == {not is_negated} or (answers != {is_negated} and if_undefined)

    return holds


def _every(key: str, matches: Matches, *, is_negated: bool, if_absent: bool, if_undefined: bool) -> Holds:
    def holds(context: Context) -> bool:
        values = context.get(key, ())
        if not any(values):  # "or if the context key value resolves to a null dataset, such as an empty string"
            return if_absent
        answers = {matches(value, context) for value in values}
        return is_negated not in answers and (None not in answers or if_undefined)

    return holds


def _some(key: str, matches: Matches, *, is_negated: bool, if_absent: bool, if_undefined: bool) -> Holds:
    def holds(context: Context) -> bool:
        values = context.get(key, ())
        if not any(values):
            return if_absent
        answers = {matches(value, context) for value in values}
        return (not is_negated) in answers or (None in answers and if_undefined)

    return holds
