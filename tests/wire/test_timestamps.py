from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore.utils import parse_timestamp as botocore_parse
from hypothesis import given
from hypothesis import strategies as st

from crossdock.wire.timestamps import (
    TimestampFormat,
    basic_stamp,
    format_timestamp,
    parse_timestamp,
    timestamp_format,
    unix_number,
)

ISO, RFC, UNIX = TimestampFormat.ISO8601, TimestampFormat.RFC822, TimestampFormat.UNIX
MOMENT = datetime(2024, 2, 29, 13, 5, 9, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("2024-02-29T13:05:09Z", ISO, MOMENT),
        ("2024-02-29t13:05:09z", ISO, MOMENT),
        ("2024-02-29T13:05:09.000Z", ISO, MOMENT),
        ("2024-02-29T13:05:09.25Z", ISO, MOMENT.replace(microsecond=250_000)),
        ("2024-02-29T13:05:09.123456789Z", ISO, MOMENT.replace(microsecond=123_456)),
        ("2024-02-29T15:05:09+02:00", ISO, MOMENT),
        ("2024-02-29T08:05:09-0500", ISO, MOMENT),
        ("Thu, 29 Feb 2024 13:05:09 GMT", RFC, MOMENT),
        ("29 Feb 2024 13:05:09 UTC", RFC, MOMENT),
        ("Thu, 29 Feb 2024 15:05:09 +0200", RFC, MOMENT),
        ("1709211909", UNIX, MOMENT),
        ("1709211909.5", UNIX, MOMENT.replace(microsecond=500_000)),
        (1709211909, UNIX, MOMENT),
        (1709211909.25, UNIX, MOMENT.replace(microsecond=250_000)),
        ("-1", UNIX, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_all_formats_are_read_as_utc(text, form, moment):
    parsed = parse_timestamp(text, form)
    assert parsed == moment
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", ISO),
        ("2024-02-29", ISO),
        ("2024-02-29T13:05:09", ISO),
        ("2024-02-30T13:05:09Z", ISO),
        ("2024-02-29T25:05:09Z", ISO),
        ("0001-01-01T00:00:00+23:59", ISO),
        ("2024-02-29T13:05:09+99:99", ISO),
        ("２024-02-29T13:05:09Z", ISO),
        ("Thu, 29 Foo 2024 13:05:09 GMT", RFC),
        ("Thu, 31 Feb 2024 13:05:09 GMT", RFC),
        ("yesterday", RFC),
        ("x", UNIX),
        ("1e5", UNIX),
        ("999999999999999", UNIX),
        (10**400, UNIX),
        (float("nan"), UNIX),
        (float("inf"), UNIX),
    ],
)
def test_what_is_no_instant_is_a_value_error(text, form):
    with pytest.raises(ValueError, match=r".+"):
        parse_timestamp(text, form)


def test_format_of_a_shape_is_its_trait_or_the_default():
    assert timestamp_format("unixTimestamp", ISO) is UNIX
    assert timestamp_format("rfc822", ISO) is RFC
    assert timestamp_format(None, ISO) is ISO


def test_milliseconds_are_written_where_there_are_any_or_always():
    assert format_timestamp(MOMENT, ISO) == "2024-02-29T13:05:09Z"
    assert format_timestamp(MOMENT, ISO, always_millis=True) == "2024-02-29T13:05:09.000Z"
    assert format_timestamp(MOMENT.replace(microsecond=45_678), ISO) == "2024-02-29T13:05:09.045Z"
    assert format_timestamp(MOMENT, RFC) == "Thu, 29 Feb 2024 13:05:09 GMT"
    assert format_timestamp(MOMENT, UNIX) == "1709211909"
    assert unix_number(MOMENT) == 1709211909
    assert isinstance(unix_number(MOMENT), int)
    assert unix_number(MOMENT.replace(microsecond=250_999)) == 1709211909.25
    assert basic_stamp(MOMENT) == "20240229T130509Z"


def test_other_zones_are_written_in_utc():
    local = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert format_timestamp(local, ISO) == "2024-02-29T13:05:09Z"
    assert basic_stamp(local) == "20240229T130509Z"


def test_naive_datetime_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        format_timestamp(datetime(2024, 1, 1), ISO)


@given(MOMENTS, st.sampled_from(TimestampFormat))
def test_what_is_written_is_read_back_to_the_millisecond(moment, form):
    kept = moment.replace(microsecond=0 if form is RFC else moment.microsecond // 1000 * 1000)
    assert abs(parse_timestamp(format_timestamp(moment, form), form) - kept) < timedelta(milliseconds=1)


@given(MOMENTS.filter(lambda moment: moment.year > 1970), st.sampled_from([ISO, RFC]))
def test_botocore_reads_what_is_written(moment, form):
    text = format_timestamp(moment, form)
    assert botocore_parse(text) == parse_timestamp(text, form)


@given(st.text(max_size=30), st.sampled_from(TimestampFormat))
def test_any_text_is_read_or_a_value_error(text, form):
    with suppress(ValueError):
        assert parse_timestamp(text, form).tzinfo is UTC
