"""Filter patterns for JSON: selectors, comparisons, and what of AWS's syntax is refused."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.cloud.logs.json_pattern import MAX_DEPTH, parse_json_pattern
from crossdock.core.errors import ServiceError

EVENT = {
    "activity-type": "ERROR",
    "path": "/bucket/a file",
    "user": {"id": 1, "name": "John", "roles": ["admin", "dev"]},
    "users": [{"id": 2}, {"id": -3.5}],
    "bytes-in": "12",
    "count": 500,
    "ratio": 1.5e-3,
    "ip": "123.123.4.5",
    "ok": True,
    "bad": False,
    "none": None,
    "star": "a*b",
    "quote": 'a"b\\',
}


def matches(pattern, event=EVENT):
    return parse_json_pattern(pattern)(json.dumps(event))


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.activity-type = "ERROR" }',
        "{$.activity-type=ERROR}",
        "{ $.activity-type = ERR* }",
        '{ $.path = "/bucket/*" }',
        '{ $.path = "*a f*le" }',
        '{ $.path != "/other/*" }',
        "{ $.ip = 123.123.* }",
        "{ $.user.id = 1 }",
        "{ $.user.id = 1.0 }",
        "{ $.user.roles[1] = dev }",
        "{ $.users[1].id < -3 }",
        "{ $.count >= 500 && $.count <= 5e2 }",
        "{ $.count > 499 }",
        "{ $.count != 4 }",
        "{ $.ratio = 0.0015 }",
        "{ $.ratio < .5 }",
        "{ $.ok IS TRUE }",
        "{ $.bad IS FALSE }",
        "{ $.none IS NULL }",
        "{ $.missing NOT EXISTS }",
        "{ $.user.roles[2] NOT EXISTS }",
        "{ $.user.name[0] NOT EXISTS }",
        "{ $.activity-type.a NOT EXISTS }",
        '{ $.bytes-in = "12" }',
        "{ $.bytes-in != 13 }",
        '{ $.count != "500" }',
        '{ $.activity-type = "OPEN" || $.user.id = 1 }',
        "{ ($.user.id = 9 || $.count = 500) && ($.ok IS TRUE) }",
        "{ $.user.id = 9 && $.count = 1 || $.ok IS TRUE }",
        "{ $.ok IS TRUE || $.user.id = 9 && $.count = 1 }",
        r'{ $.quote = "a\"b\\" }',
        "{ $.activity-type = * }",
    ],
)
def test_what_matches(pattern):
    assert matches(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.activity-type = "error" }',
        '{ $.activity-type = "ERR" }',
        '{ $.activity-type != "ERR*" }',
        '{ $.user.id = "1" }',
        "{ $.bytes-in = 12 }",
        "{ $.bytes-in > 1 }",
        "{ $.count > 500 }",
        "{ $.ok = 1 }",
        "{ $.bad = 0 }",
        "{ $.ok IS FALSE }",
        "{ $.count IS TRUE }",
        "{ $.missing IS NULL }",
        "{ $.none NOT EXISTS }",
        "{ $.user NOT EXISTS }",
        # What is not there, and what is no string or number, is not different from anything either.
        '{ $.missing != "x" }',
        "{ $.missing != 1 }",
        '{ $.user != "x" }',
        "{ $.users != 1 }",
        '{ $.none != "x" }',
        "{ $.ok != 1 }",
        "{ $.users[7].id = 2 }",
        "{ ($.user.id = 9 || $.count = 500) && ($.ok IS FALSE) }",
        "{ $.ok IS TRUE && ($.user.id = 9 || $.count = 1) }",
    ],
)
def test_what_does_not_match(pattern):
    assert not matches(pattern)


@pytest.mark.parametrize(
    "message",
    ["", "ERROR", "{", "[1]", '"a"', "1", '{"a": 1} trailing', "{" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 5000],
)
def test_a_message_that_is_no_json_object_never_matches(message):
    assert not parse_json_pattern("{ $.b NOT EXISTS }")(message)


def test_spaces_before_the_object_do_not_matter():
    assert parse_json_pattern("{ $.a = 1 }")(' \n{"a": 1}\n')


@pytest.mark.parametrize(
    "pattern",
    [
        "{",
        "{}",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ $.a = 1 } }",
        "{ $ = 1 }",
        "{ a = 1 }",
        "{ $.a == 1 }",
        "{ $.a = 1 & $.b = 2 }",
        "{ $.a = 1 && }",
        "{ && $.a = 1 }",
        "{ ($.a = 1 }",
        "{ $.a = 1) }",
        "{ $.a IS }",
        "{ $.a IS MAYBE }",
        "{ $.a is true }",
        "{ $.a NOT NULL }",
        "{ $.a EXISTS }",
        '{ $.a > "x" }',
        "{ $.a < b }",
        "{ $.a = %x% }",
        "{ $.a =~ x }",
        "{ $.a[*] = 1 }",
        "{ $.a.* = 1 }",
        "{ $.a[-1] = 1 }",
        "{ $.a[x] = 1 }",
        "{ $.a[1 = 1 }",
        "{ $..a = 1 }",
        '{ $."a" = 1 }',
        '{ $.a = "open }',
        "{ $.a = x y }",
        '{ $.a = x"y" }',
        "{ $.a = 1e999 }",
        "{ !($.a = 1) }",
        "{ $.a = $.b }",
        "{ " + "(" * (MAX_DEPTH + 1) + "$.a = 1" + ")" * (MAX_DEPTH + 1) + " }",
        "{ " + "(" * 1000,
    ],
)
def test_what_is_not_understood_is_refused_never_ignored(pattern):
    with pytest.raises(ServiceError, match="Invalid filter pattern") as caught:
        parse_json_pattern(pattern)
    assert caught.value.code == "InvalidParameterException"


def test_parentheses_may_be_as_deep_as_promised():
    assert matches("{ " + "(" * MAX_DEPTH + "$.user.id = 1" + ")" * MAX_DEPTH + " }")


FRAGMENTS = st.sampled_from(
    [
        *("$.a", "$.b[0].c", "=", "!=", "<", ">=", "&&", "||", "(", ")", "IS", "NULL", "TRUE", "NOT", "EXISTS"),
        *("1", "-2.5e3", '"x*"', "x*", "%", "{", "}", " ", "\\", '"', "$", "é", "\x1f"),
    ]
)


@given(
    st.lists(FRAGMENTS, max_size=14).map("".join),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=8,
    ),
)
@example("$.a = 1 } \x1f", {})
def test_anything_in_braces_is_a_pattern_or_refused(inside, document):
    try:
        found = parse_json_pattern("{ " + inside + " }")
    except ServiceError:
        return
    assert found(json.dumps(document)) in (True, False)


@given(st.text("ab*", max_size=6), st.text("ab", max_size=6))
def test_a_star_is_any_text(pattern, value):
    def naive(pieces, text):
        if not pieces:
            return not text
        if pieces[0] == "*":
            return any(naive(pieces[1:], text[start:]) for start in range(len(text) + 1))
        return text[:1] == pieces[0] and naive(pieces[1:], text[1:])

    assert matches(f'{{ $.a = "{pattern}" }}', {"a": value}) is naive(pattern, value)
    assert matches(f'{{ $.a != "{pattern}" }}', {"a": value}) is not naive(pattern, value)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_compared_as_numbers(left, right):
    expected = {"=": left == right, "!=": left != right, "<": left < right, ">=": left >= right}
    for sign, is_so in expected.items():
        assert matches(f"{{ $.a {sign} {right!r} }}", {"a": left}) is is_so
