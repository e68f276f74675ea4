"""What SqliteLogEvents keeps to besides the contract: the disk."""

import sqlite3
from contextlib import closing

import pytest
from tests.fakes.small_disk import fill, small_disk

from crossdock.adapters.host.log_events import FORGET_AT_ONCE, open_log_events
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.ports.logs import LogEvent, LogGroupId

GROUP = LogGroupId(account_id="1", region="r", name="g")


def events(count, message=""):
    return [LogEvent(stream=str(n % 3), timestamp_ms=n, message=message, ingested_ms=n) for n in range(count)]


async def test_what_was_appended_is_there_after_opening_again(tmp_path):
    for n in range(3):
        logs = open_log_events(tmp_path / "logs.db")
        await logs.append(GROUP, events(2))
        found = await logs.read(GROUP)
        assert len({event.sequence for event in found}) == 2 * (n + 1)
        await logs.close()


async def test_a_place_that_was_forgotten_is_not_given_out_again(tmp_path):
    logs = open_log_events(tmp_path / "logs.db")
    await logs.append(GROUP, events(3))
    last = (await logs.read(GROUP))[-1].sequence
    await logs.delete(GROUP)
    await logs.append(GROUP, events(1))
    assert (await logs.read(GROUP))[0].sequence > last
    await logs.close()


async def test_more_than_one_commit_holds_is_forgotten_too(tmp_path):
    logs = open_log_events(tmp_path / "logs.db")
    await logs.append(GROUP, events(2 * FORGET_AT_ONCE + 5))
    assert await logs.trim(older_than_ms={GROUP: FORGET_AT_ONCE + 1}, max_bytes=1 << 40) == FORGET_AT_ONCE + 1
    assert await logs.trim(older_than_ms={}, max_bytes=26) == FORGET_AT_ONCE + 3
    await logs.append(GROUP, events(2 * FORGET_AT_ONCE))
    await logs.delete(GROUP)
    assert await logs.read(GROUP) == []
    await logs.close()


async def test_the_file_shrinks_when_its_events_are_forgotten(tmp_path):
    logs = open_log_events(tmp_path / "logs.db")
    await logs.append(GROUP, events(2000, "x" * 1000))
    await logs.close()
    full = (tmp_path / "logs.db").stat().st_size
    logs = open_log_events(tmp_path / "logs.db")
    await logs.trim(older_than_ms={}, max_bytes=0)
    await logs.close()
    assert (tmp_path / "logs.db").stat().st_size < full / 4


async def test_a_group_that_holds_less_than_was_counted_is_no_end_of_forgetting(tmp_path):
    other = LogGroupId(account_id="1", region="r", name="other")
    logs = open_log_events(tmp_path / "logs.db")
    await logs.append(GROUP, events(3))
    await logs.append(other, events(5))
    await logs.close()
    with closing(sqlite3.connect(tmp_path / "logs.db")) as connection, connection:
        connection.execute("UPDATE streams SET stored_bytes = stored_bytes + 1000 WHERE group_id = 1")
    logs = open_log_events(tmp_path / "logs.db")
    await logs.trim(older_than_ms={}, max_bytes=2 * 26)
    assert (len(await logs.read(GROUP)), len(await logs.read(other))) == (0, 2)
    await logs.close()


async def test_a_full_disk_is_answered_and_survived(tmp_path):
    with small_disk(tmp_path) as disk:
        logs = open_log_events(disk / "logs.db")
        await logs.append(GROUP, events(1, "first"))
        make_room = fill(disk)

        async def overfill():
            for _ in range(100):
                await logs.append(GROUP, events(1, "x" * 20_000))

        with pytest.raises((OutOfSpace, Unavailable)):
            await overfill()
        assert (await logs.read(GROUP))[0].message == "first"
        make_room()
        await logs.append(GROUP, events(1, "last"))
        assert (await logs.read(GROUP, newest_first=True, limit=1))[0].message == "last"
        await logs.close()
