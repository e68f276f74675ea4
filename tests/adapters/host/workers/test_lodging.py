"""A worker's guests: their sockets, and what is told of them."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.fakes.logins import SERVER
from tests.fakes.patience import eventually

from crossdock.adapters.host.workers.lodging import Lodging
from crossdock.adapters.host.workers.orders import Cut, Drain, Receive
from crossdock.operations.tasks import TaskSupervisor


class Guest:
    def __init__(self, transport: asyncio.Transport, left: Callable[[Any], None]) -> None:
        self.transport = transport
        self.left = left
        self.told: list[str] = []

    def drain(self) -> None:
        self.told.append("drain")

    def cut(self, reason: str) -> None:
        self.told.append(reason)
        self.transport.abort()
        self.left(self)


class Rooms:
    """Implements `ports.guests.Rooms`: `gate` is waited for, `is_full` sends everybody away."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_full = False
        self.guests: list[Guest] = []
        self.asked: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None

    async def receive(self, arrived, left) -> Guest | None:
        self.asked.append((arrived.server, arrived.address, arrived.seen, arrived.transport.is_reading()))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if self.is_full:
            return None
        self.guests.append(Guest(arrived.transport, left))
        return self.guests[-1]


@asynccontextmanager
async def lodging():
    rooms, left, tasks = Rooms(), [], TaskSupervisor()
    yield Lodging(rooms, left=left.append, tasks=tasks), rooms, left
    for guest in rooms.guests:
        guest.transport.abort()
    await tasks.close()


def arrival(guest: int = 7) -> tuple[Receive, int, socket.socket]:
    ours, its = socket.socketpair()
    order = Receive(guest=guest, server=SERVER, address="192.0.2.1", is_proxied=True, seen=b"SSH-")
    return order, its.detach(), ours


async def is_closed(sock: socket.socket) -> bool:
    sock.setblocking(False)
    return await asyncio.get_running_loop().sock_recv(sock, 1) == b""


async def test_a_guest_is_served_from_its_socket_and_told_what_the_parent_says():
    async with lodging() as (lodge, rooms, left):
        order, fd, client = arrival()
        with client:
            lodge.take(order, fd)
            await eventually(lambda: rooms.guests)
            assert rooms.asked == [(SERVER, "192.0.2.1", b"SSH-", False)]
            lodge.take(Drain(guest=7), None)
            lodge.take(Drain(guest=8), None)
            assert rooms.guests[0].told == ["drain"]
            assert left == []
            lodge.take(Cut(guest=7, reason="now"), None)
            assert left == [7]
            assert await is_closed(client)
            lodge.take(Cut(guest=7, reason="again"), None)
        assert rooms.guests[0].told == ["drain", "now"]


async def test_who_cannot_be_served_has_left():
    async with lodging() as (lodge, rooms, left):
        rooms.is_full = True
        order, fd, client = arrival()
        with client:
            lodge.take(order, fd)
            await eventually(lambda: left == [7])
            assert await is_closed(client)


@pytest.mark.parametrize("order", [Drain(guest=7), Cut(guest=7, reason="now")])
async def test_who_is_still_coming_when_it_is_to_end_has_left(order):
    async with lodging() as (lodge, rooms, left):
        rooms.gate.clear()
        receive, fd, client = arrival()
        with client:
            lodge.take(receive, fd)
            await eventually(lambda: rooms.asked)
            lodge.take(order, None)
            await eventually(lambda: left == [7])
            assert await is_closed(client)
        assert rooms.guests == []


async def test_an_accident_at_the_door_ends_that_guest_only(caplog):
    async with lodging() as (lodge, rooms, left):
        rooms.failure = ValueError("broken")
        order, fd, client = arrival()
        with client:
            lodge.take(order, fd)
            await eventually(lambda: left == [7])
        rooms.failure = None
        order, fd, client = arrival(8)
        with client:
            lodge.take(order, fd)
            await eventually(lambda: rooms.guests)
    assert "broken" in caplog.text


async def test_an_order_to_receive_nobody_is_noted(caplog):
    async with lodging() as (lodge, rooms, _):
        order, fd, client = arrival()
        os.close(fd)
        client.close()
        lodge.take(order, None)
    assert rooms.asked == []
    assert "cannot be" in caplog.text
