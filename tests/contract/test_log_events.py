"""What every LogEvents keeps to."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.adapters.host.log_events import open_log_events
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.ports.logs import LogEvent, LogEvents, LogGroupId, LogStream

HUB = LogGroupId(account_id="111111111111", region="us-east-1", name="/aws/transfer/s-1")
PARTNER = LogGroupId(account_id="222222222222", region="us-east-1", name="/aws/transfer/s-1")
EVERYTHING = 1 << 40

fresh_names = count()


@pytest.fixture(params=["memory", "sqlite"])
async def logs(request, tmp_path) -> AsyncIterator[LogEvents]:
    if request.param == "memory":
        yield MemoryLogEvents()
    else:
        opened = open_log_events(tmp_path / "logs.db")
        yield opened
        await opened.close()


def event(timestamp_ms, message="", *, stream="a", ingested_ms=None):
    ingested_ms = timestamp_ms if ingested_ms is None else ingested_ms
    return LogEvent(stream=stream, timestamp_ms=timestamp_ms, message=message, ingested_ms=ingested_ms)


async def times(logs, group=HUB, **arguments):
    return [found.timestamp_ms for found in await logs.read(group, **arguments)]


async def test_events_are_read_as_they_were_appended_each_with_its_place(logs):
    appended = [event(5, '{"a": "é\x00"}', ingested_ms=7), event(3, "", stream="b/[$LATEST]ü")]
    await logs.append(HUB, appended)
    found = await logs.read(HUB)
    assert [(e.stream, e.timestamp_ms, e.message, e.ingested_ms) for e in found] == [
        (e.stream, e.timestamp_ms, e.message, e.ingested_ms) for e in appended
    ]
    assert 0 < found[0].sequence < found[1].sequence


async def test_what_is_no_text_does_not_keep_an_event_out(logs):
    await logs.append(HUB, [event(1, "x\udcffy")])
    assert [e.message for e in await logs.read(HUB)] == ["x?y"]


async def test_groups_are_apart(logs):
    other_region = LogGroupId(account_id=HUB.account_id, region="eu-west-1", name=HUB.name)
    await logs.append(HUB, [event(1)])
    await logs.append(PARTNER, [event(2)])
    await logs.append(HUB, [])
    assert await times(logs) == [1]
    assert await times(logs, PARTNER) == [2]
    assert await times(logs, other_region) == []
    assert await logs.streams(other_region) == []


async def test_events_come_in_order_of_arrival_page_by_page_both_ways(logs):
    await logs.append(HUB, [event(n) for n in (5, 1, 4)])
    await logs.append(PARTNER, [event(9)])
    await logs.append(HUB, [event(n) for n in (2, 3)])
    for newest_first, expected in ((False, [5, 1, 4, 2, 3]), (True, [3, 2, 4, 1, 5])):
        found, after = [], 0
        while page := await logs.read(HUB, after=after, limit=2, newest_first=newest_first):
            assert len(page) <= 2
            found += [e.timestamp_ms for e in page]
            after = page[-1].sequence
        assert found == expected


async def test_only_what_was_asked_for_is_read(logs):
    await logs.append(HUB, [event(n, stream="abc"[n % 3]) for n in range(10)])
    assert await times(logs, start_ms=3, end_ms=6) == [3, 4, 5]
    assert await times(logs, start_ms=8) == [8, 9]
    assert await times(logs, end_ms=1) == [0]
    assert await times(logs, start_ms=100) == []
    assert await times(logs, streams=["b"]) == [1, 4, 7]
    assert await times(logs, streams=["c", "a", "a", "none"]) == [0, 2, 3, 5, 6, 8, 9]
    assert await times(logs, streams=["c", "a"], newest_first=True, limit=3) == [9, 8, 6]
    assert await times(logs, streams=["none"]) == []
    assert await times(logs, streams=["b"], start_ms=2, end_ms=8, newest_first=True) == [7, 4]


async def test_streams_are_told_by_name_with_what_they_hold(logs):
    await logs.append(HUB, [event(5, "four", ingested_ms=10), event(3, "é", ingested_ms=12)])
    await logs.append(HUB, [event(4, stream="b"), event(1, stream="\uffff"), event(1, stream="\U00010000")])
    await logs.append(PARTNER, [event(1, stream="c")])
    first, *others = await logs.streams(HUB)
    assert first == LogStream(
        name="a", created_ms=10, first_event_ms=3, last_event_ms=5, last_ingested_ms=12, stored_bytes=4 + 2 + 52
    )
    assert [stream.name for stream in others] == ["b", "\uffff", "\U00010000"]


async def test_streams_are_paged_and_found_by_how_they_begin(logs):
    names = ["a", "ab", "ab/1", "ab/2", "b"]
    await logs.append(HUB, [event(1, stream=name) for name in reversed(names)])

    async def listed(**arguments):
        return [stream.name for stream in await logs.streams(HUB, **arguments)]

    assert await listed() == names
    assert await listed(limit=2) == names[:2]
    assert await listed(after="ab") == names[3 - 1 :]
    assert await listed(prefix="ab") == names[1:4]
    assert await listed(prefix="ab", after="ab/1", limit=5) == ["ab/2"]


async def test_a_deleted_group_is_gone_and_may_begin_anew(logs):
    await logs.append(HUB, [event(n, stream=f"s{n}") for n in range(3)])
    await logs.append(PARTNER, [event(7)])
    await logs.delete(HUB)
    await logs.delete(HUB)
    assert await logs.read(HUB) == []
    assert await logs.streams(HUB) == []
    assert await times(logs, PARTNER) == [7]
    await logs.append(HUB, [event(9)])
    assert await times(logs) == [9]


async def test_a_deleted_stream_is_gone_and_leaves_the_others(logs):
    await logs.append(HUB, [event(n, stream="ab"[n % 2]) for n in range(4)])
    await logs.append(PARTNER, [event(7)])
    await logs.delete(HUB, stream="a")
    await logs.delete(HUB, stream="none")
    assert await times(logs) == [1, 3]
    assert [stream.name for stream in await logs.streams(HUB)] == ["b"]
    assert await times(logs, PARTNER) == [7]
    await logs.append(HUB, [event(9, ingested_ms=10)])
    (again, _) = await logs.streams(HUB)
    assert (again.name, again.created_ms, again.stored_bytes) == ("a", 10, 26)


async def test_trimming_forgets_what_is_older_than_its_group_keeps(logs):
    await logs.append(HUB, [event(n, stream="old" if n < 3 else "new") for n in range(6)])
    await logs.append(PARTNER, [event(0)])
    assert await logs.trim(older_than_ms={HUB: 4}, max_bytes=EVERYTHING) == 4
    assert await times(logs) == [4, 5]
    assert await times(logs, PARTNER) == [0]
    (stream,) = await logs.streams(HUB)
    assert (stream.name, stream.first_event_ms, stream.stored_bytes) == ("new", 4, 52)
    assert await logs.trim(older_than_ms={HUB: 4, PARTNER: 0}, max_bytes=EVERYTHING) == 0


async def test_trimming_to_a_size_forgets_the_first_to_arrive(logs):
    await logs.append(HUB, [event(9, "x" * 74), event(8, "x" * 74)])
    await logs.append(PARTNER, [event(7, "x" * 74)])
    await logs.append(HUB, [event(6, "x" * 74)])
    assert await logs.trim(older_than_ms={}, max_bytes=400) == 0
    assert await logs.trim(older_than_ms={}, max_bytes=399) == 1
    assert await times(logs) == [8, 6]
    assert await logs.trim(older_than_ms={}, max_bytes=100) == 2
    assert (await times(logs), await times(logs, PARTNER)) == ([], [7])
    assert await logs.streams(HUB) == []
    assert await logs.trim(older_than_ms={}, max_bytes=0) == 1


async def test_a_group_that_is_filled_up_takes_nothing_from_the_others(logs):
    await logs.append(PARTNER, [event(1, "x" * 74)])
    await logs.append(HUB, [event(n, "x" * 974) for n in range(2, 9)])
    assert await logs.trim(older_than_ms={}, max_bytes=2_500) == 5
    assert (await times(logs), await times(logs, PARTNER)) == ([7, 8], [1])


async def test_many_may_append_at_once(logs):
    async with asyncio.TaskGroup() as tasks:
        for n in range(50):
            tasks.create_task(logs.append(HUB, [event(n, stream=f"s{n % 5}"), event(n, stream="all")]))
    found = await logs.read(HUB)
    assert len(found) == 100
    assert len({e.sequence for e in found}) == 100
    assert sum(stream.stored_bytes for stream in await logs.streams(HUB)) == 2600


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    events=st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), max_size=15),
    start_ms=st.integers(0, 9),
    length=st.none() | st.integers(0, 9),
    streams=st.lists(st.sampled_from("abcd"), max_size=2),
    limit=st.integers(1, 4),
    newest_first=st.booleans(),
)
async def test_paged_reading_agrees_with_a_naive_model(logs, events, start_ms, length, streams, limit, newest_first):
    group = LogGroupId(account_id="1", region="r", name=str(next(fresh_names)))
    end_ms = None if length is None else start_ms + length
    await logs.append(group, [event(time, stream=stream) for time, stream in events])
    expected = [
        (time, stream)
        for time, stream in events
        if time >= start_ms and (end_ms is None or time < end_ms) and (not streams or stream in streams)
    ]
    found, after = [], 0
    while page := await logs.read(
        group,
        streams=streams,
        start_ms=start_ms,
        end_ms=end_ms,
        after=after,
        limit=limit,
        newest_first=newest_first,
    ):
        found += [(e.timestamp_ms, e.stream) for e in page]
        after = page[-1].sequence
    assert found == (expected[::-1] if newest_first else expected)
