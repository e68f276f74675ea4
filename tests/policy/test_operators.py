from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.policy.operators import OPERATORS, InvalidConditionValue, read_bool, read_date, read_number


def test_the_table_has_every_operator_that_aws_documents_but_null():
    assert set(OPERATORS) == {
        *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan"),
        *("NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals"),
        *("DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals"),
        *("IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
    }


def test_the_negated_operators_are_those_with_not_in_their_names():
    assert {name for name, operator in OPERATORS.items() if operator.is_negated} == {
        name for name in OPERATORS if "Not" in name
    }


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("NumericEquals", "ten"),
        ("NumericEquals", ""),
        ("NumericEquals", "0x0a"),
        ("NumericEquals", "NaN"),
        ("NumericEquals", "Infinity"),
        ("NumericEquals", "1e9999"),
        ("NumericEquals", "9" * 41),
        ("NumericLessThan", "${aws:EpochTime}"),
        ("DateEquals", "yesterday"),
        ("DateEquals", "2020-13-01"),
        ("DateEquals", "2020-01-01T25:00:00Z"),
        ("DateEquals", "2020-01-01T00:00:00+99:00"),
        ("DateEquals", "20200101T000000Z"),
        ("Bool", "yes"),
        ("Bool", ""),
        ("BinaryEquals", "not base64!"),
        ("BinaryEquals", "ü"),
        ("IpAddress", "10.0.0.0/33"),
        ("IpAddress", "10.0.0.0/255.0.0.0"),
        ("IpAddress", "10.0.0"),
        ("IpAddress", "example.com"),
        ("NotIpAddress", "2001:db8::/129"),
        ("NotIpAddress", "fe80::1%eth0"),
        ("ArnLike", "bucket"),
        ("ArnEquals", "arn:aws:s3:*"),
        ("ArnNotLike", ""),
    ],
)
def test_a_value_that_the_operator_cannot_compare_is_refused(operator: str, value: str):
    with pytest.raises(InvalidConditionValue):
        OPERATORS[operator].compile((value,), True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", "0"),
        ("1970-01-01", "0"),
        ("1970-02", "2678400"),
        ("1970-01-01T01:00Z", "3600"),
        ("1970-01-01t00:00:00.25z", "0.25"),
        ("1969-12-31T23:59:59Z", "-1"),
        ("1970-01-01T00:00:00+01:00", "-3600"),
        ("1970-01-01T00:00:00-0100", "3600"),
        ("1970-01-01T00:00:00", "0"),
        ("0001-01-01T00:00:00+14:00", "-62135647200"),
        ("1600000000", "1600000000"),
        ("2020", "2020"),
    ],
)
def test_dates_are_read_as_seconds(text: str, seconds: str):
    assert read_date(text) == Decimal(seconds)


@given(st.text(max_size=30))
def test_readers_answer_or_raise_value_error(text: str):
    for reader in (read_number, read_date, read_bool):
        with suppress(ValueError):
            reader(text)


@given(st.sampled_from(sorted(OPERATORS)), st.text(max_size=30), st.text(max_size=30))
def test_every_operator_takes_or_refuses_any_value_and_never_fails_on_a_request(name: str, wanted: str, given_: str):
    try:
        matches = OPERATORS[name].compile((wanted,), True)
    except InvalidConditionValue:
        return
    assert matches(given_, {}) in (True, False, None)
