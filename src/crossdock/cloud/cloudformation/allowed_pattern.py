"""AllowedPattern: regular expressions that a template's author chose, matched without backtracking.

A backtracking matcher would let `(a+)+b` stop the whole service. This one follows all positions at once, so its time
grows with pattern times text, and it counts its steps besides. It knows what parameters are checked with: literals,
classes, groups, alternation, repetition, anchors and look-ahead. A pattern with anything else is refused.

Source: java.util.regex.Pattern, whose syntax CloudFormation takes.
"""

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MAX_STEPS = 300_000
MAX_PATTERN_CHARS = 2048
MAX_REPEAT = 4096
MAX_NESTING = 40

Positions = frozenset[int]
_Node = Callable[["_Run", Positions], Positions]
_DIGITS = frozenset(string.digits)
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_SPACE = frozenset(" \t\n\r\f\v")
_LINE_ENDS = frozenset("\n\r\x85\u2028\u2029")
_SHORTHANDS = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_NAMED = {
    "Alnum": frozenset(string.ascii_letters + string.digits),
    "Alpha": frozenset(string.ascii_letters),
    "Digit": _DIGITS,
    "Lower": frozenset(string.ascii_lowercase),
    "Punct": frozenset(string.punctuation),
    "Space": _SPACE,
    "Upper": frozenset(string.ascii_uppercase),
    "XDigit": frozenset(string.hexdigits),
}


class BadPattern(ValueError):
    """The pattern is malformed, too costly, or uses what is not known here."""


@dataclass(slots=True)
class Budget:
    """Steps that may still be made, for one pattern and text or for many."""

    steps: int = MAX_STEPS

    def pay(self, steps: int) -> None:
        self.steps -= steps + 1
        if self.steps < 0:
            raise BadPattern("it takes too long to match")


@dataclass(frozen=True, slots=True)
class _Run:
    text: str
    budget: Budget

    def pay(self, steps: int) -> None:
        self.budget.pay(steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    """Characters, or all but these."""

    singles: frozenset[str] = frozenset()
    ranges: tuple[tuple[str, str], ...] = ()
    others: tuple["_Class", ...] = ()
    is_negated: bool = False

    def __contains__(self, character: str) -> bool:
        found = (
            character in self.singles
            or any(first <= character <= last for first, last in self.ranges)
            or any(character in other for other in self.others)
        )
        return found is not self.is_negated

    @property
    def cost(self) -> int:
        """Steps to look at one character."""
        return 1 + len(self.ranges) + len(self.others)


def matches(pattern: str, text: str, budget: Budget) -> bool:
    """Whether the whole text is what the pattern says. Raises BadPattern, also when the budget is spent."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise BadPattern(f"it is longer than {MAX_PATTERN_CHARS} characters")
    budget.pay(len(pattern))
    node = _Parser(pattern).whole()
    return len(text) in node(_Run(text, budget), frozenset({0}))


def _one_of(characters: _Class) -> _Node:
    cost = characters.cost

    def node(run: _Run, starts: Positions) -> Positions:
        run.pay(len(starts) * cost)
        return frozenset(p + 1 for p in starts if p < len(run.text) and run.text[p] in characters)

    return node


def _sequence(parts: Iterable[_Node]) -> _Node:
    nodes = tuple(parts)

    def node(run: _Run, starts: Positions) -> Positions:
        for part in nodes:
            run.pay(0)
            if not starts:
                break
            starts = part(run, starts)
        return starts

    return node


def _either(branches: Iterable[_Node]) -> _Node:
    nodes = tuple(branches)

    def node(run: _Run, starts: Positions) -> Positions:
        found: set[int] = set()
        for branch in nodes:
            ends = branch(run, starts)
            run.pay(len(ends))
            found |= ends
        return frozenset(found)

    return node


def _repeated(inner: _Node, least: int, most: int | None) -> _Node:
    def node(run: _Run, starts: Positions) -> Positions:
        for _ in range(least):
            if not starts:
                return starts
            run.pay(len(starts))
            starts = inner(run, starts)
        run.pay(len(starts))
        found, frontier = set(starts), starts
        count = least
        while frontier and (most is None or count < most):
            run.pay(len(frontier))
            frontier = inner(run, frontier) - found
            found |= frontier
            count += 1
        return frozenset(found)

    return node


def _looking_ahead(inner: _Node, *, is_wanted: bool) -> _Node:
    def node(run: _Run, starts: Positions) -> Positions:
        run.pay(len(starts))
        return frozenset(p for p in starts if bool(inner(run, frozenset({p}))) is is_wanted)

    return node


def _at_start(run: _Run, starts: Positions) -> Positions:
    run.pay(0)
    return starts & {0}


def _at_end(run: _Run, starts: Positions) -> Positions:
    run.pay(0)
    return starts & {len(run.text)}


def _at_end_of_line(run: _Run, starts: Positions) -> Positions:
    """At the end, or before the line end that the text ends with."""
    run.pay(0)
    end = 2 if run.text.endswith("\r\n") else 1 if run.text[-1:] in _LINE_ENDS else 0
    return starts & {len(run.text), len(run.text) - end}


@dataclass(slots=True)
class _Parser:
    pattern: str
    position: int = 0
    nesting: int = field(default=0)

    def whole(self) -> _Node:
        node = self._alternation()
        if self.position < len(self.pattern):
            raise BadPattern("a ) has no (")
        return node

    def _peek(self) -> str:
        return self.pattern[self.position : self.position + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise BadPattern("it ends too early")
        self.position += 1
        return character

    def _takes(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def _alternation(self) -> _Node:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise BadPattern("its groups are nested too deeply")
        branches = [self._branch()]
        while self._takes("|"):
            branches.append(self._branch())
        self.nesting -= 1
        return branches[0] if len(branches) == 1 else _either(branches)

    def _branch(self) -> _Node:
        parts: list[_Node] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._quantified(self._atom()))
        return _sequence(parts)

    def _quantified(self, node: _Node) -> _Node:
        bounds = self._bounds()
        if bounds is None:
            return node
        # Lazy or greedy makes no difference to whether the whole text matches; possessive does.
        if not self._takes("?") and self._peek() and self._peek() in "+*":
            raise BadPattern("possessive and doubled quantifiers are not supported")
        return _repeated(node, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        match self._peek():
            case "*":
                bounds: tuple[int, int | None] = (0, None)
            case "+":
                bounds = (1, None)
            case "?":
                bounds = (0, 1)
            case "{":
                return self._counted()
            case _:
                return None
        self.position += 1
        return bounds

    def _counted(self) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.position)
        low, comma, high = self.pattern[self.position + 1 : end].partition(",")
        if end < 0 or not _is_count(low) or (high and not _is_count(high)):
            raise BadPattern("a { is not a repetition")
        self.position = end + 1
        least, most = int(low), int(high) if high else None
        if not comma:
            most = least
        if most is not None and most < least:
            raise BadPattern("a repetition ends before it begins")
        return least, most

    def _atom(self) -> _Node:
        character = self._take()
        match character:
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case ".":
                return _one_of(_Class(singles=_LINE_ENDS, is_negated=True))
            case "^":
                return _at_start
            case "$":
                return _at_end_of_line
            case "\\":
                if self._takes("A"):
                    return _at_start
                if self._takes("Z"):
                    return _at_end_of_line
                if self._takes("z"):
                    return _at_end
                return _one_of(self._escape())
            case "*" | "+" | "?" | "{":
                raise BadPattern(f"nothing comes before {character}")
        return _one_of(_Class(singles=frozenset(character)))

    def _group(self) -> _Node:
        if self._takes("?="):
            node = _looking_ahead(self._alternation(), is_wanted=True)
        elif self._takes("?!"):
            node = _looking_ahead(self._alternation(), is_wanted=False)
        else:
            if not self._takes("?:") and self._peek() == "?":
                raise BadPattern("groups of this kind are not supported")
            node = self._alternation()
        if not self._takes(")"):
            raise BadPattern("a ( has no )")
        return node

    def _escape(self) -> _Class:
        character = self._take()
        if character in "pP":
            if not self._takes("{"):
                raise BadPattern("a \\p has no name")
            name, _, _ = self.pattern[self.position :].partition("}")
            if name not in _NAMED or not self._takes(name + "}"):
                raise BadPattern(f"\\p{{{name[:20]}}} is not supported")
            return _Class(singles=_NAMED[name], is_negated=character == "P")
        if character.lower() in _SHORTHANDS:
            return _Class(singles=_SHORTHANDS[character.lower()], is_negated=character.isupper())
        if character in _ESCAPES:
            return _Class(singles=frozenset(_ESCAPES[character]))
        if character.isalnum():
            raise BadPattern(f"\\{character} is not supported")
        return _Class(singles=frozenset(character))

    def _class(self) -> _Class:
        is_negated = self._takes("^")
        singles: set[str] = set()
        ranges: list[tuple[str, str]] = []
        others: list[_Class] = []
        is_first = True
        while is_first or self._peek() != "]":
            is_first = False
            first = self._class_member()
            if isinstance(first, _Class):
                others.append(first)
            elif self._peek() == "-" and self.pattern[self.position + 1 : self.position + 2] not in ("]", ""):
                self.position += 1
                last = self._class_member()
                if isinstance(last, _Class):
                    raise BadPattern("a range ends in a class")
                if last < first:
                    raise BadPattern("a range ends before it begins")
                ranges.append((first, last))
            else:
                singles.add(first)
        self.position += 1
        return _Class(singles=frozenset(singles), ranges=tuple(ranges), others=tuple(others), is_negated=is_negated)

    def _class_member(self) -> _Class | str:
        """A character, or what an escape stands for."""
        character = self._take()
        if character == "[" or (character == "&" and self._peek() == "&"):
            raise BadPattern("classes inside classes are not supported")
        if character != "\\":
            return character
        escaped = self._escape()
        if escaped.is_negated or len(escaped.singles) != 1:
            return escaped
        (character,) = escaped.singles
        return character


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= MAX_REPEAT
