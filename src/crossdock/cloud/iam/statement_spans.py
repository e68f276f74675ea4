"""Where the statements of a policy document stand in its text.

Source: IAM API Reference, Position and the samples of SimulateCustomPolicy: lines and columns count from 1, and the end
is the place behind the closing brace.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A line and a column, from 1. A line ends with a line feed."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From a statement's opening brace to behind its closing one."""

    start: Position
    end: Position


def statement_spans(text: str) -> tuple[Span, ...]:
    """The spans of a document's statements, in their order.

    The document is one that `parse_policy` took; of another the answer is undefined, or a ValueError.
    """
    spans: list[Span] = []
    line, line_start = 1, 0
    done = 0

    def position(index: int) -> Position:
        nonlocal line, line_start, done
        line += text.count("\n", done, index)
        line_start = max(line_start, text.rfind("\n", done, index) + 1)
        done = index
        return Position(line=line, column=index - line_start + 1)

    for start, end in _statements(text):
        spans.append(Span(start=position(start), end=position(end)))
    return tuple(spans)


def _statements(text: str) -> Iterator[tuple[int, int]]:
    for key, start, end in _members(text):
        if key == "Statement":
            yield from _elements(text, start) if text[start] == "[" else ((start, end),)


_scan = json.JSONDecoder().raw_decode
# RFC 8259 §2
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")


def _members(text: str) -> Iterator[tuple[object, int, int]]:
    """The keys of the document's object, each with where its value begins and ends."""
    index = _skip(text, _skip(text, 0) + 1)
    while text[index] != "}":
        key, index = _scan(text, index)
        start = _skip(text, _skip(text, index) + 1)
        _, end = _scan(text, start)
        yield key, start, end
        index = _behind_comma(text, end)


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    index = _skip(text, start + 1)
    while text[index] != "]":
        _, end = _scan(text, index)
        yield index, end
        index = _behind_comma(text, end)


def _behind_comma(text: str, index: int) -> int:
    index = _skip(text, index)
    return _skip(text, index + 1) if text[index] == "," else index


def _skip(text: str, index: int) -> int:
    """The next place without white space."""
    found = _WHITE_SPACE.match(text, index)
    return index if found is None else found.end()
