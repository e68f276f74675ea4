"""Requests about the same file are carried out in order, others side by side."""

import asyncio

import pytest

from crossdock.sftp.turns import Turns


@pytest.mark.parametrize(
    ("earlier", "later", "waits"),
    [
        (["/a"], ["/a"], True),
        (["/a"], ["/b"], False),
        (["/a"], ["/a/b/c"], True),
        (["/a/b"], ["/a"], True),
        (["/a"], ["/ab"], False),
        (["/"], ["/x"], True),
        (["/x", "/y"], ["/z", "/y"], True),
        ([], ["/a"], False),
    ],
)
async def test_a_change_keeps_what_is_about_its_path_waiting(earlier: list[str], later: list[str], waits: bool):
    for first_changes, second_changes in ((True, False), (False, True), (True, True)):
        turns = Turns()
        first = turns.enter(earlier, changes=first_changes)
        second = turns.enter(later, changes=second_changes)
        await first.come()
        assert turns.is_blocked(second) == waits
        waiting = asyncio.ensure_future(second.come())
        await asyncio.sleep(0)
        assert waiting.done() != waits
        first.leave()
        await waiting
        second.leave()


async def test_what_changes_nothing_goes_side_by_side():
    turns = Turns()
    first, second = turns.enter(["/a"], changes=False), turns.enter(["/a"], changes=False)
    await second.come()
    second.leave()
    await first.come()


async def test_the_order_is_that_of_entering():
    turns = Turns()
    order: list[int] = []

    async def take(number: int, turn_changes: bool) -> None:
        turn = turns.enter(["/a"], changes=turn_changes)
        await turn.come()
        order.append(number)
        await asyncio.sleep(0)
        turn.leave()

    await asyncio.gather(*(take(number, number % 2 == 0) for number in range(6)))
    assert order == list(range(6))


async def test_who_gives_up_waiting_blocks_nobody():
    turns = Turns()
    first, second, third = (turns.enter(["/a"], changes=True) for _ in range(3))
    waiting = asyncio.ensure_future(second.come())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    second.leave()
    first.leave()
    await third.come()
