"""Rows that are read on the loop: always what is committed, and never while the disk is slow."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.adapters.host.glances import MOST_KEPT, REST_TIMES, Glances, NotNow
from crossdock.adapters.host.sqlite_files import ReadPool, open_for_reading


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "rows.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE rows (name TEXT PRIMARY KEY, number INTEGER)")
    connection.execute("INSERT INTO rows VALUES ('a', 1)")
    yield connection
    connection.close()


class Disk:
    """Clock and counter of a disk: `seconds` go by, and it is read, at each read of a row while `is_slow`."""

    def __init__(self) -> None:
        self.is_slow = False
        self.seconds = 0.5
        self.time = 100.0
        self.count = 0
        self.reads = 0

    def read(self, connection: sqlite3.Connection) -> int:
        self.reads += 1
        if self.is_slow:
            self.count += 1
            self.time += self.seconds
        row = connection.execute("SELECT number FROM rows WHERE name = 'a'").fetchone()
        return int(row[0])


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def glances(tmp_path: Path, writer: sqlite3.Connection, disk: Disk) -> Iterator[Glances]:
    made = Glances(lambda: open_for_reading(tmp_path / "rows.db"), now=lambda: disk.time, disk_reads=lambda: disk.count)
    yield made
    made.close()


def test_an_answer_is_kept_until_another_connection_commits(glances: Glances, writer: sqlite3.Connection, disk: Disk):
    assert [glances.look("a", disk.read) for _ in range(3)] == [1, 1, 1]
    assert disk.reads == 1
    writer.execute("UPDATE rows SET number = 2")
    assert [glances.look("a", disk.read) for _ in range(3)] == [2, 2, 2]
    assert disk.reads == 2


def test_what_is_not_committed_is_not_seen(glances: Glances, writer: sqlite3.Connection, disk: Disk):
    writer.execute("BEGIN")
    writer.execute("UPDATE rows SET number = 2")
    assert glances.look("a", disk.read) == 1
    writer.execute("COMMIT")
    assert glances.look("a", disk.read) == 2


def test_few_answers_are_kept(glances: Glances, disk: Disk):
    for number in range(MOST_KEPT + 1):
        glances.look(number, disk.read)
    glances.look(0, disk.read)
    assert disk.reads == MOST_KEPT + 2


def test_after_a_read_of_the_disk_nothing_is_read_for_much_longer(glances: Glances, disk: Disk):
    disk.is_slow = True
    assert glances.look("a", disk.read) == 1
    disk.is_slow = False
    disk.time += disk.seconds * REST_TIMES - 0.1
    with pytest.raises(NotNow):
        glances.look("b", disk.read)
    disk.time += 0.2
    assert glances.look("b", disk.read) == 1


def test_a_long_time_alone_is_no_reason(glances: Glances, disk: Disk):
    def preempted(connection: sqlite3.Connection) -> int:
        disk.time += 5
        return disk.read(connection)

    glances.look("a", preempted)
    assert glances.look("b", disk.read) == 1


def test_a_database_that_is_locked_is_not_waited_for(tmp_path: Path, glances: Glances, disk: Disk):
    glances.look("a", disk.read)
    (tmp_path / "other.db").write_bytes(b"")
    other = Glances(lambda: sqlite3.connect(tmp_path / "other.db", isolation_level=None))
    with sqlite3.connect(tmp_path / "other.db", isolation_level=None) as locker:
        locker.execute("CREATE TABLE rows (name TEXT, number INTEGER)")
        locker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(NotNow):
            other.look("a", disk.read)
        locker.execute("ROLLBACK")
    locker.close()
    other.close()


def test_a_mistake_of_the_reader_is_the_callers(glances: Glances, disk: Disk):
    def fail(connection: sqlite3.Connection) -> int:
        raise ValueError("no number")

    with pytest.raises(ValueError, match="no number"):
        glances.look("a", fail)
    assert glances.look("a", disk.read) == 1


def test_nothing_is_read_after_the_end(glances: Glances, disk: Disk):
    glances.look("a", disk.read)
    glances.close()
    with pytest.raises(NotNow):
        glances.look("a", disk.read)


async def test_what_is_not_read_at_once_is_read_in_a_thread(tmp_path: Path, writer: sqlite3.Connection, disk: Disk):
    pool = ReadPool(tmp_path / "rows.db")
    assert await pool.glance("a", disk.read) == 1
    pool._glances.close()
    assert await pool.glance("a", disk.read) == 1
    pool.close()
