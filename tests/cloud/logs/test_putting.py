"""PutLogEvents: AWS's limits, and what is left out of a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.logs import GROUP, STREAM, LogsClient, messages

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.cloud.logs.moments import DAY_MS, HOUR_MS
from crossdock.cloud.logs.putting import MAX_AGE_MS, MAX_AHEAD_MS, MAX_BATCH_BYTES, accept
from crossdock.core.errors import ServiceError
from crossdock.settings import LogSettings


async def put(logs, *offsets, message="m", **params):
    events = [{"timestamp": logs.now_ms + offset, "message": message} for offset in offsets]
    return await logs("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events, **params)


async def kept(logs):
    answer = await logs("GetLogEvents", logGroupName=GROUP, logStreamName=STREAM, startFromHead=True)
    return [event["timestamp"] - logs.now_ms for event in answer["events"]]


async def test_a_sequence_token_is_given_and_none_is_looked_at(logs):
    await logs.make(STREAM)
    first = await put(logs, 0)
    assert set(first) == {"nextSequenceToken"}
    await put(logs, 0, sequenceToken="whatever")
    assert await kept(logs) == [0, 0]


async def test_a_stream_has_to_be_there(logs):
    await logs.make()
    event = {"timestamp": logs.now_ms, "message": "m"}
    assert await logs.refusal("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=[event]) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


async def test_events_out_of_order_are_refused_together(logs):
    await logs.make(STREAM)
    events = [{"timestamp": logs.now_ms + offset, "message": "m"} for offset in (0, 2, 1)]
    assert await logs.refusal("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert await kept(logs) == []


async def test_the_largest_batch_is_taken_and_a_byte_more_is_not(logs):
    await logs.make(STREAM)
    largest = "é" * ((MAX_BATCH_BYTES - 26) // 2)
    await put(logs, 0, message=largest)
    events = [{"timestamp": logs.now_ms, "message": largest + "x"}]
    assert await logs.refusal("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events) == (
        "InvalidParameterException",
        "Upload too large: 1048577 bytes exceeds limit of 1048576",
    )
    (event,) = (await logs("FilterLogEvents", logGroupName=GROUP))["events"]
    assert event["message"] == largest


async def test_ten_thousand_events_are_taken_and_one_more_is_not(logs):
    await logs.make(STREAM)
    events = [{"timestamp": logs.now_ms, "message": "m"}] * 10_000
    await logs("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    code, _ = await logs.refusal(
        "PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=[*events, events[0]]
    )
    assert code == "InvalidParameterException"
    assert len(await kept(logs)) == 10_000


async def test_an_empty_message_is_refused(logs):
    await logs.make(STREAM)
    events = [{"timestamp": logs.now_ms, "message": ""}]
    code, _ = await logs.refusal("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    assert code == "InvalidParameterException"


async def test_what_is_too_old_or_too_new_is_left_out_and_told(logs):
    await logs.make(STREAM)
    answer = await put(logs, -MAX_AGE_MS - 2, -MAX_AGE_MS - 1, -5, 0, MAX_AHEAD_MS + 1)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
    assert await kept(logs) == [-5, 0]


async def test_what_the_groups_retention_would_forget_is_left_out_as_expired(logs):
    await logs.make(STREAM)
    await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    answer = await put(logs, -MAX_AGE_MS - 1, -DAY_MS - 1, -DAY_MS, 0)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2}
    assert await kept(logs) == [-DAY_MS, 0]


async def test_the_houses_retention_holds_where_a_group_has_none(events):
    logs = LogsClient(events, settings=LogSettings(retention_days=2))
    await logs.make(STREAM)
    answer = await put(logs, -2 * DAY_MS - 1, -1)
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert await kept(logs) == [-1]


async def test_a_batch_of_nothing_but_old_events_is_no_error(logs):
    await logs.make(STREAM)
    answer = await put(logs, -MAX_AGE_MS - 1)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert await kept(logs) == []


async def test_more_than_a_day_in_one_batch_is_refused_counting_only_what_is_kept(logs):
    await logs.make(STREAM)
    await put(logs, -MAX_AGE_MS - 1, -DAY_MS, 0)
    events = [{"timestamp": logs.now_ms + offset, "message": "m"} for offset in (-DAY_MS - 1, 0)]
    assert await logs.refusal("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=events) == (
        "InvalidParameterException",
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    )


async def test_text_that_is_no_unicode_does_not_keep_an_event_out():
    logs = LogsClient(MemoryLogEvents())
    await logs.make(STREAM)
    await put(logs, 0, message="a\ud800b")
    assert messages(await logs("FilterLogEvents", logGroupName=GROUP)) == ["a?b"]


@given(
    times=st.lists(st.integers(-20 * DAY_MS, 4 * HOUR_MS), min_size=1, max_size=8).map(sorted),
    kept_days=st.integers(1, 30),
)
def test_what_is_kept_is_always_what_is_neither_old_nor_expired_nor_new(times, kept_days):
    expected = [time for time in times if max(-MAX_AGE_MS, -kept_days * DAY_MS) <= time <= MAX_AHEAD_MS]
    try:
        accepted = accept(times, now_ms=0, kept_ms=kept_days * DAY_MS)
    except ServiceError:
        assert expected[-1] - expected[0] > DAY_MS
    else:
        assert times[accepted.first : accepted.end] == expected
        assert bool(accepted.rejected) == (len(expected) < len(times))


@pytest.mark.parametrize("name", ["timestamp", "message"])
async def test_an_event_needs_its_time_and_its_message(logs, name):
    await logs.make(STREAM)
    event = {"timestamp": logs.now_ms, "message": "m"}
    del event[name]
    with pytest.raises(ServiceError) as caught:
        await logs("PutLogEvents", logGroupName=GROUP, logStreamName=STREAM, logEvents=[event])
    assert caught.value.code == "InvalidParameterException"
