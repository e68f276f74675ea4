"""The models' patterns, which are Java's, as Python's.

What differs and is translated: `\\p{L}` and the like, `\\w` `\\d` `\\s` (ASCII in Java), `.` (stops at five line
terminators in Java), a hyphen between a class such as `\\w` and a character. A pattern is matched against the whole
text, as AWS does, whether it has anchors or not.

Cost: a backtracking matcher can need time that grows with a power of the text's length, so a text longer than
MAX_BACKTRACKED_CHARS matches only a pattern that cannot backtrack: one class, repeated.
"""

import re
import sys
import unicodedata
from functools import lru_cache

MAX_BACKTRACKED_CHARS = 2048

UNTRANSLATABLE = frozenset({"&&", "\\Q", "\\G", "\\X", "\\R", "\\h", "\\N{"})
"""Java's constructs that we do not translate; a pattern with one is not checked. No model of ours has any."""

# `\p{Print}` and the like are ASCII in Java (java.util.regex.Pattern, "POSIX character classes").
_POSIX = {
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "ASCII": "\\x00-\\x7F",
    "Blank": " \\t",
    "Cntrl": "\\x00-\\x1F\\x7F",
    "Digit": "0-9",
    "Graph": "\\x21-\\x7E",
    "Lower": "a-z",
    "Print": "\\x20-\\x7E",
    "Punct": "\\x21-\\x2F\\x3A-\\x40\\x5B-\\x60\\x7B-\\x7E",
    "Space": "\\t-\\r ",
    "Upper": "A-Z",
    "XDigit": "0-9a-fA-F",
}
# Planes with assigned characters in Unicode 14: scanning only these makes the first use cheap.
_ASSIGNED = (range(0x32400), range(0xE0000, 0xE0200))
_DOT = "[^\\n\\r\\x85\\u2028\\u2029]"
_SINGLE_CLASS = re.compile(r"\^?\(?(?:\[(?:[^\[\]\\]|\\.)+\]|\\.|\.)(?:[*+]|\{\d+(?:,\d*)?\})\)?\$?", re.DOTALL)
_PROPERTY = re.compile(r"\\([pP])(?:\{(?:Is)?(\w+)\}|(\w))")


class _Untranslatable(Exception):
    pass


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether a text is what a model's pattern asks for; a pattern that cannot be translated asks for nothing."""
    compiled, backtracks = compile_pattern(pattern)
    if compiled is None:
        return True
    if backtracks and len(text) > MAX_BACKTRACKED_CHARS:
        return False
    return compiled.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> tuple[re.Pattern[str] | None, bool]:
    """The translated pattern, or None, and whether matching it can backtrack."""
    backtracks = _SINGLE_CLASS.fullmatch(pattern) is None
    if any(construct in pattern for construct in UNTRANSLATABLE):
        return None, backtracks
    try:
        return re.compile(_translate(pattern), re.ASCII), backtracks
    except (re.error, _Untranslatable):
        return None, backtracks


def _translate(pattern: str) -> str:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            translated, position = _translate_class(pattern, position)
            out.append(translated)
            continue
        token, position = _token(pattern, position)
        match = _PROPERTY.fullmatch(token)
        if match is not None:
            out.append(f"[{_property(match)}]")
        else:
            out.append(_DOT if token == "." else token)
    return "".join(out)


def _translate_class(pattern: str, start: int) -> tuple[str, int]:
    """A class from its `[` on, and the position after it."""
    out = ["["]
    position = start + 1
    if pattern.startswith("^", position):
        out.append("^")
        position += 1
    after_shorthand = False
    while not pattern.startswith("]", position):
        if position >= len(pattern):
            raise _Untranslatable
        token, position = _token(pattern, position)
        match = _PROPERTY.fullmatch(token)
        if match is not None:
            out.append(_property(match))
        elif token == "[":
            # Java nests classes here; Python would take the bracket for itself.
            raise _Untranslatable
        elif token == "-" and (after_shorthand or pattern[position : position + 2] in _SHORTHANDS):
            # `[\w-.]`: no range can begin or end with a class, so the hyphen means itself.
            out.append("\\-")
        else:
            out.append(token)
        after_shorthand = match is not None or token in _SHORTHANDS
    return "".join(out) + "]", position + 1


_SHORTHANDS = frozenset({"\\w", "\\d", "\\s", "\\W", "\\D", "\\S", "\\p", "\\P"})


def _token(pattern: str, position: int) -> tuple[str, int]:
    """One character, or an escape with all that belongs to it."""
    if pattern[position] != "\\":
        return pattern[position], position + 1
    match = _PROPERTY.match(pattern, position)
    end = match.end() if match is not None else position + 2
    return pattern[position:end], end


def _property(match: re.Match[str]) -> str:
    """The inside of a class with the characters of `\\p{…}`, or without them for `\\P{…}`."""
    name = match[2] or match[3]
    wanted = match[1] == "p"
    if name in _POSIX:
        if not wanted:
            raise _Untranslatable
        return _POSIX[name]
    return _category(name, wanted)


@lru_cache(maxsize=64)
def _category(name: str, wanted: bool) -> str:
    """The ranges of a general category (`L`, `Nd`), or of everything else."""
    ranges: list[tuple[int, int]] = []
    for category, first, last in _runs():
        if category.startswith(name) is wanted:
            if ranges and ranges[-1][1] == first - 1:
                ranges[-1] = (ranges[-1][0], last)
            else:
                ranges.append((first, last))
    if not ranges:
        raise _Untranslatable
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@lru_cache(maxsize=1)
def _runs() -> list[tuple[str, int, int]]:
    """All code points as runs of one general category; beyond the planes scanned they are unassigned or private."""
    runs = [("Cn", _ASSIGNED[0].stop, _ASSIGNED[1].start - 1), ("Cn", _ASSIGNED[1].stop, sys.maxunicode)]
    for plane in _ASSIGNED:
        first, current = plane.start, unicodedata.category(chr(plane.start))
        for code in plane:
            category = unicodedata.category(chr(code))
            if category != current:
                runs.append((current, first, code - 1))
                first, current = code, category
        runs.append((current, first, plane.stop - 1))
    return runs
