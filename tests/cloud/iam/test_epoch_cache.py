"""Values that stay good until a policy changes."""

import asyncio

import pytest
from tests.fakes.house import CountedEpoch

from crossdock.cloud.iam.epoch_cache import EpochCache


class Source:
    """Counts how often it is asked; `gate` holds answers back."""

    def __init__(self) -> None:
        self.value = "first"
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()

    async def load(self) -> str:
        self.loads += 1
        value = self.value
        self.started.set()
        await self.gate.wait()
        return value


async def test_a_value_is_loaded_once_per_epoch() -> None:
    epoch, source = CountedEpoch(), Source()
    cache: EpochCache[str] = EpochCache(epoch, capacity=2)

    assert [await cache.get("a", source.load) for _ in range(3)] == ["first"] * 3
    assert source.loads == 1

    source.value = "second"
    epoch.advance()
    assert await cache.get("a", source.load) == "second"
    assert source.loads == 2


async def test_the_least_used_value_goes_first() -> None:
    source = Source()
    cache: EpochCache[str] = EpochCache(CountedEpoch(), capacity=2)

    for name in ("a", "b", "a", "c", "a"):
        await cache.get(name, source.load)
    assert source.loads == 3

    await cache.get("b", source.load)
    assert source.loads == 4


async def test_those_who_wait_for_the_same_value_load_it_once() -> None:
    source = Source()
    cache: EpochCache[str] = EpochCache(CountedEpoch(), capacity=2)
    source.gate.clear()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(cache.get("a", source.load)) for _ in range(10)]
        await source.started.wait()
        source.gate.set()

    assert {task.result() for task in tasks} == {"first"}
    assert source.loads == 1


async def test_a_value_loaded_while_a_policy_changed_is_not_kept() -> None:
    epoch, source = CountedEpoch(), Source()
    cache: EpochCache[str] = EpochCache(epoch, capacity=2)
    source.gate.clear()

    async with asyncio.TaskGroup() as group:
        early = group.create_task(cache.get("a", source.load))
        await source.started.wait()
        source.value = "second"
        epoch.advance()
        late = group.create_task(cache.get("a", source.load))
        source.gate.set()

    assert early.result() == "first"
    assert late.result() == "second"
    assert await cache.get("a", source.load) == "second"
    assert source.loads == 2


async def test_a_load_that_fails_keeps_nothing_and_the_next_one_tries_again() -> None:
    cache: EpochCache[str] = EpochCache(CountedEpoch(), capacity=2)

    async def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await cache.get("a", fail)

    assert await cache.get("a", Source().load) == "first"
