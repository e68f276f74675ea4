"""Part sizes that reach the largest object. How parts are filled is shown in `test_parts_sink.py`."""

import pytest
from tests.fakes.blocks import MemorySpill

from crossdock.files.blocks import BLOCK_SIZE, BlockPool
from crossdock.files.part_plan import DEFAULT_PLAN, MAX_PARTS, PartPlan, plan_parts, search_plan
from crossdock.files.parts import MEMORY_BLOCKS, Part

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
PLANS = [plan_parts(size) for size in (1, 8 * GIB, TIB, 5 * TIB, 20 * TIB, 43 * TIB)]


def sizes(plan: PartPlan) -> list[int]:
    return [plan.blocks(number) * BLOCK_SIZE for number in range(1, MAX_PARTS + 1)]


@pytest.mark.parametrize("plan", PLANS)
def test_the_parts_hold_the_largest_object(plan):
    assert sum(sizes(plan)) >= plan.max_object_size


@pytest.mark.parametrize("plan", PLANS)
def test_every_part_has_a_size_that_s3_takes(plan):
    assert min(sizes(plan)) >= 5 * MIB
    assert max(sizes(plan)) <= 5 * GIB


@pytest.mark.parametrize("plan", PLANS)
def test_parts_never_shrink_and_stay_small_for_usual_files(plan):
    assert sorted(sizes(plan)) == sizes(plan)
    assert sum(size for size in sizes(plan) if size == BLOCK_SIZE) >= 7.8 * GIB


def test_parts_grow_no_faster_than_the_largest_object_takes():
    for plan in PLANS[1:]:
        slower = PartPlan(plan.max_object_size, plan.growth - 1)
        assert plan.growth == 1 or sum(sizes(slower)) < plan.max_object_size


def test_the_usual_plan_is_for_five_tebibytes():
    assert search_plan(5 * TIB) == plan_parts(5 * TIB) == DEFAULT_PLAN
    assert sizes(DEFAULT_PLAN)[-1] == 146 * BLOCK_SIZE


def test_an_object_that_would_need_large_parts_from_the_beginning_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        plan_parts(44 * TIB)


async def test_of_a_large_part_only_its_beginning_is_in_memory():
    spill = MemorySpill()
    pool = BlockPool(budget=64 * 64, spill=spill, block_size=64)
    part = Part(MAX_PARTS, pool)
    while not part.is_full:
        part.size += len(await part.room())
    assert spill.given == part.blocks - MEMORY_BLOCKS
    assert sum(map(len, part.body())) == part.size == part.blocks * 64
    part.release()
