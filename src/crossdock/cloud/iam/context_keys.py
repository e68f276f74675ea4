"""Which context keys policies ask for: those of conditions, and those of policy variables."""

import re
from collections.abc import Iterable, Iterator

from crossdock.policy.conditions import Condition
from crossdock.policy.document import Policy, Statement
from crossdock.policy.variables import Variable, split_pattern


def context_keys(policies: Iterable[Policy]) -> list[str]:
    """Every key that these policies refer to, once, as it is first spelled."""
    return _each_once(
        key for policy in policies for statement in policy.statements for key in _referred_keys(statement)
    )


def statement_keys(statement: Statement) -> Iterator[str]:
    """The keys that a statement waits for, as they are spelled: variables with a default need none."""
    return _referred_keys(statement, with_defaults=False)


def resource_keys(statement: Statement, *, with_defaults: bool = False) -> Iterator[str]:
    """The keys of the variables in Resource or NotResource."""
    if statement.has_variables:
        yield from _variable_keys((*statement.resources, *statement.not_resources), with_defaults=with_defaults)


def _referred_keys(statement: Statement, *, with_defaults: bool = True) -> Iterator[str]:
    """The keys of a statement's conditions and variables."""
    yield from resource_keys(statement, with_defaults=with_defaults)
    for condition in statement.conditions:
        yield condition.key
        if _has_variables(condition):
            yield from _variable_keys(condition.values, with_defaults=with_defaults)


def missing_keys(statements: Iterable[Statement], given: Iterable[str]) -> list[str]:
    """The keys of these statements that are not among the given ones, which are in lower case."""
    known = frozenset(given)
    return _each_once(key for statement in statements for key in statement_keys(statement) if key.lower() not in known)


def _has_variables(condition: Condition) -> bool:
    """Source: IAM User Guide, "IAM policy elements: Variables and tags": string and ARN operators."""
    return condition.has_variables and condition.operator.rpartition(":")[2].startswith(("String", "Arn"))


def _variable_keys(texts: Iterable[str], *, with_defaults: bool) -> Iterator[str]:
    for text in texts:
        for part in split_pattern(text, has_wildcards=False, has_variables=True):
            if isinstance(part, Variable) and (with_defaults or part.default is None):
                # Keys have no commas: behind one stands a default, be it without the space that makes it one.
                key = part.key.partition(",")[0].strip()
                # The engine keeps keys in lower case; people know them as they wrote them.
                written = re.search(rf"\$\{{\s*({re.escape(key)})", text, re.IGNORECASE)
                yield key if written is None else written[1]


def _each_once(keys: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for key in keys:
        found.setdefault(key.lower(), key)
    return list(found.values())
