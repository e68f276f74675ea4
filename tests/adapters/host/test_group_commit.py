"""One commit for all who wait, and none who fails takes the others with them."""

import asyncio
import sqlite3

import pytest

from crossdock.adapters.host.group_commit import GroupCommit
from crossdock.adapters.host.sqlite_files import Durability, open_for_writing
from crossdock.core.errors import OutOfSpace

SCHEMA = "CREATE TABLE IF NOT EXISTS t (name TEXT PRIMARY KEY, value TEXT);"


@pytest.fixture
def connection(tmp_path):
    return open_for_writing(tmp_path / "x.db", durability=Durability.DISK, schema=SCHEMA)


@pytest.fixture
def commits(connection):
    made = GroupCommit(connection, name="x.db")
    yield made
    made.close()


def insert(name, value=""):
    def operation(connection):
        connection.execute("INSERT INTO t VALUES (?, ?)", (name, value))
        return name

    return operation


def names(tmp_path):
    connection = sqlite3.connect(tmp_path / "x.db")
    try:
        return [name for (name,) in connection.execute("SELECT name FROM t ORDER BY name")]
    finally:
        connection.close()


async def gather(commits, *operations):
    return await asyncio.gather(*(commits.run(operation) for operation in operations), return_exceptions=True)


async def test_what_was_answered_is_committed(commits, tmp_path):
    assert await commits.run(insert("a")) == "a"
    assert names(tmp_path) == ["a"]


async def test_many_that_wait_share_commits(connection, commits):
    statements = []
    connection.set_trace_callback(statements.append)
    await gather(commits, *(insert(str(n)) for n in range(200)))
    assert statements.count("COMMIT") < 20
    assert "PRAGMA synchronous" not in statements


async def test_a_writer_waits_for_the_disk(connection, commits):
    assert await commits.run(lambda c: c.execute("PRAGMA synchronous").fetchone()) == (2,)
    assert await commits.run(lambda c: c.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


async def test_one_that_fails_leaves_nothing_and_the_others_are_kept(commits, tmp_path):
    def fail_half_way(connection):
        insert("half")(connection)
        raise ZeroDivisionError

    outcomes = await gather(commits, insert("a"), fail_half_way, insert("b"), insert("a"), insert("c"))
    assert [type(o) for o in outcomes] == [str, ZeroDivisionError, str, sqlite3.IntegrityError, str]
    assert names(tmp_path) == ["a", "b", "c"]


async def test_one_that_does_not_fit_leaves_room_for_the_others(commits, tmp_path):
    await commits.run(lambda connection: connection.execute("PRAGMA max_page_count = 20").fetchone())
    outcomes = await gather(commits, insert("a"), insert("big", "x" * 500_000), insert("b"))
    assert [type(o) for o in outcomes] == [str, OutOfSpace, str]
    assert names(tmp_path) == ["a", "b"]
    assert await commits.run(insert("c")) == "c"


async def test_one_in_which_sqlite_gave_up_the_transaction_does_not_lose_the_others(commits, tmp_path):
    def give_up(connection):
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    outcomes = await gather(commits, insert("a"), give_up, insert("b"))
    assert [type(o) for o in outcomes] == [str, sqlite3.OperationalError, str]
    assert names(tmp_path) == ["a", "b"]


async def test_closing_waits_for_what_is_queued(connection, tmp_path):
    commits = GroupCommit(connection, name="x.db")
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(commits.run(insert(str(n)))) for n in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    commits.close()
    assert [await task for task in waiting] == ["0", "1", "2", "3", "4"]
    with pytest.raises(RuntimeError, match="closed"):
        await commits.run(insert("late"))
    assert names(tmp_path) == ["0", "1", "2", "3", "4"]
