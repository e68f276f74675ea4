"""Buffers in a shared budget."""

import pytest
from tests.fakes.blocks import MemorySpill, make_pool

from crossdock.core.errors import OutOfSpace
from crossdock.files.blocks import BLOCK_SIZE, BlockPool


async def test_a_block_can_be_written_whole():
    block = await make_pool().take()
    block.view[:] = b"x" * BLOCK_SIZE
    assert bytes(block.view[-3:]) == b"xxx"


async def test_beyond_the_budget_blocks_lie_on_disk_and_nobody_waits():
    spill = MemorySpill()
    pool = make_pool(2, spill)
    blocks = [await pool.take() for _ in range(5)]
    assert spill.given == 3
    assert all(len(block.view) == BLOCK_SIZE and not block.view.readonly for block in blocks)


async def test_a_released_block_serves_the_next():
    spill = MemorySpill()
    pool = make_pool(1, spill)
    for _ in range(5):
        block = await pool.take()
        block.release()
        block.release()
    assert spill.given == 0
    first, second = await pool.take(), await pool.take()
    assert spill.given == 1
    second.release()
    first.release()
    assert len(second.view) == 0


async def test_a_full_disk_is_out_of_space():
    spill = MemorySpill()
    spill.failure = OutOfSpace("No space left on device")
    pool = BlockPool(budget=0, spill=spill)
    with pytest.raises(OutOfSpace):
        await pool.take()
