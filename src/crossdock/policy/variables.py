"""Pattern texts with policy variables: split once at parse time, filled at each decision.

Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

Context = Mapping[str, tuple[str, ...]]
"""Condition keys in lower case, and their values."""


class Wild(Enum):
    """`*` stands for any text, `?` for exactly one character."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`${key}` or `${key, 'default'}`; the key is in lower case, because keys are compared without case."""

    key: str
    default: str | None = None


Token = str | Wild
Part = str | Wild | Variable

# A variable's text holds no brace and no dollar, but `${$}`: so each character is looked at a bounded number of times.
_WILDCARDS = re.compile(r"[*?]")
_VARIABLES = re.compile(r"\$\{(\$|[^{}$]*)\}")
_BOTH = re.compile(r"\$\{(\$|[^{}$]*)\}|[*?]")
_ESCAPED = {"*", "?", "$"}


def split_pattern(text: str, *, has_wildcards: bool, has_variables: bool) -> tuple[Part, ...]:
    """Split a pattern into literal texts, wildcards and variables.

    `${*}`, `${?}` and `${$}` are the characters themselves. Policies before version 2012-10-17 have no variables: there
    `${aws:username}` is literal text.
    """
    if has_variables:
        special = _BOTH if has_wildcards else _VARIABLES
    elif has_wildcards:
        special = _WILDCARDS
    else:
        return (text,) if text else ()
    parts: list[Part] = []
    end = 0
    for found in special.finditer(text):
        if found.start() > end:
            parts.append(text[end : found.start()])
        end = found.end()
        sign = found.group()
        if len(sign) == 1:
            parts.append(Wild(sign))
        else:
            name = sign[2:-1]
            parts.append(name if name in _ESCAPED else _variable(name))
    if end < len(text):
        parts.append(text[end:])
    return tuple(parts)


def _variable(name: str) -> Variable:
    key, comma, quoted = name.partition(", '")
    if comma and quoted.endswith("'"):
        return Variable(key=key.strip().lower(), default=quoted[:-1])
    return Variable(key=name.lower())


def fixed_tokens(parts: Sequence[Part]) -> tuple[Token, ...] | None:
    """The parts as they are when there is no variable among them; None otherwise."""
    tokens: list[Token] = []
    for part in parts:
        if isinstance(part, Variable):
            return None
        tokens.append(part)
    return tuple(tokens)


def fill(parts: Sequence[Part], context: Context) -> tuple[Token, ...] | None:
    """Put the request's values in; None when a variable has no value.

    A value is literal text: a `*` in it is no wildcard. A key that is absent, empty or has several values has none to
    give ("Policy variables with no value"; "Single-valued vs. multivalued context keys").
    """
    tokens: list[Token] = []
    for part in parts:
        if isinstance(part, Variable):
            values = context.get(part.key, ())
            value = values[0] if len(values) == 1 and values[0] else part.default
            if value is None:
                return None
            tokens.append(value)
        else:
            tokens.append(part)
    return tuple(tokens)
