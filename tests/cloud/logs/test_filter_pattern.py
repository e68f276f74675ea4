"""Filter patterns of terms: which messages match, and which patterns are refused."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.cloud.logs.filter_pattern import parse_filter
from crossdock.core.errors import ServiceError

MESSAGES = ("[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[WARN] a_b slow", 'say "hi" \\ bye', "")


def matching(pattern):
    return [MESSAGES.index(message) for message in MESSAGES if parse_filter(pattern)(message)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("  ", [0, 1, 2, 3, 4]),
        ('""', [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1]),
        ("error", []),
        ("ERROR REQUEST", [0, 1]),
        ("REQUEST\tBAD", [0]),
        ('"ERROR 401"', [1]),
        ('"BAD REQUEST" ERROR', [0]),
        ("a_b", [2]),
        ("AUTHORIZED", [1]),
        ("?BAD ?WARN", [0, 2]),
        ('?"BAD REQUEST" ?none', [0]),
        ("-ERROR", [2, 3, 4]),
        ('ERROR -"BAD REQUEST"', [1]),
        ("-ERROR -WARN", [3, 4]),
        (r'"\"hi\" \\"', [3]),
        ("400", [0]),
    ],
)
def test_terms_and_phrases(pattern, expected):
    assert matching(pattern) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "user@example.com",
        "a-b",
        "ERROR*",
        "-",
        "?",
        "--ERROR",
        '- "a"',
        '"open',
        '"a"b',
        'a"b"',
        "'a'",
        "%AUTHORIZED%",
        "-%a%",
        "ERROR %a%",
        "[ip, user]",
        "?a b",
        "?a -b",
        "{",
        "}",
        "$.a = 1",
        "a\x00b",
    ],
)
def test_what_is_not_understood_is_refused_never_ignored(pattern):
    with pytest.raises(ServiceError, match="Invalid filter pattern") as caught:
        parse_filter(pattern)
    assert caught.value.code == "InvalidParameterException"


@given(st.text(max_size=60) | st.text("ab \"'\\?-%{}[]()$.=!<>&|*0", max_size=60), st.text(max_size=40))
@example("a \x1f", "")
@example("{ $.a = 1 \x85", "")
def test_any_text_is_a_pattern_or_refused(pattern, message):
    try:
        matches = parse_filter(pattern)
    except ServiceError:
        return
    assert matches(message) in (True, False)


TERMS = st.text("abcé_1", min_size=1, max_size=2)
PHRASES = st.text('ab"\\ -?', max_size=3)


def quoted(phrase):
    return '"' + re.sub(r'(["\\])', r"\\\1", phrase) + '"'


@given(
    st.lists(TERMS.map(lambda text: (text, text)) | PHRASES.map(lambda text: (quoted(text), text)), min_size=1),
    st.sampled_from(["", "-", "?"]),
    st.text('abcé_1"\\ -?', max_size=8),
)
def test_terms_agree_with_a_naive_model(terms, sign, message):
    pattern = " ".join(sign + written for written, _ in terms)
    found = [text in message for _, text in terms]
    expected = {"": all(found), "-": not any(found), "?": any(found)}[sign]
    assert parse_filter(pattern)(message) is expected
