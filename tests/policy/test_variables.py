import time

import pytest

from crossdock.policy.variables import Variable, Wild, fill, fixed_tokens, split_pattern


def split(text: str) -> tuple:
    return split_pattern(text, has_wildcards=True, has_variables=True)


def test_a_plain_text_is_one_part():
    assert split("home") == ("home",)
    assert split("") == ()
    assert split_pattern("", has_wildcards=False, has_variables=False) == ()


def test_wildcards_and_variables_are_found_between_texts():
    assert split("a*b?${aws:UserName}/c") == (
        "a",
        Wild.ANY,
        "b",
        Wild.ONE,
        Variable(key="aws:username"),
        "/c",
    )


def test_without_wildcards_a_star_is_text():
    assert split_pattern("a*${k}", has_wildcards=False, has_variables=True) == ("a*", Variable(key="k"))


def test_without_variables_a_dollar_and_braces_are_text_and_a_star_within_them_is_a_wildcard():
    assert split_pattern("${*}", has_wildcards=True, has_variables=False) == ("${", Wild.ANY, "}")
    assert split_pattern("${aws:x}*", has_wildcards=False, has_variables=False) == ("${aws:x}*",)


@pytest.mark.parametrize("sign", ["*", "?", "$"])
def test_an_escaped_sign_is_text(sign: str):
    assert split(f"${{{sign}}}") == (sign,)


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("${aws:PrincipalTag/team, 'none'}", Variable(key="aws:principaltag/team", default="none")),
        ("${aws:userid, ''}", Variable(key="aws:userid", default="")),
        ("${k, 'a, b'}", Variable(key="k", default="a, b")),
        ("${k,'x'}", Variable(key="k,'x'")),
        ("${k, 'x}", Variable(key="k, 'x")),
        ("${}", Variable(key="")),
    ],
)
def test_a_default_stands_in_quotes_after_a_comma_and_a_space(text: str, variable: Variable):
    assert split(text) == (variable,)


@pytest.mark.parametrize("text", ["${aws:username", "$aws:username}", "${a{b}", "$${", "${a${"])
def test_an_unfinished_variable_is_text(text: str):
    assert fixed_tokens(split(text)) is not None


def test_tokens_without_variables_are_fixed():
    assert fixed_tokens(split("a*")) == ("a", Wild.ANY)
    assert fixed_tokens(split("a${k}")) is None


@pytest.mark.parametrize("context", [{}, {"k": ()}, {"k": ("",)}, {"k": ("a", "b")}])
def test_a_key_that_is_absent_or_empty_or_has_several_values_gives_none(context: dict):
    assert fill(split("x${k}"), context) is None
    assert fill(split("x${k, 'd'}"), context) == ("x", "d")


def test_a_value_stays_literal_text():
    assert fill(split("${k}*"), {"k": ("a*${k}",)}) == ("a*${k}", Wild.ANY)


@pytest.mark.parametrize("text", ["${" * 60_000, "${" + "a" * 120_000, "$" * 120_000, "${a$}" * 30_000])
def test_splitting_takes_time_in_proportion_to_the_text(text: str):
    started = time.process_time()
    split(text)
    assert time.process_time() - started < 2
