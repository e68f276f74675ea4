"""What a failed upload was to replace is still known after a restart, and no longer."""

import pytest

from crossdock.adapters.memory.state import MemoryState
from crossdock.app.kept_unfinished import open_unfinished
from crossdock.core.errors import OutOfSpace
from crossdock.core.homes import ObjectPlace

PLACES = [ObjectPlace(bucket="home", key=key) for key in ("z", "a", "ü/m")]
NOTED = [(f"user{number}@s-1", place) for number, place in enumerate(PLACES)]


async def test_the_next_start_knows_of_them_in_their_order():
    state = MemoryState()
    async with open_unfinished(state) as uploads:
        for user, place in NOTED:
            uploads.note(user, place)
    for _ in range(2):
        async with open_unfinished(state) as uploads:
            assert list(uploads.all()) == NOTED
    async with open_unfinished(state) as uploads:
        uploads.forget(*NOTED[0])
    async with open_unfinished(state) as uploads:
        assert list(uploads.all()) == NOTED[1:]


async def test_a_crash_forgets_them_rather_than_tell_of_older_ones():
    state = MemoryState()
    async with open_unfinished(state) as uploads:
        uploads.note(*NOTED[0])
    crashed = open_unfinished(state)
    await crashed.__aenter__()
    async with open_unfinished(state) as uploads:
        assert list(uploads.all()) == []
    await crashed.__aexit__(None, None, None)


class FullState(MemoryState):
    is_full = False

    def transaction(self):
        if self.is_full:
            raise OutOfSpace("the disk is full")
        return super().transaction()


async def test_a_full_disk_keeps_no_service_from_ending(caplog: pytest.LogCaptureFixture):
    state = FullState()
    async with open_unfinished(state) as uploads:
        uploads.note(*NOTED[0])
        state.is_full = True
    assert "unfinished uploads are forgotten" in caplog.text
