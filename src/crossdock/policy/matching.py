"""Wildcards, actions and resource ARNs: patterns compiled once at parse time, matched in bounded time.

No pattern is ever handed to a backtracking matcher. One without `?`, such as `*a*a*a*b`, is looked for piece by piece,
as fast as `str.find`. One with `?` takes a step of some 0.1 microseconds for each character of the text, and more where
it is longer than the bits of a few machine words; but a text that lacks its pieces is told as fast as the others.

Sources: IAM User Guide, "IAM JSON policy elements: Resource" (wildcards within the segments of an ARN, the last of
which may span colons) and "IAM JSON policy elements: Action" (names are compared without case).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from crossdock.policy.variables import Context, Part, Token, Wild, fill, fixed_tokens, split_pattern

Test = Callable[[str], bool]

ARN_SEGMENTS = 6


def compile_tokens(tokens: Sequence[Token]) -> Test:
    """Make a test for texts that match a pattern completely."""
    tokens = _normalised(tokens)
    if Wild.ONE in tokens:
        return _state_machine(tokens)
    pieces = _pieces(tokens)
    if len(pieces) == 1:
        return _equals(pieces[0])
    return _in_order(pieces[0], [piece for piece in pieces[1:-1] if piece], pieces[-1])


def _normalised(tokens: Sequence[Token]) -> list[Token]:
    """Neighbouring texts joined, neighbouring `*` made one."""
    joined: list[Token] = []
    for token in tokens:
        last = joined[-1] if joined else None
        if isinstance(token, str) and isinstance(last, str):
            joined[-1] = last + token
        elif token is Wild.ANY and last is Wild.ANY:
            continue
        elif token != "":
            joined.append(token)
    return joined


def _pieces(tokens: Sequence[Token]) -> list[str]:
    pieces = [""]
    for token in tokens:
        if isinstance(token, str):
            pieces[-1] = token
        else:
            pieces.append("")
    return pieces


def _equals(text: str) -> Test:
    def test(value: str) -> bool:
        return value == text

    return test


def _in_order(prefix: str, middle: Sequence[str], suffix: str) -> Test:
    """Every piece at its first place after the one before: if that fails, no other choice succeeds."""
    shortest = len(prefix) + sum(map(len, middle)) + len(suffix)

    def test(value: str) -> bool:
        if len(value) < shortest or not value.startswith(prefix) or not value.endswith(suffix):
            return False
        place, end = len(prefix), len(value) - len(suffix)
        for piece in middle:
            place = value.find(piece, place, end)
            if place < 0:
                return False
            place += len(piece)
        return True

    return test


def _state_machine(tokens: Sequence[Token]) -> Test:
    """All the places in the pattern where the text may stand, as the bits of one number (Shift-And).

    Needed for `?` only, which `str.find` does not know. It is slow, so a text is first searched for what must be in it.
    """
    has_pieces = _with_gaps(tokens)
    wanted: list[str | None] = []
    loops = 0
    for token in tokens:
        if isinstance(token, str):
            wanted.extend(token)
        elif token is Wild.ONE:
            wanted.append(None)
        else:
            loops |= 1 << len(wanted)
    anything = sum(1 << place for place, character in enumerate(wanted) if character is None)
    steps: dict[str, int] = {}
    for place, character in enumerate(wanted):
        if character is not None:
            steps[character] = steps.get(character, anything) | 1 << place
    accepted = 1 << len(wanted)

    def test(value: str) -> bool:
        if not has_pieces(value):
            return False
        places = 1
        for character in value:
            places = (places & steps.get(character, anything)) << 1 | places & loops
            if not places:
                return False
        return bool(places & accepted)

    return test


def _with_gaps(tokens: Sequence[Token]) -> Test:
    """Whether a text has all the literal pieces in order, with room for each `?` between them, or more."""
    pieces: list[tuple[int, str]] = []
    gap = 0
    for token in tokens:
        if isinstance(token, str):
            pieces.append((gap, token))
            gap = 0
        elif token is Wild.ONE:
            gap += 1

    def test(value: str) -> bool:
        place = 0
        for before, piece in pieces:
            place = value.find(piece, place + before)
            if place < 0:
                return False
            place += len(piece)
        return len(value) - place >= gap

    return test


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSet:
    """Several patterns as one question, the cheap forms first."""

    is_everything: bool
    exact: frozenset[str]
    prefixes: tuple[str, ...]
    tests: tuple[Test, ...]

    def covers(self, text: str) -> bool:
        if self.is_everything or text in self.exact or text.startswith(self.prefixes):
            return True
        return any(test(text) for test in self.tests) if self.tests else False


def pattern_set(patterns: Iterable[Sequence[Token]], further: Iterable[Test] = ()) -> PatternSet:
    """Sort patterns into the forms of a `PatternSet`; `further` are tests of another making."""
    is_everything = False
    exact: list[str] = []
    prefixes: list[str] = []
    tests = list(further)
    for pattern in patterns:
        match _normalised(pattern):
            case []:
                exact.append("")
            case [str(text)]:
                exact.append(text)
            case [Wild.ANY]:
                is_everything = True
            case [str(text), Wild.ANY]:
                prefixes.append(text)
            case tokens:
                tests.append(compile_tokens(tokens))
    return PatternSet(is_everything=is_everything, exact=frozenset(exact), prefixes=tuple(prefixes), tests=tuple(tests))


def action_set(actions: Iterable[str]) -> PatternSet:
    """For actions in lower case."""
    return pattern_set(
        fixed_tokens(split_pattern(action.lower(), has_wildcards=True, has_variables=False)) or () for action in actions
    )


Segments = tuple[tuple[Part, ...], ...]


def split_arn(text: str, *, has_variables: bool) -> Segments:
    """The segments of an ARN pattern, at most six: the resource keeps its own colons, a variable keeps its."""
    segments: list[list[Part]] = [[]]
    for part in split_pattern(text, has_wildcards=True, has_variables=has_variables):
        if not isinstance(part, str):
            segments[-1].append(part)
            continue
        first, *others = part.split(":", ARN_SEGMENTS - len(segments))
        segments[-1].append(first)
        segments.extend([other] for other in others)
    return tuple(tuple(segment) for segment in segments)


def arn_test(segments: Sequence[Sequence[Token]]) -> Test:
    """Each segment by itself: a `*` before the fifth colon does not reach over a colon."""
    tests = [compile_tokens(segment) for segment in segments]

    def test(value: str) -> bool:
        given = value.split(":", ARN_SEGMENTS - 1)
        return len(given) == len(tests) and all(one(text) for one, text in zip(tests, given, strict=True))

    return test


def _whole(segments: Segments) -> list[Part] | None:
    """The ARN as one pattern, when nothing could reach from one segment into the next: all but the last are literal."""
    whole: list[Part] = []
    for segment in segments[:-1]:
        if not all(isinstance(part, str) for part in segment):
            return None
        whole += [*segment, ":"]
    return [*whole, *segments[-1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArnSet:
    """ARN patterns: without variables, with variables in the resource part only, with variables anywhere."""

    fixed: PatternSet
    templates: tuple[tuple[Part, ...], ...]
    split_templates: tuple[Segments, ...]

    def covers(self, arn: str, context: Context) -> bool:
        """A pattern whose variable has no value covers nothing ("Policy variables with no value")."""
        if self.fixed.covers(arn):
            return True
        for template in self.templates:
            tokens = fill(template, context)
            if tokens is not None and compile_tokens(tokens)(arn):
                return True
        for segments in self.split_templates:
            filled = [tokens for segment in segments if (tokens := fill(segment, context)) is not None]
            if len(filled) == len(segments) and arn_test(filled)(arn):
                return True
        return False


def arn_set(patterns: Iterable[str], *, has_variables: bool) -> ArnSet:
    """Compile the ARN patterns of one element; the single `*` is everything.

    An ARN with fewer than six segments is completed with `*` ("IAM JSON policy elements: Resource", incomplete ARNs).
    """
    fixed: list[Sequence[Token]] = []
    tests: list[Test] = []
    templates: list[tuple[Part, ...]] = []
    split_templates: list[Segments] = []
    for pattern in patterns:
        if pattern == "*":
            fixed.append((Wild.ANY,))
            continue
        segments = split_arn(pattern, has_variables=has_variables)
        segments += ((Wild.ANY,),) * (ARN_SEGMENTS - len(segments))
        tokens = [found for segment in segments if (found := fixed_tokens(segment)) is not None]
        whole = _whole(segments)
        if whole is not None and (one := fixed_tokens(whole)) is not None:
            fixed.append(one)
        elif whole is not None:
            templates.append(tuple(whole))
        elif len(tokens) == len(segments):
            tests.append(arn_test(tokens))
        else:
            split_templates.append(segments)
    return ArnSet(fixed=pattern_set(fixed, tests), templates=tuple(templates), split_templates=tuple(split_templates))
