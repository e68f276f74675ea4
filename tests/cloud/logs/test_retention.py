"""Forgetting what is old, and what is too much."""

import logging

import pytest
from tests.fakes.logs import GROUP, PARTNER, STREAM, FlakyEvents, LogsClient, group_id, messages

from crossdock.cloud.logs.moments import DAY_MS
from crossdock.cloud.logs.retention import TRIM_EVERY_S, trim_forever, trim_once
from crossdock.core.errors import Unavailable
from crossdock.ports.logs import LogEvent
from crossdock.settings import LogSettings

LOGGER = "crossdock.cloud.logs.retention"


class Enough(Exception):
    """Ends a loop that has no end."""


class Sleeper:
    """Does something in place of each sleep, then ends the loop."""

    def __init__(self, *steps) -> None:
        self._steps = list(steps)
        self.slept = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self._steps:
            raise Enough
        self._steps.pop(0)()


async def arrived(logs, group, *days_ago):
    await logs.events.append(
        group,
        [LogEvent(stream=STREAM, timestamp_ms=logs.now_ms - days * DAY_MS, message=str(days)) for days in days_ago],
    )


async def texts(logs, group):
    return [event.message for event in await logs.events.read(group)]


def keepers(logs, **settings):
    return {
        "events": logs.events,
        "state": logs.house.state,
        "clock": logs.clock,
        "settings": LogSettings(**settings),
    }


async def test_each_group_is_kept_for_its_own_time_and_others_for_the_houses(logs):
    own, other = group_id(), group_id("other", account=PARTNER)
    await logs.make()
    await logs("CreateLogGroup", logGroupName="other", account=PARTNER)
    await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=3)
    await arrived(logs, own, 4, 3, 1)
    await arrived(logs, other, 31, 30, 4)
    assert await trim_once(**keepers(logs)) == 2
    assert await texts(logs, own) == ["3", "1"]
    assert await texts(logs, other) == ["30", "4"]
    assert await trim_once(**keepers(logs, retention_days=4)) == 1
    assert await texts(logs, other) == ["4"]
    assert await texts(logs, own) == ["3", "1"]


async def test_a_retention_that_was_taken_back_no_longer_counts(logs):
    await logs.make()
    await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    await logs("DeleteRetentionPolicy", logGroupName=GROUP)
    await arrived(logs, group_id(), 5)
    assert await trim_once(**keepers(logs)) == 0


async def test_beyond_the_size_the_first_to_arrive_are_forgotten(logs):
    await logs.make(STREAM)
    await logs.put("a" * 74, "b" * 74, "c" * 74)
    assert await trim_once(**keepers(logs, max_bytes=200)) == 1
    assert [message[0] for message in messages(await logs("FilterLogEvents", logGroupName=GROUP))] == ["b", "c"]
    assert (await logs("DescribeLogGroups"))["logGroups"][0]["storedBytes"] == 200


async def test_it_goes_on_every_minute(logs):
    await logs.make(STREAM)
    await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    await logs.put("a")
    sleeper = Sleeper(lambda: logs.clock.advance(86_399), lambda: logs.clock.advance(2))
    with pytest.raises(Enough):
        await trim_forever(**keepers(logs), sleep=sleeper)
    assert sleeper.slept == [TRIM_EVERY_S] * 3
    assert messages(await logs("FilterLogEvents", logGroupName=GROUP)) == []


async def test_a_failing_disk_is_said_once_and_does_not_end_it(caplog):
    caplog.set_level(logging.INFO, LOGGER)
    flaky = FlakyEvents()
    logs = LogsClient(flaky)
    await logs.make(STREAM)
    await arrived(logs, group_id(), 40)
    flaky.error = Unavailable("not now")

    def works_again():
        flaky.error = None

    def fails_again():
        flaky.error = Unavailable("again")

    with pytest.raises(Enough):
        await trim_forever(**keepers(logs), sleep=Sleeper(lambda: None, works_again, fails_again, lambda: None))
    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.name == LOGGER] == [
        ("ERROR", "log events cannot be trimmed"),
        ("INFO", "forgot log events"),
        ("ERROR", "log events cannot be trimmed"),
    ]
    assert await texts(logs, group_id()) == []
