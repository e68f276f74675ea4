import re
import time
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.policy.matching import action_set, arn_set, arn_test, compile_tokens, pattern_set, split_arn
from crossdock.policy.variables import Wild, fixed_tokens, split_pattern


def matches(pattern: str, text: str) -> bool:
    tokens = fixed_tokens(split_pattern(pattern, has_wildcards=True, has_variables=False))
    assert tokens is not None
    assert compile_tokens(tokens)(text) is pattern_set([tokens]).covers(text)
    return compile_tokens(tokens)(text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("**", "abc", True),
        ("?", "a", True),
        ("?", "", False),
        ("?", "ab", False),
        ("a*", "abc", True),
        ("a*", "a", True),
        ("*c", "abc", True),
        ("a*c", "ac", True),
        ("a*c", "abcd", False),
        ("ab*bc", "abc", False),
        ("*a*b*", "xxaxxbxx", True),
        ("*a*b*", "xxbxxaxx", False),
        ("a*b*c", "abbc", True),
        ("a?c*", "abcdef", True),
        ("*?", "", False),
        ("?*?", "ab", True),
        ("a*?b", "ab", False),
        ("*b?", "abbb", True),
        ("a\n*", "a\nb", True),
        ("[ab]", "a", False),
        ("a.c", "abc", False),
    ],
)
def test_stars_and_question_marks(pattern: str, text: str, expected: bool):
    assert matches(pattern, text) is expected


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=14))
def test_matching_agrees_with_a_backtracking_matcher(pattern: str, text: str):
    assert matches(pattern, text) is bool(re.match(translate(pattern), text))


@given(st.text(max_size=40))
def test_every_text_matches_itself_when_its_signs_are_escaped(text: str):
    escaped = re.sub(r"[*?$]", lambda found: "${" + found.group() + "}", text)
    tokens = fixed_tokens(split_pattern(escaped, has_wildcards=True, has_variables=True))
    assert tokens is not None
    assert compile_tokens(tokens)(text)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 5_000 + "b",
        "*a?" * 3_000 + "b",
        "?" * 5_000 + "*b",
        "*" * 10_000 + "b",
        "*a*aa*aaa*b?",
        "*" + "a" * 9_000,
    ],
)
def test_huge_wildcards_against_long_texts_are_decided_in_bounded_time(pattern: str):
    tokens = fixed_tokens(split_pattern(pattern, has_wildcards=True, has_variables=False))
    assert tokens is not None
    test = compile_tokens(tokens)
    started = time.process_time()
    assert not test("a" * 10_000 + "c")
    assert time.process_time() - started < 2


def test_actions_are_compared_without_case():
    actions = action_set(["S3:GetObject", "s3:Put*", "ec2:Describe?nstances"])
    assert actions.covers("s3:getobject")
    assert actions.covers("s3:putobject")
    assert actions.covers("ec2:describeinstances")
    assert not actions.covers("s3:getobjectacl")


def test_an_empty_set_covers_nothing():
    assert not action_set([]).covers("s3:getobject")
    assert not arn_set([], has_variables=True).covers("arn:aws:s3:::b", {})


def covers(pattern: str, arn: str, context: dict | None = None) -> bool:
    return arn_set([pattern], has_variables=True).covers(arn, context or {})


def test_a_single_star_covers_whatever_there_is():
    assert covers("*", "arn:aws:s3:::b")
    assert covers("*", "*")


def test_the_resource_of_an_arn_keeps_its_colons():
    assert split_arn("arn:aws:lambda:r:a:function:f:v", has_variables=True)[-1] == ("function:f:v",)
    assert covers("arn:aws:lambda:r:a:function:*", "arn:aws:lambda:r:a:function:f:v")


def test_a_star_before_the_resource_does_not_reach_over_a_colon():
    assert covers("arn:aws:lambda:*:1:f", "arn:aws:lambda:r:1:f")
    assert not covers("arn:aws:lambda:*:f", "arn:aws:lambda:r:1:f")
    assert not covers("arn:aws:lambda:*:1:f", "arn:aws:lambda:r:2:x:1:f")


def test_an_incomplete_arn_is_completed_with_stars():
    assert covers("arn:aws:sqs", "arn:aws:sqs:r:1:q")
    assert covers("arn:aws:sqs:r", "arn:aws:sqs:r:1:q")
    assert not covers("arn:aws:sqs:other", "arn:aws:sqs:r:1:q")
    assert not covers("arn:aws:s3:::", "arn:aws:s3:::b")


def test_something_that_is_no_arn_matches_no_arn_pattern():
    assert not covers("arn:aws:*:r:1:q", "q")
    assert not covers("arn:aws:s3:::*", "*")
    assert not covers("arn:${a}:${b}:${c}:${d}:*", "x")


def test_variables_in_any_segment_are_filled_and_stay_in_their_segment():
    assert covers("arn:aws:s3:::b/${k}/*", "arn:aws:s3:::b/me/x", {"k": ("me",)})
    assert not covers("arn:aws:s3:::b/${k}/*", "arn:aws:s3:::b/me/x", {})
    assert covers("arn:aws:sqs:*:${k}:q", "arn:aws:sqs:r:1:q", {"k": ("1",)})
    assert not covers("arn:aws:sqs:*:${k}:q", "arn:aws:sqs:r:1:q", {})
    assert not covers("arn:aws:sqs:*:${k}:q", "arn:aws:sqs:r:1:2:q", {"k": ("1:2",)})


def test_each_segment_is_tested_by_itself():
    test = arn_test([("arn",), (Wild.ANY,), ("s3",), (), (), ("b",)])
    assert test("arn:aws:s3:::b")
    assert not test("arn:aws:s3:::c")
    assert not test("arn:aws:s3")


def test_many_patterns_with_question_marks_are_refused_at_once_by_a_text_that_lacks_their_pieces():
    patterns = [
        fixed_tokens(split_pattern(f"*{'?' * 20}a{number}*b", has_wildcards=True, has_variables=False))
        for number in range(250)
    ]
    found = pattern_set([one for one in patterns if one is not None])
    began = time.process_time()
    assert not any(found.covers(text) for text in ["ab" * 10_000] * 5)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*?a??b?", "xaxxbx", True),
        ("*?a??b?", "xaxxxbx", False),
        ("*a?b*", "a-xb-a-b-a_b", True),
        ("*a?b*", "a-xb-axxb", False),
        ("??*??", "abc", False),
        ("??*??", "abcd", True),
    ],
)
def test_pieces_stand_exactly_as_far_apart_as_the_question_marks_say(pattern: str, text: str, expected: bool):
    assert matches(pattern, text) is expected
