"""How large the parts are of an upload whose length nobody knows. Pure.

Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits": 10,000 parts, each 5 MiB to 5 GiB but the last; an
object of at most 48.8 TiB, which is 10,000 parts of 5 GiB.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

BLOCK_SIZE = 8 << 20
"""Bytes of which parts are multiples. S3 wants at least 5 MiB in every part but the last."""
MAX_PARTS = 10_000
MAX_PART = 5 << 30
_MAX_BLOCKS = MAX_PART // BLOCK_SIZE
_SMALL_PARTS = 1000
_STEPS = 6000


@dataclass(frozen=True, slots=True)
class PartPlan:
    """How many blocks of 8 MiB each part has: one each for the first 8 GiB, then slowly more, at most 5 GiB.

    Made by `plan_parts`, so that 10,000 parts hold the largest object; of 5 TiB the last part has about 1.2 GiB.
    """

    max_object_size: int
    growth: int

    def blocks(self, number: int) -> int:
        """Of a part, counted from 1."""
        return min(_MAX_BLOCKS, max(1, -(-(number - _SMALL_PARTS) * self.growth // _STEPS)))


def plan_parts(max_object_size: int) -> PartPlan:
    """The parts of an object of unknown size, of at most so many bytes; they grow no faster than that takes.

    Raises ValueError for more than 43.9 TiB: S3 takes 48.8 TiB, but only if the very first part has 5 GiB.
    """
    # A search takes 80 ms, and every start would wait for it.
    return DEFAULT_PLAN if max_object_size == DEFAULT_PLAN.max_object_size else search_plan(max_object_size)


@lru_cache
def search_plan(max_object_size: int) -> PartPlan:
    """What `plan_parts` promises, computed."""

    def capacity(growth: int) -> int:
        plan = PartPlan(max_object_size, growth)
        return sum(map(plan.blocks, range(1, MAX_PARTS + 1))) * BLOCK_SIZE

    steepest = _MAX_BLOCKS * _STEPS
    if max_object_size > capacity(steepest):
        raise ValueError(f"an object of {max_object_size} bytes does not fit into 10,000 parts that begin small")
    return PartPlan(max_object_size, bisect_left(range(1, steepest), max_object_size, key=capacity) + 1)


DEFAULT_PLAN = PartPlan(5 << 40, 97)
"""What `search_plan` finds for 5 TiB."""
