"""What every State keeps to."""

import asyncio
from types import MappingProxyType

import pytest

from crossdock.adapters.memory.state import MemoryState
from crossdock.ports.state import NotUnique, State, TableSpec, VersionConflict

USERS = TableSpec(name="users", unique=("mail", "badge"))
THINGS = TableSpec(name="things")


@pytest.fixture
async def state() -> State:
    return MemoryState()


async def test_a_row_is_read_as_it_was_written(state: State):
    value = {"name": "é\u0000\ud800", "nested": {"list": [1, 2.5, None, True, {"a": "b"}]}}
    async with state.transaction() as tx:
        row = await tx.table(THINGS).put(("a", "b"), value)
    assert (row.key, row.version, row.value) == (("a", "b"), 1, value)
    async with state.reading() as view:
        assert await view.table(THINGS).get(("a", "b")) == row
        assert await view.table(THINGS).get(("a",)) is None
