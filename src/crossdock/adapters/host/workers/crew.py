"""As many workers as there should be, and who of them serves the next client."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from crossdock.operations.pauses import longer
from crossdock.operations.tasks import TaskSupervisor, came_true
from crossdock.ports.guests import Arrived, Guest, Left

_log = logging.getLogger(__name__)

PATIENCE_S = 20.0
"""How long a client waits for a worker to be ready, as just after the start or after a worker's death."""
LIVED_LONG_S = 60.0
RETRY_S = 0.5
MAX_RETRY_S = 30.0


class Hand(Protocol):
    """A worker, as the crew knows it: see `worker.Worker`."""

    gone: "asyncio.Future[None]"

    @property
    def is_ready(self) -> bool: ...

    @property
    def load(self) -> int: ...

    @property
    def served(self) -> int: ...

    @property
    def pid(self) -> int: ...

    def receive(self, arrived: Arrived, left: Left) -> Guest | None: ...

    async def end(self) -> None: ...


Hire = Callable[[Callable[[], None]], Awaitable[Hand]]
"""Starts a worker, which calls what is given when it is ready. Raises OSError."""


def least_loaded(hands: Sequence[Hand]) -> Hand | None:
    """The ready one with the fewest guests; of several, the one that has served the fewest ever."""
    return min((hand for hand in hands if hand.is_ready), key=lambda hand: (hand.load, hand.served), default=None)


class Crew:
    """See `ports.guests.Rooms`. A worker that dies is replaced: soon if it lived long, else later and later."""

    def __init__(
        self, size: int, hire: Hire, *, tasks: TaskSupervisor, retry_s: float = RETRY_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._size = size
        self._hire = hire
        self._tasks = tasks
        self._retry_s = retry_s
        self._patience_s = patience_s
        self._hands: list[Hand] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._somebody_ready = asyncio.Event()

    def start(self) -> None:
        """Begin to have workers; clients who come before they are ready wait."""
        self._keepers = [self._tasks.start(self._keep(), name=f"worker {number}") for number in range(self._size)]

    async def receive(self, arrived: Arrived, left: Left) -> Guest | None:
        if not await came_true(self._is_somebody_ready, self._somebody_ready, timeout_s=self._patience_s):
            _log.error("ssh connection refused", extra={"source_ip": arrived.address, "reason": "no worker is ready"})
            return None
        hand = least_loaded(self._hands)
        if hand is None or arrived.transport.is_closing():
            return None
        return hand.receive(arrived, left)

    async def close(self) -> None:
        """End the workers, when nobody lets clients in any more."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(hand.end() for hand in list(self._hands)))

    def _is_somebody_ready(self) -> bool:
        return any(hand.is_ready for hand in self._hands)

    async def _keep(self) -> None:
        """One place in the crew, which is never empty for long."""
        delay_s, now = self._retry_s, asyncio.get_running_loop().time
        while True:
            began = now()
            try:
                hand = await self._hire(self._somebody_ready.set)
            except OSError as error:
                _log.error("a worker cannot be started", extra={"reason": str(error), "in_s": delay_s})
            else:
                self._hands.append(hand)
                await asyncio.shield(hand.gone)
                self._hands.remove(hand)
                delay_s = self._retry_s if now() - began > LIVED_LONG_S else delay_s
                _log.warning("a worker is gone: another follows", extra={"worker": hand.pid, "in_s": delay_s})
            await asyncio.sleep(delay_s)
            delay_s = longer(delay_s, MAX_RETRY_S)
