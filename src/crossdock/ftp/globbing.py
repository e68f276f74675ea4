"""Wildcards in the argument of LIST and NLST, as shells read them: `*`, `?`, `[a-z]`, `[!a-z]`. Pure.

No RFC knows them, every client counts on them (`mget *.txt` sends `NLST *.txt`). Only a path's last component is read
so. A name that begins with a dot is matched by a pattern that does, too, as shells have it.

Matching takes time proportional to the name's length, whatever the pattern.
"""

from collections.abc import Callable

Matches = Callable[[str], bool]

_KNOWN_CHARACTERS = 1024
"""Characters whose places in a pattern are remembered; a listing may hold any number of others."""


def split_pattern(path: str) -> tuple[str, str]:
    """The part of a path up to its last slash, and the pattern behind it; an empty pattern if there is none.

    `sub/*.txt` becomes `sub/` and `*.txt`, `sub/a.txt` stays whole.
    """
    at = path.rfind("/") + 1
    last = path[at:]
    return (path[:at], last) if any(character in last for character in "*?[") else (path, "")


def compile_pattern(pattern: str) -> Matches:
    """A test for names.

    All the places in the pattern where a name may stand are the bits of one number, moved on character by character
    (Shift-And), so that no choice is ever tried twice.
    """
    tests, stars = _read(pattern)
    accepted = 1 << len(tests)
    known: dict[str, int] = {}

    def places_of(character: str) -> int:
        if (places := known.get(character)) is None:
            places = sum(1 << place for place, test in enumerate(tests) if test(character))
            if len(known) < _KNOWN_CHARACTERS:
                known[character] = places
        return places

    def matches(name: str) -> bool:
        if name.startswith(".") and not pattern.startswith("."):
            return False
        places = 1
        for character in name:
            places = (places & places_of(character)) << 1 | places & stars
            if not places:
                return False
        return bool(places & accepted)

    return matches


def _read(pattern: str) -> tuple[list[Matches], int]:
    """A test for each character that a name must have, and the places where any number of others may come between."""
    tests: list[Matches] = []
    stars = 0
    at = 0
    while at < len(pattern):
        character = pattern[at]
        end = _end_of_set(pattern, at) if character == "[" else 0
        if character == "*":
            stars |= 1 << len(tests)
        elif character == "?":
            tests.append(_is_anything)
        elif end:
            tests.append(_one_of(pattern[at + 1 : end]))
            at = end
        else:
            tests.append(character.__eq__)
        at += 1
    return tests, stars


def _end_of_set(pattern: str, at: int) -> int:
    """Where the set that begins there ends, or 0: then the bracket is a character like others.

    The first character of a set belongs to it, even if it is `]`.
    """
    first = at + 2 if pattern[at + 1 : at + 2] in ("!", "^") else at + 1
    return max(pattern.find("]", first + 1), 0)


def _one_of(text: str) -> Matches:
    """A set, without its brackets; `!` or `^` before it turns it round."""
    is_negative = text[0] in "!^"
    left = text[1:] if is_negative else text
    characters: set[str] = set()
    ranges: list[tuple[str, str]] = []
    while left:
        if len(left) > 2 and left[1] == "-":
            ranges.append((left[0], left[2]))
            left = left[3:]
        else:
            characters.add(left[0])
            left = left[1:]

    def matches(character: str) -> bool:
        is_in = character in characters or any(low <= character <= high for low, high in ranges)
        return is_in is not is_negative

    return matches


def _is_anything(character: str) -> bool:
    return True
