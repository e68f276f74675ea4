"""What SqlState keeps to besides the contract: the disk."""

import sqlite3
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool
from tests.fakes.small_disk import fill, small_disk

from crossdock.adapters.host.sql_state import open_state, open_state_to_read
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.ports.state import TableSpec

THINGS = TableSpec(name="things", unique=("name",))
BIG = {"x": "y" * 20_000}


@contextmanager
def at_most_pages(count):
    """What SQLite answers then is what it answers on a full disk, and needs no privileges."""

    def limit(connection, _entry):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count = {count}")
        cursor.close()

    event.listen(Pool, "connect", limit)
    try:
        yield
    finally:
        event.remove(Pool, "connect", limit)


async def put(state, name, value):
    async with state.transaction() as tx:
        await tx.table(THINGS).put((name,), value)


async def names(state):
    async with state.reading() as view:
        return [row.key[0] for row in await view.table(THINGS).page()]


async def test_what_was_committed_is_there_after_opening_again(tmp_path):
    for n in range(3):
        state = await open_state(tmp_path / "state.db")
        await put(state, str(n), {"name": n})
        assert await names(state) == [str(m) for m in range(n + 1)]
        await state.close()


async def test_writers_wait_for_the_disk(tmp_path):
    found = set()

    def look(connection, _entry):
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only")
        is_writer = cursor.fetchone() == (0,)
        for pragma in ("journal_mode", "synchronous", "foreign_keys"):
            cursor.execute(f"PRAGMA {pragma}")
            found.add((is_writer, pragma, *cursor.fetchone()))
        cursor.close()

    event.listen(Pool, "checkin", look)
    try:
        state = await open_state(tmp_path / "state.db")
        await put(state, "a", {})
        await state.close()
    finally:
        event.remove(Pool, "checkin", look)
    assert found == {(True, "journal_mode", "wal"), (True, "synchronous", 2), (True, "foreign_keys", 1)}


async def test_a_full_database_is_out_of_space_and_goes_on_once_there_is_room(tmp_path):
    with at_most_pages(30):
        state = await open_state(tmp_path / "state.db")
        await put(state, "first", {})

        async def overfill():
            async with state.transaction() as tx:
                for n in range(30):
                    await tx.table(THINGS).put((f"big{n}",), BIG)

        with pytest.raises(OutOfSpace):
            await overfill()
        assert await names(state) == ["first"]
        await put(state, "second", {})
        assert await names(state) == ["first", "second"]
        await state.close()


async def test_nothing_is_written_after_the_disk_failed_even_when_the_caller_goes_on(tmp_path):
    with at_most_pages(30):
        state = await open_state(tmp_path / "state.db")

        async def go_on():
            async with state.transaction() as tx:
                await tx.table(THINGS).put(("before",), {})
                with pytest.raises(OutOfSpace):
                    await tx.table(THINGS).put(("big",), {"x": "y" * 500_000})
                with pytest.raises(OutOfSpace):
                    await tx.table(THINGS).put(("after",), {})

        with pytest.raises(OutOfSpace):
            await go_on()
        assert await names(state) == []
        await state.close()


async def test_a_full_disk_is_answered_and_survived(tmp_path):
    with small_disk(tmp_path) as disk:
        state = await open_state(disk / "state.db")
        await put(state, "first", {})
        make_room = fill(disk)

        async def overfill():
            for n in range(100):
                await put(state, f"big{n}", BIG)

        with pytest.raises((OutOfSpace, Unavailable)):
            await overfill()
        make_room()
        written = await names(state)
        assert written[-1] == "first"
        await put(state, "second", {})
        assert await names(state) == [*written, "second"]
        await state.close()


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        await open_state(tmp_path / "missing" / "state.db")
    (tmp_path / "garbage.db").write_bytes(b"x" * 10_000)
    with pytest.raises(Unavailable):
        await open_state(tmp_path / "garbage.db")


async def test_a_closed_state_is_not_opened_again_by_using_it(tmp_path):
    state = await open_state(tmp_path / "state.db")
    await state.close()
    with pytest.raises(RuntimeError, match="closed"):
        await names(state)


async def test_a_row_that_is_no_json_is_unavailable(tmp_path):
    state = await open_state(tmp_path / "state.db")
    await put(state, "a", {"name": "a"})
    with sqlite3.connect(tmp_path / "state.db") as damaged:
        damaged.execute("UPDATE documents SET value = '{'")
    async with state.reading() as view:
        for reading in (view.table(THINGS).get(("a",)), view.table(THINGS).page()):
            with pytest.raises(Unavailable, match="a stored record is damaged and cannot be read"):
                await reading
    damaged.close()
    await state.close()


async def test_who_only_reads_sees_what_is_committed_and_writes_nothing(tmp_path):
    writing = await open_state(tmp_path / "state.db")
    reading = open_state_to_read(tmp_path / "state.db")
    for version in (1, 2):
        async with writing.transaction() as tx:
            await tx.table(THINGS).put(("k",), {"n": version})
        async with reading.reading() as tx:
            assert (await tx.table(THINGS).get(("k",))).value == {"n": version}
    with pytest.raises(RuntimeError, match="another process"):
        async with reading.transaction():
            pass
    await reading.close()
    await writing.close()
