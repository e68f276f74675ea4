"""One worker as the parent knows it: its process, the line on which it asks, and the guests that it serves."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from crossdock.adapters.host.workers.answers import LoginAnswers, Parent, StorageAnswers
from crossdock.adapters.host.workers.calls import GUEST_LEFT, READY, GuestLeft
from crossdock.adapters.host.workers.frames import BadMessage
from crossdock.adapters.host.workers.line import Answer, ServingLine
from crossdock.adapters.host.workers.orders import MOST_SEEN_BYTES, Begin, Cut, Drain, OrderSender, Receive
from crossdock.adapters.host.workers.process import PROGRAM, Started, start_worker
from crossdock.adapters.host.workers.remote_ledger import LedgerAnswers
from crossdock.adapters.host.workers.remote_unfinished import UnfinishedAnswers
from crossdock.adapters.host.workers.remote_uploads import UploadAnswers
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.guests import Arrived, Left

_log = logging.getLogger(__name__)

END_TIMEOUT_S = 5.0


class RemoteGuest:
    """See `ports.guests.Guest`."""

    def __init__(self, number: int, orders: OrderSender) -> None:
        self._number = number
        self._orders = orders

    def drain(self) -> None:
        self._orders.send(Drain(guest=self._number))

    def cut(self, reason: str) -> None:
        self._orders.send(Cut(guest=self._number, reason=reason))


@dataclass(frozen=True, slots=True)
class _Lodger:
    guest: RemoteGuest
    left: Left


class Worker:
    """`gone` is set when nothing of it is left, and what it held has been given back."""

    def __init__(
        self,
        parent: Parent,
        *,
        mark: bytes,
        tasks: TaskSupervisor,
        ready: Callable[[], None],
        variables: Mapping[str, str],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_ready = False
        self.served = 0
        self._mark = mark
        self._blobs = parent.blobs
        self._tasks = tasks
        self._on_ready = ready
        self._variables = variables
        self._program = program
        self._logins = LoginAnswers(parent)
        self._storage = StorageAnswers(parent)
        self._resumable = UploadAnswers(parent.resumable)
        own: list[Answer[Any, Any]] = [Answer(READY, lambda _: self._begin()), Answer(GUEST_LEFT, self._guest_left)]
        self._ledger = LedgerAnswers(parent.new_ledgers())
        further = [*self._ledger.all(), *UnfinishedAnswers(parent.unfinished).all()]
        answers = [*self._logins.all(), *self._storage.all(), *self._resumable.all(), *further, *own]
        self._line = ServingLine(answers, tasks=tasks, lost=self._hung_up)
        self._numbers = count(1)
        self._lodgers: dict[int, _Lodger] = {}
        self._started: Started | None = None
        self._orders: OrderSender | None = None

    @property
    def load(self) -> int:
        """How many guests it has."""
        return len(self._lodgers)

    @property
    def pid(self) -> int:
        return self._started.process.pid if self._started else 0

    async def start(self, begin: Begin) -> None:
        """Raises OSError."""
        self._started = started = start_worker(self._exited, variables=self._variables, program=self._program)
        self._orders = OrderSender(started.orders)
        self._orders.send(begin)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: self._line, started.line)
        except BaseException:
            started.process.kill()
            raise

    def receive(self, arrived: Arrived, left: Left) -> RemoteGuest | None:
        """See `ports.guests.Rooms`. Of the transport, this process keeps nothing."""
        orders, address, seen = self._orders, arrived.address, arrived.seen
        if not self.is_ready or orders is None or not orders.is_heard:
            _log.warning("ssh connection refused", extra={"source_ip": address, "reason": "no worker can take it"})
            return None
        if len(seen) > MOST_SEEN_BYTES:
            _log.info("ssh connection refused", extra={"source_ip": address, "reason": "too much was sent ahead"})
            return None
        number = next(self._numbers)
        order = Receive(guest=number, server=arrived.server, address=address, is_proxied=arrived.is_proxied, seen=seen)
        try:
            orders.send(order, os.dup(arrived.transport.get_extra_info("socket").fileno()))
        except (BadMessage, OSError) as error:
            _log.error("ssh connection refused", extra={"source_ip": address, "reason": str(error)})
            return None
        arrived.transport.abort()  # the descriptor of this process; the connection is the worker's
        guest = RemoteGuest(number, orders)
        self._lodgers[number] = _Lodger(guest, left)
        self.served += 1
        return guest

    async def end(self) -> None:
        """Let it end, when its guests have left; at once if it has never had any."""
        if self._started is None:
            return
        if not self.is_ready:
            self._started.process.kill()
        self.is_ready = False
        if self._orders is not None:
            self._orders.close()
        _, late = await asyncio.wait({self.gone}, timeout=END_TIMEOUT_S)
        if late:
            _log.error("a worker does not end", extra={"worker": self.pid})
            self._started.process.kill()
            await asyncio.wait({self.gone})

    def _begin(self) -> None:
        self.is_ready = True
        _log.info("a worker is ready", extra={"worker": self.pid})
        self._on_ready()

    def _guest_left(self, told: GuestLeft) -> None:
        lodger = self._lodgers.pop(told.guest, None)
        if lodger is not None:
            lodger.left(lodger.guest)

    def _hung_up(self) -> None:
        """A worker that cannot ask any more is none: its end will follow."""
        self.is_ready = False
        if self._started is not None:
            self._started.process.kill()

    def _exited(self, status: int) -> None:
        self.is_ready = False
        self._line.close()
        if self._orders is not None:
            self._orders.close()
        if self._lodgers:
            _log.error("a worker has died", extra={"worker": self.pid, "status": status, "sessions": self.load})
        self._tasks.start(self._clear_up(), name="worker end")

    async def _clear_up(self) -> None:
        self._logins.give_back()
        self._storage.give_back()
        self._resumable.give_back()
        self._ledger.give_back()
        lodgers, self._lodgers = self._lodgers, {}
        for lodger in lodgers.values():
            lodger.left(lodger.guest)
        try:
            await self._blobs.sweep_staged(self._mark)
        finally:
            self.gone.set_result(None)
