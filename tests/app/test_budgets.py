"""What one process may use of what the settings allow."""

import pytest
from tests.fakes.blocks import MemorySpill

from crossdock.app.budgets import block_pool, share_of
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.settings import UploadSettings


@pytest.mark.parametrize(("budget", "sharers", "share"), [(10, 1, 10), (10, 3, 4), (1, 4, 1)])
def test_shares_are_rounded_up(budget, sharers, share):
    assert share_of(budget, sharers) == share


async def test_a_pool_has_its_share_of_memory_and_of_the_spool_and_then_no_room():
    settings = UploadSettings(memory_bytes=4 * BLOCK_SIZE, spool_bytes=2 * BLOCK_SIZE, max_object_size=1 << 30)
    spill = MemorySpill()
    pool = block_pool(settings, spill, sharers=2)
    assert pool.plan.max_object_size == 1 << 30
    blocks = [await pool.take() for _ in range(3)]
    assert not pool.has_room
    for block in blocks:
        block.release()
    assert pool.has_room


async def test_nobody_is_left_without_a_block():
    pool = block_pool(UploadSettings(memory_bytes=BLOCK_SIZE, spool_bytes=BLOCK_SIZE), MemorySpill(), sharers=64)
    (await pool.take()).release()
