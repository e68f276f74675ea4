"""Buffers in a shared budget."""

import asyncio

import pytest
from tests.fakes.blocks import MemorySpill, SpilledBytes, make_pool

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


def pool_on_disk(blocks: int, *, memory: int = 0, patience_s: float = 60.0) -> BlockPool:
    return BlockPool(
        budget=memory * 64,
        spill=MemorySpill(),
        block_size=64,
        spool_budget=blocks * 64,
        patience_s=patience_s,
    )


async def waiting(pool: BlockPool, tasks: asyncio.TaskGroup, *, on_disk: bool = False) -> asyncio.Task:
    task = tasks.create_task(pool.take(on_disk=on_disk))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_when_memory_and_disk_are_spent_blocks_are_waited_for_in_turn():
    pool = pool_on_disk(1, memory=1)
    out = [await pool.take(), await pool.take()]
    assert not pool.has_room
    async with asyncio.TaskGroup() as tasks:
        first, second = await waiting(pool, tasks), await waiting(pool, tasks)
        assert not first.done()
        out[0].release()
        block = await first
        assert not second.done()
        assert not pool.has_room
        out[1].release()
        (await second).release()
    block.release()
    assert pool.has_room


async def test_a_block_that_is_wanted_on_disk_takes_no_memory_and_lets_others_wait_behind_it():
    pool = pool_on_disk(1, memory=1)
    on_disk, in_memory = await pool.take(on_disk=True), await pool.take()
    async with asyncio.TaskGroup() as tasks:
        large, small = await waiting(pool, tasks, on_disk=True), await waiting(pool, tasks)
        in_memory.release()
        await asyncio.sleep(0)
        assert not large.done()
        on_disk.release()
        await large
        await small


async def test_who_waits_in_vain_is_told_that_there_is_no_room():
    pool = pool_on_disk(1, patience_s=0.01)
    block = await pool.take()
    with pytest.raises(OutOfSpace, match=r"room that the spool has: see uploads\.spool_bytes"):
        await pool.take()
    block.release()
    await pool.take()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_is_cancelled_while_waiting_takes_nothing_along(when):
    pool = pool_on_disk(1)
    block = await pool.take()
    task = asyncio.get_running_loop().create_task(pool.take())
    await asyncio.sleep(0)
    if when == "before":
        task.cancel()
        await asyncio.sleep(0)
        block.release()
    else:
        block.release()
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert pool.has_room
    await pool.take()


async def test_a_disk_that_fails_costs_no_budget():
    spill = MemorySpill()
    spill.failure = OutOfSpace("full")
    pool = BlockPool(budget=0, spill=spill, block_size=64, spool_budget=64)
    with pytest.raises(OutOfSpace):
        await pool.take()
    spill.failure = None
    await pool.take()


async def test_room_on_disk_counts_as_back_once_the_disk_has_it():
    out = list[SpilledBytes]()

    async def spill(size: int) -> SpilledBytes:
        out.append(SpilledBytes(size, is_held=True))
        return out[-1]

    pool = BlockPool(budget=0, spill=spill, block_size=64, spool_budget=64)
    block = await pool.take()
    block.release()
    assert not pool.has_room
    out[0].let_go()
    assert pool.has_room
