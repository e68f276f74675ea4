"""Buckets are worked on side by side, each by one only."""

import asyncio

import pytest

from crossdock.core.errors import Unavailable
from crossdock.files.bucket_queues import BucketQueues
from crossdock.ports.state import Key


async def turns() -> None:
    """What is ready has come to its next wait."""
    for _ in range(5):
        await asyncio.sleep(0)


class Desk:
    """Does its work; that of `held` not before it is let go."""

    def __init__(self, *held: str) -> None:
        self.held = held
        self.let_go = asyncio.Event()
        self.begun: list[str] = []

    async def do(self, key: Key) -> bool:
        self.begun.append(key[0])
        if key[0] in self.held:
            await self.let_go.wait()
        return key[0] != "nothing to do"


async def test_a_bucket_that_hangs_holds_up_no_other_and_has_one_worker():
    queues, desk = BucketQueues(), Desk("a1")
    items = [("a", ("a1",)), ("a", ("a2",)), ("b", ("b1",)), ("b", ("nothing to do",))]
    first = asyncio.create_task(queues.work(items, desk.do))
    await turns()
    assert desk.begun == ["a1", "b1", "nothing to do"]
    assert await queues.work([("a", ("a3",)), ("a", ("a2",)), ("b", ("b2",))], desk.do) == 1
    assert desk.begun[3:] == ["b2"]
    desk.let_go.set()
    assert await first == 4
    assert desk.begun[4:] == ["a2", "a3"]


async def test_what_fails_in_one_bucket_is_raised_after_the_others_and_work_goes_on_the_next_time():
    queues, done = BucketQueues(), list[Key]()

    async def do(key: Key) -> bool:
        if key == ("a1",):
            raise Unavailable("the disk fails")
        done.append(key)
        return True

    with pytest.raises(Unavailable, match="the disk fails"):
        await queues.work([("a", ("a1",)), ("a", ("a2",)), ("b", ("b1",))], do)
    assert done == [("b1",)]
    assert await queues.work([("a", ("a2",))], do) == 1


async def test_who_is_cancelled_leaves_no_bucket_taken():
    queues, desk = BucketQueues(), Desk("a1")
    first = asyncio.create_task(queues.work([("a", ("a1",))], desk.do))
    await turns()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await queues.work([("a", ("a2",))], desk.do) == 1
