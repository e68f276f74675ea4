"""What is read once and said until something is committed."""

import asyncio

import pytest
from tests.fakes.house import CountingState

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import NotFound, Unavailable
from crossdock.operations.remembered import MOST_KEPT, Remembered
from crossdock.ports.state import TableSpec

THINGS = TableSpec(name="things")


class Reader:
    """Reads a number of the state by name, and counts how often."""

    def __init__(self, state):
        self.state = state
        self.reads = 0
        self.meanwhile = None

    async def __call__(self, name):
        self.reads += 1
        async with self.state.reading() as tx:
            row = await tx.table(THINGS).get((name,))
        if self.meanwhile is not None:
            await self.meanwhile()
        if row is None:
            raise NotFound(name)
        return row.value["number"]


@pytest.fixture
def state():
    return MemoryState()


async def put(state, name, number):
    async with state.transaction() as tx:
        await tx.table(THINGS).put((name,), {"number": number})


async def test_what_was_read_is_not_read_again(state):
    await put(state, "a", 1)
    reader = Reader(state)
    remembered = Remembered(state, reader)
    assert [await remembered.get("a") for _ in range(3)] == [1, 1, 1]
    assert reader.reads == 1


async def test_a_commit_of_anything_is_seen_at_once(state):
    await put(state, "a", 1)
    reader = Reader(state)
    remembered = Remembered(state, reader)
    for number in range(5):
        await put(state, "a", number)
        assert await remembered.get("a") == number


async def test_a_commit_during_a_read_is_seen_by_the_next_question(state):
    await put(state, "a", 1)
    reader = Reader(state)
    remembered = Remembered(state, reader)

    async def change():
        reader.meanwhile = None
        await put(state, "a", 2)

    reader.meanwhile = change
    await remembered.get("a")
    assert await remembered.get("a") == 2


async def test_a_failure_is_not_kept(state):
    reader = Reader(state)
    remembered = Remembered(state, reader)
    for _ in range(2):
        with pytest.raises(NotFound):
            await remembered.get("a")
    assert reader.reads == 2


async def test_made_up_names_do_not_fill_the_memory(state):
    async def length(name):
        return len(name)

    remembered = Remembered(state, length)
    await asyncio.gather(*(remembered.get(str(number)) for number in range(3 * MOST_KEPT)))
    assert len(remembered._kept) <= MOST_KEPT
    assert await remembered.get("abc") == 3


async def test_without_a_generation_everything_is_read(state):
    class Blind(CountingState):
        def generation(self):
            raise Unavailable("the state: disk I/O error")

    await put(state, "a", 1)
    reader = Reader(state)
    remembered = Remembered(Blind(state), reader)
    assert [await remembered.get("a") for _ in range(2)] == [1, 1]
    assert reader.reads == 2
