"""The worker's side of its guests: takes the sockets that come with orders, and tells when somebody has left."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from typing import cast

from crossdock.adapters.host.workers.orders import Begin, Cut, Drain, Order, Receive
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.guests import Arrived, Guest, Rooms

_log = logging.getLogger(__name__)


class _Hall(asyncio.Protocol):
    """Reads nothing: what comes is for whom the rooms set."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).pause_reading()


class Lodging:
    """`left` is told the number of each guest once: of those too who could not be served."""

    def __init__(self, rooms: Rooms, *, left: Callable[[int], None], tasks: TaskSupervisor) -> None:
        self._rooms = rooms
        self._left = left
        self._tasks = tasks
        self._coming: dict[int, asyncio.Task[bool]] = {}
        self._guests: dict[int, Guest] = {}

    def take(self, order: Order, fd: int | None) -> None:
        match order:
            case Receive() if fd is not None:
                self._receive(order, fd)
            case Drain(guest=number) if number in self._guests:
                self._guests[number].drain()
            case Cut(guest=number, reason=reason) if number in self._guests:
                self._guests[number].cut(reason)
            case Drain(guest=number) | Cut(guest=number):
                if (task := self._coming.get(number)) is not None:
                    task.cancel()
            case Receive() | Begin():
                _log.error("an order that cannot be", extra={"order": type(order).__name__})
                if fd is not None:
                    os.close(fd)

    def _receive(self, order: Receive, fd: int) -> None:
        number = order.guest
        task = self._tasks.start(self._let_in(order, socket.socket(fileno=fd)), name="ssh arrival")
        self._coming[number] = task

        def arrived(task: "asyncio.Task[bool]") -> None:
            del self._coming[number]
            if task.cancelled() or task.exception() is not None or not task.result():
                self._left(number)

        task.add_done_callback(arrived)

    async def _let_in(self, order: Receive, sock: socket.socket) -> bool:
        def leave(_: Guest) -> None:
            del self._guests[order.guest]
            self._left(order.guest)

        sock.setblocking(False)
        transport: asyncio.Transport | None = None
        is_in = False
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(_Hall, sock)
            arrived = Arrived(
                server=order.server,
                address=order.address,
                is_proxied=order.is_proxied,
                transport=transport,
                seen=order.seen,
            )
            guest = await self._rooms.receive(arrived, leave)
            if guest is not None:
                self._guests[order.guest] = guest
                is_in = True
        finally:
            if not is_in:
                sock.close() if transport is None else transport.abort()
        return is_in
