"""Wildcards in the argument of LIST and NLST, as shells read them: `*`, `?`, `[a-z]`, `[!a-z]`. Pure.

No RFC knows them, every client counts on them (`mget *.txt` sends `NLST *.txt`). Only a path's last component is read
so. A name that begins with a dot is matched by a pattern that does, too, as shells have it.

Matching takes time proportional to the name's length, whatever the pattern.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from crossdock.core.homes import MAX_KEY_BYTES

Matches = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A character that a name must have: of one of these ranges of code points (their last included), or of none."""

    ranges: Sequence[tuple[int, int]] = ()
    is_negative: bool = False


def split_pattern(path: str) -> tuple[str, str]:
    """The part of a path up to its last slash, and the pattern behind it; an empty pattern if there is none.

    `sub/*.txt` becomes `sub/` and `*.txt`, `sub/a.txt` stays whole.
    """
    at = path.rfind("/") + 1
    last = path[at:]
    return (path[:at], last) if any(character in last for character in "*?[") else (path, "")


def compile_pattern(pattern: str) -> Matches:
    """A test for names; a pattern for more characters than a key may have bytes matches none.

    All the places in the pattern where a name may stand are the bits of one number, moved on character by character
    (Shift-And), so that no choice is ever tried twice. What a character may be is looked up and never asked place by
    place: the code points fall into ranges within which all characters fit the same places.
    """
    places, stars = _read(pattern)
    if len(places) > MAX_KEY_BYTES:
        return _matches_nothing
    starts, fits = _table(places)
    accepted = 1 << len(places)

    def matches(name: str) -> bool:
        if name.startswith(".") and not pattern.startswith("."):
            return False
        here = 1
        for character in name:
            here = (here & fits[bisect_right(starts, ord(character))]) << 1 | here & stars
            if not here:
                return False
        return bool(here & accepted)

    return matches


def _table(places: list[_Place]) -> tuple[list[int], list[int]]:
    """Code points in order, and which places a character fits: before the first, from the first on, and so on."""
    first = 0
    changes: defaultdict[int, int] = defaultdict(int)
    for number, place in enumerate(places):
        bit = 1 << number
        if place.is_negative:
            first |= bit
        for low, high in _merged(place.ranges):
            changes[low] ^= bit
            changes[high + 1] ^= bit
    starts = sorted(changes)
    fits = [first]
    for start in starts:
        fits.append(fits[-1] ^ changes[start])
    return starts, fits


def _merged(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same code points in ranges of which no two overlap."""
    covered = -1
    for low, high in sorted(ranges):
        if high > covered and low <= high:
            yield max(low, covered + 1), high
            covered = high


def _read(pattern: str) -> tuple[list[_Place], int]:
    """The characters that a name must have, and the places where any number of others may come between, as bits."""
    places: list[_Place] = []
    stars = 0
    at = 0
    while at < len(pattern):
        character = pattern[at]
        end = _end_of_set(pattern, at) if character == "[" else 0
        if character == "*":
            stars |= 1 << len(places)
        elif character == "?":
            places.append(_Place(is_negative=True))
        elif end:
            places.append(_read_set(pattern[at + 1 : end]))
            at = end
        else:
            places.append(_Place(ranges=[(ord(character), ord(character))]))
        at += 1
    return places, stars


def _end_of_set(pattern: str, at: int) -> int:
    """Where the set that begins there ends, or 0: then the bracket is a character like others.

    The first character of a set belongs to it, even if it is `]`.
    """
    first = at + 2 if pattern[at + 1 : at + 2] in ("!", "^") else at + 1
    return max(pattern.find("]", first + 1), 0)


def _read_set(text: str) -> _Place:
    """A set, without its brackets; `!` or `^` before it turns it round."""
    is_negative = text[0] in "!^"
    left = text[1:] if is_negative else text
    ranges: list[tuple[int, int]] = []
    while left:
        if len(left) > 2 and left[1] == "-":
            ranges.append((ord(left[0]), ord(left[2])))
            left = left[3:]
        else:
            ranges.append((ord(left[0]), ord(left[0])))
            left = left[1:]
    return _Place(ranges=ranges, is_negative=is_negative)


def _matches_nothing(name: str) -> bool:
    return False
