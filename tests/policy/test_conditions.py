import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.policy.conditions import Condition, UnknownOperator, check_condition
from crossdock.policy.operators import OPERATORS, InvalidConditionValue


def condition(operator: str, *values: str, key: str = "aws:Key", is_deny: bool = False) -> Condition:
    return Condition(operator=operator, key=key, values=values, is_deny=is_deny)


@pytest.mark.parametrize(
    "operator",
    [
        "",
        "Strings",
        "stringequals",
        "StringEqualsIfExistsIfExists",
        "IfExists",
        "ForAllValues:",
        "ForAllValues:Null",
        "NullIfExists",
        "ForAnyValue:ForAllValues:StringEquals",
        "forallvalues:StringEquals",
        "ForAnyValue:Bogus",
    ],
)
def test_an_unknown_operator_never_grants(operator: str):
    with pytest.raises(UnknownOperator):
        check_condition(condition(operator, "x"))
    for context in ({}, {"aws:key": ("x",)}, {"aws:key": ("x", "y")}):
        assert not condition(operator, "x").holds(context)
        assert condition(operator, "x", is_deny=True).holds(context)


def test_a_value_that_cannot_be_compared_never_grants():
    with pytest.raises(InvalidConditionValue):
        check_condition(condition("IpAddress", "nowhere"))
    with pytest.raises(InvalidConditionValue):
        check_condition(condition("Null", "maybe"))
    assert not condition("NotIpAddress", "nowhere").holds({})
    assert condition("NotIpAddress", "nowhere", is_deny=True).holds({})


@pytest.mark.parametrize("quantifier", ["", "ForAllValues:", "ForAnyValue:"])
@pytest.mark.parametrize("negation", ["NumericEquals", "NumericNotEquals"])
def test_a_value_of_the_request_that_cannot_be_read_never_grants(quantifier: str, negation: str):
    context = {"aws:key": ("many",)}
    assert not condition(quantifier + negation, "1").holds(context)
    assert condition(quantifier + negation, "1", is_deny=True).holds(context)


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
def test_several_values_without_a_set_operator_hold_only_when_they_agree(operator: str):
    is_negated = operator == "StringNotEquals"
    same, other, mixed = ({"aws:key": values} for values in (("a", "b"), ("c", "d"), ("a", "c")))
    allow = condition(operator, "a", "b")
    deny = condition(operator, "a", "b", is_deny=True)
    assert allow.holds(same) is deny.holds(same) is not is_negated
    assert allow.holds(other) is deny.holds(other) is is_negated
    assert not allow.holds(mixed)
    assert deny.holds(mixed)


def test_keys_are_compared_without_case():
    assert condition("StringEquals", "x", key="AWS:KEY").holds({"aws:key": ("x",)})


def test_conditions_compare_by_what_is_written():
    assert condition("StringEquals", "x") == condition("StringEquals", "x")
    assert condition("StringEquals", "x") != condition("StringEquals", "y")


NAMES = [*sorted(OPERATORS), "Null"]


@given(
    st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from(NAMES),
    st.sampled_from(["", "IfExists"]),
    st.lists(st.sampled_from(["1", "true", "2020-01-01", "10.0.0.0/8", "QQ==", "*", "arn:aws:s3:::b"]), min_size=1),
    st.lists(st.sampled_from(["", "1", "true", "2020-01-01", "10.0.0.1", "QQ==", "x", "arn:aws:s3:::b"])),
)
def test_a_condition_that_holds_in_an_allow_holds_in_a_deny(
    quantifier: str, name: str, if_exists: str, wanted: list[str], given_: list[str]
):
    operator = quantifier + name + if_exists
    context = {"aws:key": tuple(given_)}
    allow = condition(operator, *wanted).holds(context)
    deny = condition(operator, *wanted, is_deny=True).holds(context)
    assert deny or not allow
