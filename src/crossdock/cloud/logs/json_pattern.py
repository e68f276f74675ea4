"""Filter patterns for messages that are JSON: `{ $.activity-type = "ERROR" && ($.bytes > 9 || $.path != "/a/*") }`.

    selector = text        a string that is the same; `*` is any text, in quotes or without
    selector != text       a string or number that is there and is not that
    selector < number      also <=, >, >=, = and !=: a number
    selector IS NULL       also IS TRUE and IS FALSE
    selector NOT EXISTS    nothing is there

`&&` binds closer than `||`. A selector is `$.name.name[0]`, of letters, digits, `-` and `_`. A selector that points at
nothing, an object or an array makes its comparison false, `!=` too. A message that is no JSON object never matches.
Regular expressions (`%…%`) and wildcard selectors are refused.

Source: CloudWatch Logs User Guide, "Using filter patterns to match terms in JSON log events".
"""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from crossdock.cloud.logs.faults import invalid_parameter
from crossdock.policy.matching import compile_tokens
from crossdock.policy.variables import Wild
from crossdock.ports.state import JsonValue

MAX_DEPTH = 32
"""Of parentheses: reading a pattern must not use up the stack."""

_Number = int | float
_Test = Callable[["_Node"], bool]


class _Missing(Enum):
    MISSING = 0


_Node = JsonValue | _Missing
_Condition = Callable[[JsonValue], bool]

_ORDER: Mapping[str, Callable[[_Number, _Number], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STATES: Mapping[str, _Test] = {
    "NULL": lambda node: node is None,
    "TRUE": lambda node: node is True,
    "FALSE": lambda node: node is False,
}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<mark>&&|\|\||[(){}])
      | (?P<comparison>!=|<=|>=|=|<|>)
      | (?P<selector>\$(?:\.[\w-]+|\[\d{1,9}\])+)(?![\w.\[*-])
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<bare>[\w.*:/@+-]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str


def parse_json_pattern(text: str) -> Callable[[str], bool]:
    """Read `{ … }`. Raises ServiceError InvalidParameterException."""
    reader = _Reader(_tokens(text))
    reader.take("mark", "{")
    condition = reader.alternatives(0)
    reader.take("mark", "}")
    reader.end()

    def matches(message: str) -> bool:
        # Most of what is looked through is no JSON at all.
        if not message.lstrip().startswith("{"):
            return False
        try:
            document: JsonValue = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return condition(document)

    return matches


class _Reader:
    """Goes through the tokens by the grammar."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def alternatives(self, depth: int) -> _Condition:
        conditions = [self._conjunction(depth)]
        while self._accept("mark", "||"):
            conditions.append(self._conjunction(depth))
        return lambda document: any(condition(document) for condition in conditions)

    def take(self, kind: str, *texts: str) -> str:
        token = self._next()
        if token.kind != kind or (texts and token.text not in texts):
            raise _unexpected(token)
        self._place += 1
        return token.text

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise _unexpected(self._next())

    def _conjunction(self, depth: int) -> _Condition:
        conditions = [self._single(depth)]
        while self._accept("mark", "&&"):
            conditions.append(self._single(depth))
        return lambda document: all(condition(document) for condition in conditions)

    def _single(self, depth: int) -> _Condition:
        if self._accept("mark", "("):
            if depth == MAX_DEPTH:
                raise _bad("too many parentheses")
            condition = self.alternatives(depth + 1)
            self.take("mark", ")")
            return condition
        steps = _steps(self.take("selector"))
        test = self._test()
        return lambda document: test(_select(document, steps))

    def _test(self) -> _Test:
        if self._accept("bare", "IS"):
            return _STATES[self.take("bare", *_STATES)]
        if self._accept("bare", "NOT"):
            self.take("bare", "EXISTS")
            return lambda node: node is _Missing.MISSING
        comparison = self.take("comparison")
        token = self._next()
        if token.kind not in ("quoted", "bare"):
            raise _unexpected(token)
        self._place += 1
        if token.kind == "bare" and _NUMBER.fullmatch(token.text):
            return _number_test(comparison, token.text)
        if comparison not in ("=", "!="):
            raise _bad(f"'{comparison}' compares with a number only")
        return _text_test(token.text, is_equal=comparison == "=")

    def _accept(self, kind: str, text: str) -> bool:
        is_next = self._place < len(self._tokens) and self._tokens[self._place] == _Token(kind=kind, text=text)
        self._place += is_next
        return is_next

    def _next(self) -> _Token:
        if self._place == len(self._tokens):
            raise _bad("it ends too early")
        return self._tokens[self._place]


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _bad(f"Invalid character(s) in '{text[place:].split()[0]}'")
        content = match[match.lastgroup]
        if match.lastgroup == "quoted":
            content = _ESCAPED.sub(r"\1", content)
        found.append(_Token(kind=match.lastgroup, text=content))
        place = match.end()
    return found


def _steps(selector: str) -> tuple[str | int, ...]:
    return tuple(name or int(index) for name, index in _STEP.findall(selector))


def _select(document: JsonValue, steps: Sequence[str | int]) -> _Node:
    node: JsonValue = document
    for step in steps:
        match node, step:
            case dict(), str() if step in node:
                node = node[step]
            case list(), int() if step < len(node):
                node = node[step]
            case _:
                return _Missing.MISSING
    return node


def _number_test(comparison: str, text: str) -> _Test:
    number = float(text)
    if not math.isfinite(number):
        raise _bad(f"the number {text} is too large")
    compare = _ORDER[comparison]

    def test(node: _Node) -> bool:
        if isinstance(node, bool) or not isinstance(node, int | float):
            return comparison == "!=" and isinstance(node, str)
        return compare(node, number)

    return test


def _text_test(text: str, *, is_equal: bool) -> _Test:
    pieces = text.split("*")
    tokens: list[str | Wild] = [pieces[0]]
    for piece in pieces[1:]:
        tokens += [Wild.ANY, piece]
    is_same = compile_tokens(tokens)

    def test(node: _Node) -> bool:
        if isinstance(node, str):
            return is_same(node) is is_equal
        return not is_equal and isinstance(node, int | float) and not isinstance(node, bool)

    return test


def _unexpected(token: _Token) -> Exception:
    return _bad(f"'{token.text}' is not expected where it stands")


def _bad(sentence: str) -> Exception:
    return invalid_parameter(f"Invalid filter pattern: {sentence}.")
