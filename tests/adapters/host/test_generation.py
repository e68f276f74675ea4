"""Commits of other connections are noticed."""

import sqlite3

import pytest

from crossdock.adapters.host.generation import Generation
from crossdock.adapters.host.sql_state import open_state, open_state_to_read
from crossdock.core.errors import Unavailable
from crossdock.ports.state import TableSpec

THINGS = TableSpec(name="things")


async def test_a_state_that_only_reads_notices_what_another_writes(tmp_path):
    """As the processes of a service do, one of which writes."""
    writing = await open_state(tmp_path / "state.db")
    reading = open_state_to_read(tmp_path / "state.db")
    before = reading.generation()
    async with writing.transaction() as tx:
        await tx.table(THINGS).put(("a",), {})
    assert reading.generation() != before
    await reading.close()
    await writing.close()
    with pytest.raises(RuntimeError, match="closed"):
        reading.generation()


def test_a_database_that_is_locked_or_none_is_told(tmp_path):
    (tmp_path / "state.db").write_bytes(b"no database" * 100)
    with pytest.raises(Unavailable, match="the state"):
        Generation(str(tmp_path / "state.db"), "the state").current()


def test_nothing_is_waited_for(tmp_path):
    path = str(tmp_path / "state.db")
    generation = Generation(path, "the state")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("CREATE TABLE t (a)")
        generation.current()
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked"):
            generation.current()
        other.execute("ROLLBACK")
    other.close()
    generation.close()
