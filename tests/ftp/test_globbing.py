import fnmatch
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.homes import MAX_KEY_BYTES
from crossdock.ftp.globbing import compile_pattern, split_pattern

NAMES = ["a", "b.txt", "a.txt", "ab.txt", "c.TXT", ".hidden.txt", "ü.txt", "a b.txt", "[x].txt", "-", "]"]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*", [name for name in NAMES if name != ".hidden.txt"]),
        ("*.txt", ["b.txt", "a.txt", "ab.txt", "ü.txt", "a b.txt", "[x].txt"]),
        ("?.txt", ["b.txt", "a.txt", "ü.txt"]),
        ("[ab].txt", ["b.txt", "a.txt"]),
        ("[a-c].*", ["b.txt", "a.txt", "c.TXT"]),
        ("[!a]*.txt", ["b.txt", "ü.txt", "[x].txt"]),
        ("[^a]*.txt", ["b.txt", "ü.txt", "[x].txt"]),
        ("a*b*", ["ab.txt", "a b.txt"]),
        (".*", [".hidden.txt"]),
        (".h*.txt", [".hidden.txt"]),
        ("[.]*", []),
        ("?hidden.txt", []),
        ("[[]x[]]*", ["[x].txt"]),
        ("[x].txt", []),
        ("[]-]", ["-", "]"]),
        ("[", []),
        ("a", ["a"]),
        ("**", [name for name in NAMES if name != ".hidden.txt"]),
        ("", []),
    ],
)
def test_names_are_matched_as_shells_do(pattern: str, matched: list[str]) -> None:
    assert [name for name in NAMES if compile_pattern(pattern)(name)] == matched


def test_a_bracket_that_is_never_closed_is_a_bracket() -> None:
    assert compile_pattern("[ab*")("[abc")
    assert not compile_pattern("[ab*")("abc")


@given(st.text("ab*?[]!-z.", max_size=8), st.text("ab[]!-z", max_size=8))
def test_patterns_mean_what_python_takes_them_for(pattern: str, name: str) -> None:
    assert compile_pattern(pattern)(name) == fnmatch.fnmatchcase(name, pattern)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_pattern_can_be_read(pattern: str, name: str) -> None:
    compile_pattern(pattern)(name)


@given(st.text(max_size=20).filter(lambda name: not set(name) & set("*?[")))
def test_a_name_without_wildcards_matches_itself(name: str) -> None:
    assert compile_pattern(name)(name)


@given(
    st.lists(st.sampled_from(["[a-c]", "[c-a]", "[b-da-c]", "[!b-dc]", "[^a-b]", "[aab]", "?", "*", "b"]), max_size=6),
    st.text("abcdeé\U0010ffff", max_size=6),
)
def test_ranges_may_overlap_and_be_empty(pieces: list[str], name: str) -> None:
    pattern = "".join(pieces)
    assert compile_pattern(pattern)(name) == fnmatch.fnmatchcase(name, pattern.replace("[^", "[!"))


@pytest.mark.parametrize("pattern", ["*a" * 2000 + "b", "*" + "[ab]" * 900 + "c", "?" * 4000, "*" * 4000 + "b"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """A backtracking matcher would not come to an end; the time-out of a test run is far below that."""
    matches = compile_pattern(pattern)
    assert not any(matches("a" * 1024) for _ in range(100))


NAME = "".join(chr(0x4E00 + number) for number in range(MAX_KEY_BYTES // 3))
"""As many characters as a key may have where each takes three bytes, no two alike."""


@pytest.mark.parametrize(
    "pattern",
    [
        "*" + "?" * 300,
        "*" + "?" * 4000,
        "*[!a]" * 250,
        "*[!a-cd-fg-i]" * 250,
        "*" + "".join(f"[{chr(0x4E00 + number)}-\u9fff]*" for number in range(300)),
        "*" + "".join(f"{character}*" for character in NAME),
    ],
)
def test_a_name_is_matched_in_as_many_steps_whatever_the_pattern(pattern: str) -> None:
    assert calls(compile_pattern(pattern), NAME) <= calls(compile_pattern("*"), NAME)


def calls(matches: Callable[[str], bool], name: str) -> int:
    count = 0

    def look(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        matches(name)
    finally:
        sys.setprofile(before)
    return count


def test_a_pattern_may_be_for_as_many_characters_as_a_key_has_bytes() -> None:
    assert compile_pattern("[ab]" * MAX_KEY_BYTES)("ab" * (MAX_KEY_BYTES // 2))
    assert compile_pattern("*" * 4000 + "?" * MAX_KEY_BYTES)("a" * MAX_KEY_BYTES)
    assert not compile_pattern("?" * (MAX_KEY_BYTES + 1))("a" * (MAX_KEY_BYTES + 1))


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("", ("", "")),
        ("a", ("a", "")),
        ("*", ("", "*")),
        ("a/b", ("a/b", "")),
        ("a/*.txt", ("a/", "*.txt")),
        ("/a?", ("/", "a?")),
        ("a*/", ("a*/", "")),
        ("a*/b", ("a*/b", "")),
        ("a*/b*", ("a*/", "b*")),
        ("[", ("", "[")),
        ("]", ("]", "")),
    ],
)
def test_a_pattern_is_the_last_component_that_has_wildcards(path: str, parts: tuple[str, str]) -> None:
    assert split_pattern(path) == parts
