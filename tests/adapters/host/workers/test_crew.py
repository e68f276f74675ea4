"""Who of the workers serves the next client, and what becomes of one that dies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.logins import SERVER
from tests.fakes.patience import eventually

from crossdock.adapters.host.workers.crew import Crew, least_loaded
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.guests import Arrived


class Guest:
    def __init__(self, hand: "Hand", left: Callable[[Any], None]) -> None:
        self.hand = hand
        self._left = left

    def leave(self) -> None:
        self.hand.guests.remove(self)
        self._left(self)


@dataclass(eq=False)
class Hand:
    """Implements `crew.Hand`."""

    pid: int = 0
    is_ready: bool = True
    served: int = 0
    guests: list[Guest] = field(default_factory=list)
    gone: "asyncio.Future[None] | None" = None

    @property
    def load(self) -> int:
        return len(self.guests)

    def receive(self, arrived, left) -> Guest:
        self.served += 1
        self.guests.append(Guest(self, left))
        return self.guests[-1]

    async def end(self) -> None:
        self.die()

    def die(self) -> None:
        self.is_ready = False
        if not self.gone.done():
            self.gone.set_result(None)


class Transport:
    is_gone = False

    def is_closing(self) -> bool:
        return self.is_gone


@dataclass
class Yard:
    """A crew and those whom it hired; `refusals` are the errors of the next hirings."""

    is_ready_at_once: bool = True
    hired: list[Hand] = field(default_factory=list)
    ready: list[Callable[[], None]] = field(default_factory=list)
    refusals: list[OSError] = field(default_factory=list)
    crew: Crew | None = None

    async def hire(self, ready: Callable[[], None]) -> Hand:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop()
        hand = Hand(
            pid=len(self.hired), is_ready=self.is_ready_at_once, gone=asyncio.get_running_loop().create_future()
        )
        self.hired.append(hand)
        self.ready.append(ready)
        if hand.is_ready:
            ready()
        return hand

    async def come(self, left: Callable[[Any], None] = lambda _: None, transport: Any = None) -> Guest | None:
        its = transport or Transport()
        arrived = Arrived(server=SERVER, address="192.0.2.1", is_proxied=False, transport=its, seen=b"")
        return await self.crew.receive(arrived, left)


@asynccontextmanager
async def yard(size: int, *, patience_s: float = 20, **how: Any) -> AsyncIterator[Yard]:
    made, tasks = Yard(**how), TaskSupervisor()
    made.crew = Crew(size, made.hire, tasks=tasks, retry_s=0.001, patience_s=patience_s)
    made.crew.start()
    try:
        yield made
    finally:
        await made.crew.close()
        await tasks.close()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)), max_size=6))
def test_the_ready_one_with_the_fewest_guests_is_next_and_of_those_who_served_the_fewest(hands):
    made = [Hand(is_ready=ready, served=served, guests=[None] * load) for ready, load, served in hands]
    chosen = least_loaded(made)
    ready = [hand for hand in made if hand.is_ready]
    if not ready:
        assert chosen is None
    else:
        assert chosen.is_ready
        assert (chosen.load, chosen.served) == min((hand.load, hand.served) for hand in ready)


async def test_clients_are_spread_evenly_and_a_place_that_becomes_free_is_filled():
    async with yard(3) as made:
        await eventually(lambda: len(made.hired) == 3)
        guests = [await made.come() for _ in range(9)]
        assert [hand.load for hand in made.hired] == [3, 3, 3]
        for guest in [one for one in guests if one.hand is made.hired[1]]:
            guest.leave()
        for _ in range(3):
            assert (await made.come()).hand is made.hired[1]


async def test_two_that_come_one_after_the_other_are_served_by_two():
    async with yard(2) as made:
        await eventually(lambda: len(made.hired) == 2)
        first = await made.come()
        first.leave()
        assert (await made.come()).hand is not first.hand


async def test_who_comes_before_a_worker_is_ready_waits_for_it():
    async with yard(1, is_ready_at_once=False) as made:
        waiting = [asyncio.get_running_loop().create_task(made.come()) for _ in range(3)]
        await eventually(lambda: len(made.hired) == 1)
        assert not any(task.done() for task in waiting)
        made.hired[0].is_ready = True
        made.ready[0]()
        assert [guest.hand for guest in await asyncio.gather(*waiting)] == [made.hired[0]] * 3


async def test_who_waits_for_ever_is_sent_away(caplog):
    async with yard(1, is_ready_at_once=False, patience_s=0.01) as made:
        assert await made.come() is None
    assert [record.reason for record in caplog.records] == ["no worker is ready"]


async def test_who_has_gone_meanwhile_is_nobodys():
    async with yard(1) as made:
        transport = Transport()
        transport.is_gone = True
        assert await made.come(transport=transport) is None
        assert made.hired[0].served == 0


@pytest.mark.parametrize("victim", [0, 1])
async def test_a_worker_that_dies_is_replaced_and_the_others_go_on(victim: int):
    async with yard(2) as made:
        await eventually(lambda: len(made.hired) == 2)
        made.hired[victim].die()
        assert (await made.come()).hand is made.hired[1 - victim]
        await eventually(lambda: len(made.hired) == 3)
        assert (await made.come()).hand is made.hired[2]


async def test_a_worker_that_cannot_be_started_is_tried_again(caplog):
    async with yard(1, refusals=[OSError("no memory")] * 3) as made:
        assert (await made.come()).hand is made.hired[0]
        assert made.refusals == []
    assert [record.reason for record in caplog.records][:3] == ["no memory"] * 3


async def test_nobody_is_hired_after_the_end():
    async with yard(2) as made:
        await eventually(lambda: len(made.hired) == 2)
    assert [hand.gone.done() for hand in made.hired] == [True, True]
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(made.hired) == 2
