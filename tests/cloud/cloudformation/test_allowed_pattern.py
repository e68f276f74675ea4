"""AllowedPattern: what its expressions match, which are refused, and that none of them takes long."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.cloud.cloudformation.allowed_pattern import (
    MAX_NESTING,
    MAX_PATTERN_CHARS,
    MAX_STEPS,
    BadPattern,
    Budget,
    matches,
)


def fits(pattern: str, text: str) -> bool:
    return matches(pattern, text, Budget())


def refusal(pattern: str, text: str = "a") -> str:
    with pytest.raises(BadPattern) as caught:
        fits(pattern, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("abc", "xabc", False),
        ("^abc$", "abc", True),
        ("a.c", "abc", True),
        ("a.c", "a\nc", False),
        ("a.c", "a\u2028c", False),
        ("a|bc|", "bc", True),
        ("a|bc|", "", True),
        ("a|bc", "abc", False),
        ("(a|b)c", "bc", True),
        ("(?:ab)+", "ababab", True),
        ("(?:ab)+", "aba", False),
        ("a*?b", "aaab", True),
        ("a+?", "aaa", True),
        ("a?", "", True),
        ("a?", "aa", False),
        ("a??b", "b", True),
        ("a{3}", "aaa", True),
        ("a{3}", "aa", False),
        ("a{3}", "a", False),
        ("a{2,}", "aaaa", True),
        ("a{2,}", "a", False),
        ("a{1,2}", "aaa", False),
        ("a{0}", "", True),
        ("a{2}?", "aa", True),
        ("(a|ab)(c|bcd)", "abcd", True),
        ("(|a){3}", "aa", True),
        (r"\.\*\-\\\/", r".*-\/", True),
        (r"\d{3}-\d{2}", "123-45", True),
        (r"\d", "٣", False),
        (r"\w+", "aZ_9", True),
        (r"\w", "ä", False),
        (r"\s\S\D\W", " xx-", True),
        (r"\t\n\r\f", "\t\n\r\f", True),
        (r"[\w.-]+@[\w.-]+", "a.b-c@d.e", True),
        ("[abc]", "b", True),
        ("[^abc]", "b", False),
        ("[^abc]", "\n", True),
        ("[a-cx-z]+", "abcxyz", True),
        ("[a-c]", "d", False),
        ("[b-b]", "b", True),
        ("[]a]+", "]a", True),
        ("[^]a]", "]", False),
        ("[a-]+", "a-", True),
        ("[-a]+", "a-", True),
        ("[a^]+", "^a", True),
        ("[a&b]+", "a&b", True),
        ("[.*+?|(){}$]+", ".*+?|(){}$", True),
        (r"[\]\[\\]+", r"[]\ "[:-1], True),
        (r"[\d\s]+", "1 2", True),
        (r"[^\d\s]", "1", False),
        (r"[\w-.]+", "a-.", True),
        (r"[!-\/]+", "!#/", True),
        (r"[!-\/]", "0", False),
        (r"[\+-\.]+", "+,-.", True),
        (r"[\+-\.]", "/", False),
        ("a}b]", "a}b]", True),
        (r"\p{Alpha}\p{Digit}\P{Upper}", "a1x", True),
        (r"\P{Upper}", "X", False),
        (r"[\p{Lower}\p{Punct}]+", "a!", True),
        (r"\p{XDigit}{2}", "fG", False),
        (r"\Aab\z", "ab", True),
        (r"\Aab\Z", "ab", True),
        ("a^b", "ab", False),
        ("a$b", "ab", False),
        ("(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{8,}", "Password1", True),
        ("(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{8,}", "password1", False),
        ("(?!.*admin)[a-z]+", "administrator", False),
        ("(?!.*admin)[a-z]+", "operator", True),
        ("a(?=b)", "ab", False),
        ("😀+", "😀😀", True),
    ],
)
def test_a_pattern_is_matched_against_the_whole_text(pattern: str, text: str, expected: bool):
    assert fits(pattern, text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a$\n", "a\n", True),
        (r"a\Z\n", "a\n", True),
        (r"a\z\n", "a\n", False),
        ("a$\r\n", "a\r\n", True),
        ("a\r$\n", "a\r\n", False),
        ("a$\r", "a\r", True),
        ("a$\n\n", "a\n\n", False),
        (r"(?!.*bad$)[a-z\n]*", "bad\n", False),
        ("a$", "a\n", False),
    ],
)
def test_a_dollar_also_stands_before_a_last_line_end(pattern: str, text: str, expected: bool):
    assert fits(pattern, text) is expected


@pytest.mark.parametrize("name", ["Alnum", "Alpha", "Digit", "Lower", "Punct", "Space", "Upper", "XDigit"])
def test_a_named_class_is_what_ascii_says(name: str):
    tests = {
        "Alnum": str.isalnum,
        "Alpha": str.isalpha,
        "Digit": str.isdigit,
        "Lower": str.islower,
        "Punct": string.punctuation.__contains__,
        "Space": " \t\n\r\f\v".__contains__,
        "Upper": str.isupper,
        "XDigit": string.hexdigits.__contains__,
    }
    for character in map(chr, range(128)):
        assert fits(rf"\p{{{name}}}", character) is bool(tests[name](character)), repr(character)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "a ( has no )"),
        ("(a))", "a ) has no ("),
        (")", "a ) has no ("),
        ("[a", "it ends too early"),
        ("[]", "it ends too early"),
        ("[^]", "it ends too early"),
        ("a\\", "it ends too early"),
        ("*a", "nothing comes before *"),
        ("a|+", "nothing comes before +"),
        ("(?:?)", "nothing comes before ?"),
        ("{2}", "nothing comes before {"),
        ("a{2}{3}", "nothing comes before {"),
        ("a**", "possessive and doubled quantifiers are not supported"),
        ("a++", "possessive and doubled quantifiers are not supported"),
        ("a?+", "possessive and doubled quantifiers are not supported"),
        ("a{2}+", "possessive and doubled quantifiers are not supported"),
        ("a{x}", "a { is not a repetition"),
        ("a{", "a { is not a repetition"),
        ("a{}", "a { is not a repetition"),
        ("a{,2}", "a { is not a repetition"),
        ("a{1,2", "a { is not a repetition"),
        ("a{1, 2}", "a { is not a repetition"),
        ("a{-1}", "a { is not a repetition"),
        ("a{4097}", "a { is not a repetition"),
        ("a{٣}", "a { is not a repetition"),
        ("a{3,2}", "a repetition ends before it begins"),
        ("[z-a]", "a range ends before it begins"),
        (r"[a-\d]", "a range ends in a class"),
        (r"[a-\W]", "a range ends in a class"),
        ("[a[bc]]", "classes inside classes are not supported"),
        ("[A-[]", "classes inside classes are not supported"),
        ("[a-z&&b]", "classes inside classes are not supported"),
        (r"(a)\1", r"\1 is not supported"),
        (r"\bword\b", r"\b is not supported"),
        (r"\Qa.b\E", r"\Q is not supported"),
        (r"\x41", r"\x is not supported"),
        (r"[\b]", r"\b is not supported"),
        (r"[\A]", r"\A is not supported"),
        (r"\p{L}", r"\p{L} is not supported"),
        (r"\p{Alpha", r"\p{Alpha} is not supported"),
        (r"\pL", r"a \p has no name"),
        ("(?i)a", "groups of this kind are not supported"),
        ("(?<name>a)", "groups of this kind are not supported"),
        ("(?<=a)b", "groups of this kind are not supported"),
        ("(?>a)", "groups of this kind are not supported"),
        ("(?", "groups of this kind are not supported"),
        ("(" * 50 + ")" * 50, "its groups are nested too deeply"),
        ("(?=" * 50 + ")" * 50, "its groups are nested too deeply"),
        ("a" * (MAX_PATTERN_CHARS + 1), f"it is longer than {MAX_PATTERN_CHARS} characters"),
    ],
)
def test_what_is_malformed_or_unknown_is_refused_with_the_reason(pattern: str, reason: str):
    assert refusal(pattern) == reason


def test_groups_are_nested_up_to_the_limit_and_side_by_side_without_one():
    # The whole pattern counts as the outermost.
    assert fits("(" * (MAX_NESTING - 1) + "a" + ")" * (MAX_NESTING - 1), "a")
    assert refusal("(" * MAX_NESTING + "a" + ")" * MAX_NESTING) == "its groups are nested too deeply"
    assert fits("(a)" * 200, "a" * 200)
    assert fits("|".join(["(b)"] * 200), "b")


CHARACTERS = st.sampled_from(["a", "b", "c", ".", r"\.", r"\d", r"\w", r"\S", "[ab]", "[^a]", "[b-c1]", r"[^\d.]", "$"])


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}"])
    return st.builds(lambda part, quantifier: f"(?:{part}){quantifier}", inner, quantifiers)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=3)
    return st.one_of(
        several.map("".join),
        several.map(lambda parts: f"({'|'.join(parts)})"),
        repeated(inner),
        inner.map(lambda part: f"(?={part})"),
        inner.map(lambda part: f"(?!{part})"),
    )


PATTERNS = st.recursive(CHARACTERS, larger, max_leaves=8)


@settings(deadline=None, max_examples=120)
@given(PATTERNS, st.lists(st.text("abc1.\n", max_size=7), min_size=1, max_size=6))
def test_matching_agrees_with_a_backtracking_matcher(pattern: str, texts: list[str]):
    expected = re.compile(pattern)
    for text in texts:
        assert fits(pattern, text) is bool(expected.fullmatch(text)), (pattern, text)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40))
def test_every_text_matches_itself_when_its_signs_are_escaped(text: str):
    assert fits("".join("\\" + c if c in string.punctuation else c for c in text), text)


@settings(deadline=None, max_examples=100)
@given(st.text(r"ab(){}[]|*+?\^$.,-=!:1pd&<", max_size=25), st.text("ab1", max_size=8))
def test_no_pattern_fails_but_with_a_reason(pattern: str, text: str):
    try:
        outcome: object = fits(pattern, text)
    except BadPattern as error:
        outcome = str(error)
    assert isinstance(outcome, bool) or outcome


def steps(pattern: str, text: str) -> int:
    budget = Budget()
    matches(pattern, text, budget)
    return MAX_STEPS - budget.steps


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(a|aa)+b", "((a+)+)+b", "(.*)(.*)(.*)b"])
def test_a_pattern_that_traps_backtracking_takes_steps_in_proportion_to_the_text(pattern: str):
    assert not fits(pattern, "a" * 2_000)
    assert fits(pattern, "a" * 2_000 + "b")
    assert steps(pattern, "a" * 2_000) <= 2.1 * steps(pattern, "a" * 1_000)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:(?=a*).)*b",
        "(?:(?=.*c)?.)*",
        "(?:(?:(?:){4096}){4096}){4096}",
        "(?:.*" + "c{0}" * 400 + "){4096}",
        "(?:.*(?:" + "|" * 1900 + ")){4096}",
        "(?:(?=[" + "b-c" * 600 + "]*)a)*",
    ],
)
def test_a_costly_pattern_is_refused_when_its_steps_are_spent(pattern: str):
    budget = Budget()
    with pytest.raises(BadPattern, match="it takes too long to match"):
        matches(pattern, "a" * 4_096, budget)
    assert budget.steps < 0


def test_one_budget_serves_many_texts():
    budget = Budget()
    assert matches("[a-z]+", "abc", budget)
    assert 0 < MAX_STEPS - budget.steps < 100
    left = budget.steps
    assert matches("[a-z]+", "abc", budget)
    assert left - budget.steps == MAX_STEPS - left
    with pytest.raises(BadPattern, match="it takes too long to match"):
        matches("a*", "a", Budget(steps=2))


def test_what_templates_write_takes_few_steps():
    address = (
        r"^(([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])\.){3}([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])$"
    )
    assert fits(address, "192.168.10.255")
    assert not fits(address, "192.168.10.256")
    assert steps(address, "192.168.10.255") < 1_000
    assert steps("(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[!-/:-@]).{8,4096}", "aA1!" * 1_024) < MAX_STEPS
