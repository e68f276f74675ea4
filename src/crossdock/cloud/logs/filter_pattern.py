"""Filter patterns: which messages FilterLogEvents gives.

    ERROR "not found"      both the term and the phrase, upper and lower case told apart
    ?ERROR ?WARN           one of them
    ERROR -"health check"  the first and not the second
    { $.a = 1 && … }       see `json_pattern`

A term is of letters, digits and underscores, anything else is put in quotes. It matches wherever its text stands,
inside a longer word too. A pattern of nothing matches everything.

What AWS knows besides is refused, not ignored: regular expressions (`%…%`), space-delimited patterns (`[…]`), and
`?term` beside other terms (there AWS itself leaves the optional ones out).

Source: CloudWatch Logs User Guide, "Filter pattern syntax".
"""

import re
from collections.abc import Callable

from crossdock.cloud.logs.faults import invalid_parameter
from crossdock.cloud.logs.json_pattern import parse_json_pattern

Matcher = Callable[[str], bool]

_TERM = re.compile(r"""(?P<sign>[-?]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>\w+))(?=\s|$)""", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parse_filter(pattern: str) -> Matcher:
    """Read a filter pattern. Raises ServiceError InvalidParameterException."""
    text = pattern.strip()
    if text.startswith("{"):
        return parse_json_pattern(text)
    if text.startswith("["):
        raise invalid_parameter("Invalid filter pattern: Crossdock does not implement space-delimited patterns.")
    if "%" in (text[:1], text.lstrip("-?")[:1]):
        raise invalid_parameter("Invalid filter pattern: Crossdock does not implement regular expressions.")
    return _parse_terms(text)


def unquoted(text: str) -> str:
    """What stands between quotes, a backslash before a character being left out."""
    return _ESCAPED.sub(r"\1", text)


def _parse_terms(text: str) -> Matcher:
    required: list[str] = []
    excluded: list[str] = []
    optional: list[str] = []
    kinds = {"": required, "-": excluded, "?": optional}
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None:
            raise invalid_parameter(f"Invalid filter pattern: Invalid character(s) in term '{text[place:].split()[0]}'")
        phrase = found["phrase"]
        kinds[found["sign"]].append(found["word"] if phrase is None else unquoted(phrase))
        place = found.end()
        while place < len(text) and text[place].isspace():
            place += 1
    if optional and (required or excluded):
        raise invalid_parameter("Invalid filter pattern: a ?term cannot be combined with terms of other kinds.")

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches
