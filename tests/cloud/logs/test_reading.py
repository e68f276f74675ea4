"""GetLogEvents: forwards and backwards from wherever the reader stands."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.logs import GROUP, STREAM, LogsClient, group_id, messages

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.ports.logs import LogEvent


async def get(logs, **params):
    return await logs("GetLogEvents", logGroupName=GROUP, logStreamName=STREAM, **params)


async def test_without_a_direction_the_newest_are_given_in_order_of_time(logs):
    await logs.make(STREAM)
    await logs.put(*"abcde", at=range(5))
    assert messages(await get(logs, limit=2)) == ["d", "e"]
    assert messages(await get(logs, limit=2, startFromHead=True)) == ["a", "b"]
    assert messages(await get(logs)) == list("abcde")


async def test_an_event_has_its_times(logs):
    await logs.make(STREAM)
    await logs.put("a", at=[-7])
    assert (await get(logs))["events"] == [
        {"timestamp": logs.now_ms - 7, "message": "a", "ingestionTime": logs.now_ms},
    ]


async def test_reading_forwards_ends_with_the_token_that_was_passed(logs):
    await logs.make(STREAM)
    await logs.put(*"abcde", at=range(5))
    answer = await get(logs, limit=2, startFromHead=True)
    found = messages(answer)
    while True:
        token = answer["nextForwardToken"]
        answer = await get(logs, limit=2, startFromHead=True, nextToken=token)
        found += messages(answer)
        if answer["nextForwardToken"] == token:
            break
    assert found == list("abcde")
    assert messages(answer) == []
    await logs.put("f", at=[9])
    assert messages(await get(logs, startFromHead=True, nextToken=token)) == ["f"]


async def test_reading_backwards_ends_with_the_token_that_was_passed(logs):
    await logs.make(STREAM)
    await logs.put(*"abcde", at=range(5))
    answer = await get(logs, limit=2)
    found = [messages(answer)]
    while True:
        token = answer["nextBackwardToken"]
        answer = await get(logs, limit=2, nextToken=token)
        found.append(messages(answer))
        if answer["nextBackwardToken"] == token:
            break
    assert found == [["d", "e"], ["b", "c"], ["a"], []]
    assert token.startswith("b/")


async def test_one_may_turn_round_at_either_end(logs):
    await logs.make(STREAM)
    await logs.put(*"abc", at=range(3))
    at_end = await get(logs, nextToken=(await get(logs))["nextForwardToken"])
    assert messages(at_end) == []
    assert messages(await get(logs, limit=1, nextToken=at_end["nextBackwardToken"])) == ["c"]
    at_start = await get(logs, nextToken=(await get(logs))["nextBackwardToken"])
    assert messages(at_start) == []
    assert messages(await get(logs, limit=1, nextToken=at_start["nextForwardToken"])) == ["a"]


@pytest.mark.parametrize("from_head", [True, False])
async def test_tokens_of_an_empty_stream_find_what_comes_later(logs, from_head):
    await logs.make(STREAM)
    answer = await get(logs, startFromHead=from_head)
    forward, backward = answer["nextForwardToken"], answer["nextBackwardToken"]
    assert (await get(logs, nextToken=forward))["nextForwardToken"] == forward
    assert (await get(logs, nextToken=backward))["nextBackwardToken"] == backward
    await logs.put("late")
    assert messages(await get(logs, nextToken=forward)) == ["late"]
    assert messages(await get(logs, nextToken=backward)) == []


async def test_the_start_counts_and_the_end_does_not(logs):
    await logs.make(STREAM)
    await logs.put(*"abcd", at=range(4))
    now = logs.now_ms
    assert messages(await get(logs, startTime=now + 1, endTime=now + 3)) == ["b", "c"]
    assert messages(await get(logs, startTime=now + 2, endTime=now + 2)) == []
    assert messages(await get(logs, endTime=(1 << 63) - 1)) == list("abcd")
    params = {"logGroupName": GROUP, "logStreamName": STREAM, "startTime": now + 1, "endTime": now}
    assert (await logs.refusal("GetLogEvents", **params))[0] == "InvalidParameterException"


async def test_only_the_streams_own_events_are_given(logs):
    await logs.make(STREAM, "other")
    await logs.put("mine")
    await logs.put("theirs", stream="other")
    assert messages(await get(logs)) == ["mine"]


async def test_a_page_holds_a_megabyte_and_the_next_goes_on(logs):
    await logs.make(STREAM)
    sizes = [400_000, 500_000, 300_000, 900_000, 100]
    for number, size in enumerate(sizes):
        await logs.put(str(number) * size, at=[number])
    for params, token, expected in (
        ({"startFromHead": True}, "nextForwardToken", [["0", "1"], ["2"], ["3", "4"]]),
        ({}, "nextBackwardToken", [["3", "4"], ["1", "2"], ["0"]]),
    ):
        found, answer = [], await get(logs, **params)
        while answer["events"]:
            found.append([event["message"][0] for event in answer["events"]])
            answer = await get(logs, nextToken=answer[token])
        assert found == expected


async def test_late_events_take_their_place_on_their_page(logs):
    await logs.make(STREAM)
    await logs.put("second", at=[5])
    await logs.put("first", at=[1])
    assert messages(await get(logs)) == ["first", "second"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=70) | st.from_regex(r"\A[fb]/[0-9]{1,60}\Z"))
async def test_any_text_is_a_token_or_refused(token):
    logs = LogsClient(MemoryLogEvents())
    await logs.make(STREAM)
    await logs.put("a", "b")
    answer, code = await logs.attempt("GetLogEvents", logGroupName=GROUP, logStreamName=STREAM, nextToken=token)
    assert code == "InvalidParameterException" or set(messages(answer)) <= {"a", "b"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.integers(0, 12),
    limit=st.integers(1, 4),
    from_head=st.booleans(),
    turns=st.lists(st.booleans(), max_size=12),
)
async def test_walking_to_and_fro_is_walking_through_a_list(count, limit, from_head, turns):
    logs = LogsClient(MemoryLogEvents())
    await logs.make(STREAM)
    now = logs.now_ms
    await logs.events.append(
        group_id(), [LogEvent(stream=STREAM, timestamp_ms=now + n, message=str(n)) for n in range(count)]
    )
    everything = [str(n) for n in range(count)]
    answer = await get(logs, limit=limit, startFromHead=from_head)
    first, end = (0, min(limit, count)) if from_head else (max(count - limit, 0), count)
    assert messages(answer) == everything[first:end]
    for forward in turns:
        answer = await get(logs, limit=limit, nextToken=answer["nextForwardToken" if forward else "nextBackwardToken"])
        first, end = (end, min(end + limit, count)) if forward else (max(first - limit, 0), first)
        assert messages(answer) == everything[first:end]
