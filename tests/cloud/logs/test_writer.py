"""The writer: nobody waits for it, little is lost, and what is lost is said."""

import asyncio
import logging

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.logs import PARTNER, FlakyEvents, LogsClient, group_id, messages

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.logs.group_sink import GroupSink
from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.writer import EVENT_OVERHEAD_BYTES, EVENTS_AT_ONCE, MAX_MESSAGE_BYTES, LogWriter
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.operations.tasks import TaskSupervisor

GROUP = group_id("/aws/lambda/idp")
OTHER = group_id("/aws/lambda/other", account=PARTNER)
LOGGER = "crossdock.cloud.logs.writer"


@pytest.fixture
def flaky():
    return FlakyEvents()


def make_writer(events, **settings):
    return LogWriter(
        sink=GroupSink(events=events, state=MemoryState(), clock=FakeClock()), clock=FakeClock(), **settings
    )


async def texts(events, group=GROUP):
    return [event.message for event in await events.read(group)]


def said(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == LOGGER]


async def test_what_is_written_can_be_read_in_a_group_that_nobody_made(events):
    logs = LogsClient(events)
    writer = LogWriter(sink=GroupSink(events=events, state=logs.house.state, clock=logs.clock), clock=logs.clock)
    writer.write(GROUP, "a", [(1, "one"), (2, "two")])
    writer.write(OTHER, "b", [(3, "three")])
    await writer.flush()
    answer = await logs("GetLogEvents", logGroupName=GROUP.name, logStreamName="a")
    assert messages(answer) == ["one", "two"]
    assert [event["ingestionTime"] for event in answer["events"]] == [logs.now_ms] * 2
    (group,) = (await logs("DescribeLogGroups"))["logGroups"]
    assert (group["logGroupName"], group["creationTime"]) == (GROUP.name, logs.now_ms)
    assert messages(await logs("FilterLogEvents", logGroupName=OTHER.name, account=PARTNER)) == ["three"]
    assert "retentionInDays" not in group


async def test_a_group_that_is_there_keeps_what_it_has(events):
    logs = LogsClient(events)
    await logs.make(group=GROUP.name)
    await logs("PutRetentionPolicy", logGroupName=GROUP.name, retentionInDays=7)
    writer = LogWriter(sink=GroupSink(events=events, state=logs.house.state, clock=logs.clock), clock=logs.clock)
    writer.write(GROUP, "a", [(1, "one")])
    await writer.flush()
    assert (await logs("DescribeLogGroups"))["logGroups"][0]["retentionInDays"] == 7


async def test_a_group_that_was_deleted_comes_back_with_its_next_event(events):
    logs = LogsClient(events)
    writer = LogWriter(sink=GroupSink(events=events, state=logs.house.state, clock=logs.clock), clock=logs.clock)
    writer.write(GROUP, "a", [(1, "old")])
    await writer.flush()
    await logs("DeleteLogGroup", logGroupName=GROUP.name)
    writer.write(GROUP, "a", [(2, "new")])
    await writer.flush()
    assert messages(await logs("FilterLogEvents", logGroupName=GROUP.name)) == ["new"]


async def test_nobody_waits_while_the_disk_does(flaky):
    writer = make_writer(flaky)
    flaky.gate.clear()
    tasks = TaskSupervisor()
    writer.write(GROUP, "a", [(1, "one")])
    flush = tasks.start(writer.flush(), name="flush")
    await flaky.asked.wait()
    for number in range(100):
        writer.write(GROUP, "a", [(2, f"later {number}")])
    flaky.gate.set()
    await flush
    assert await texts(flaky) == ["one"]
    await writer.close()
    assert await texts(flaky) == ["one", *(f"later {number}" for number in range(100))]


async def test_the_task_writes_what_comes_and_ends_when_it_is_closed(flaky):
    writer = make_writer(flaky, flush_every_s=0.0)
    tasks = TaskSupervisor()
    task = tasks.start(writer.run(), name="logs")
    for number in range(3):
        flaky.appended.clear()
        writer.write(GROUP, "a", [(number, str(number))])
        await flaky.appended.wait()
    assert await texts(flaky) == ["0", "1", "2"]
    await writer.close()
    await task


async def test_closing_does_not_wait_for_the_next_turn_and_takes_all_along(flaky):
    writer = make_writer(flaky, flush_every_s=3600.0)
    tasks = TaskSupervisor()
    task = tasks.start(writer.run(), name="logs")
    writer.write(GROUP, "a", [(1, "one")])
    await asyncio.sleep(0)
    await writer.close()
    await task
    writer.write(GROUP, "a", [(2, "too late")])
    await writer.close()
    assert await texts(flaky) == ["one"]


async def test_half_a_full_queue_is_not_kept_waiting(flaky):
    writer = make_writer(flaky, flush_every_s=3600.0, max_pending_bytes=10_000)
    tasks = TaskSupervisor()
    tasks.start(writer.run(), name="logs")
    writer.write(GROUP, "a", [(1, "x" * 5_000)])
    await flaky.appended.wait()
    await writer.close()
    await tasks.close()


async def test_a_cancelled_task_loses_nothing_that_close_can_still_write(flaky):
    writer = make_writer(flaky, flush_every_s=0.0)
    tasks = TaskSupervisor()
    tasks.start(writer.run(), name="logs")
    flaky.gate.clear()
    writer.write(GROUP, "a", [(1, "one")])
    writer.write(OTHER, "a", [(1, "other")])
    await flaky.asked.wait()
    await tasks.close()
    flaky.gate.set()
    await writer.close()
    assert await texts(flaky) == ["one"]
    assert await texts(flaky, OTHER) == ["other"]


async def test_a_failing_disk_is_said_once_and_what_waits_is_written_when_it_works_again(flaky, caplog):
    caplog.set_level(logging.INFO, LOGGER)
    writer = make_writer(flaky)
    flaky.error = OutOfSpace("no room")
    writer.write(GROUP, "a", [(1, "one")])
    await writer.flush()
    writer.write(GROUP, "a", [(2, "two")])
    writer.write(OTHER, "a", [(2, "other")])
    await writer.flush()
    assert said(caplog) == [("ERROR", "log events cannot be written")]
    flaky.error = None
    writer.write(GROUP, "a", [(3, "three")])
    await writer.flush()
    assert await texts(flaky) == ["one", "two", "three"]
    assert await texts(flaky, OTHER) == ["other"]
    assert said(caplog)[1:] == [("INFO", "log events are written again")]
    flaky.error = Unavailable("again")
    writer.write(GROUP, "a", [(4, "four")])
    await writer.flush()
    assert said(caplog)[2:] == [("ERROR", "log events cannot be written")]


async def test_the_task_outlives_a_failing_disk(flaky):
    writer = make_writer(flaky, flush_every_s=0.0)
    tasks = TaskSupervisor()
    tasks.start(writer.run(), name="logs")
    flaky.error = Unavailable("not now")
    writer.write(GROUP, "a", [(1, "one")])
    await flaky.asked.wait()
    flaky.error = None
    await flaky.appended.wait()
    assert await texts(flaky) == ["one"]
    await writer.close()
    await tasks.close()


async def test_the_oldest_are_dropped_beyond_the_bound_with_one_warning(flaky, caplog):
    caplog.set_level(logging.INFO, LOGGER)
    writer = make_writer(flaky, max_pending_bytes=3 * (EVENT_OVERHEAD_BYTES + 1))
    for number in range(9):
        writer.write(GROUP, "a", [(number, str(number))])
    await writer.flush()
    assert await texts(flaky) == ["6", "7", "8"]
    assert said(caplog) == [
        ("WARNING", "too many log events are waiting to be written: the oldest are dropped"),
        ("INFO", "log events are written again"),
    ]
    (recovered,) = [record for record in caplog.records if record.levelname == "INFO"]
    assert recovered.__dict__["dropped"] == 6


async def test_events_wait_within_the_bound_while_the_disk_fails(flaky, caplog):
    writer = make_writer(flaky, max_pending_bytes=4 * (EVENT_OVERHEAD_BYTES + 1))
    flaky.error = OutOfSpace("no room")
    for number in range(10):
        writer.write(GROUP, "a", [(number, str(number))])
        await writer.flush()
    flaky.error = None
    await writer.flush()
    assert await texts(flaky) == ["6", "7", "8", "9"]
    assert [level for level, _ in said(caplog)].count("WARNING") == 1


async def test_an_event_that_cannot_be_written_keeps_no_other_from_it(flaky, caplog):
    writer = make_writer(flaky)
    flaky.error = ValueError("a mistake of ours")
    writer.write(GROUP, "a", [(1, "one")])
    await writer.flush()
    assert said(caplog) == [("ERROR", "log events were dropped")]
    flaky.error = None
    writer.write(GROUP, "a", [(2, "two")])
    await writer.flush()
    assert await texts(flaky) == ["two"]


async def test_many_events_are_written_in_order_and_in_bounded_batches(flaky):
    writer = make_writer(flaky)
    everything = [str(number) for number in range(2 * EVENTS_AT_ONCE + 1)]
    writer.write(GROUP, "a", [(1, text) for text in everything])
    await writer.flush()
    assert await texts(flaky) == everything
    assert flaky.appends == 3


async def test_a_message_that_is_too_long_is_cut_between_characters():
    events = MemoryLogEvents()
    writer = make_writer(events)
    writer.write(GROUP, "a", [(1, "é" * MAX_MESSAGE_BYTES), (2, "x" + "é" * MAX_MESSAGE_BYTES), (3, "\udcff" * 9)])
    writer.write(GROUP, "a", [])
    await writer.flush()
    first, second, third = await texts(events)
    assert first == "é" * (MAX_MESSAGE_BYTES // 2)
    assert second == "x" + "é" * (MAX_MESSAGE_BYTES // 2 - 1)
    assert third == "?" * 9


async def test_an_event_knows_when_it_came(flaky):
    clock = FakeClock()
    writer = LogWriter(sink=GroupSink(events=flaky, state=MemoryState(), clock=clock), clock=clock)
    writer.write(GROUP, "a", [(5, "one")])
    came = milliseconds(clock.now())
    clock.advance(10)
    await writer.flush()
    (event,) = await flaky.read(GROUP)
    assert (event.timestamp_ms, event.ingested_ms) == (5, came)


async def test_two_writers_may_make_the_same_group(flaky):
    state = MemoryState()
    writers = [
        LogWriter(sink=GroupSink(events=flaky, state=state, clock=FakeClock()), clock=FakeClock()) for _ in range(2)
    ]
    for writer in writers:
        writer.write(GROUP, "a", [(1, "one")])
    await asyncio.gather(*(writer.flush() for writer in writers))
    assert await texts(flaky) == ["one", "one"]
