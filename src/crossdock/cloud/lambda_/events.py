"""Invocations that nobody waits for: taken, tried, tried again.

They live in memory: what has not run when the service stops is lost, and said so in its log.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

import logging
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from crossdock.operations.tasks import TaskSupervisor

MAX_PENDING = 1000
MAX_PENDING_BYTES = 64 << 20
RETRY_PAUSES_S = (60.0, 120.0)
"""After the first and the second failure of the function; after the third the event is given up."""
FIRST_BUSY_PAUSE_S = 1.0
MAX_BUSY_PAUSE_S = 300.0
MAX_AGE_S = 6 * 3600.0

_log = logging.getLogger(__name__)


class Attempt(Enum):
    """How one try ended."""

    DONE = auto()
    FAILED = auto()
    """By the function's own doing."""
    BUSY = auto()
    """It could not run now."""
    GONE = auto()
    """There is nothing to invoke any more."""


class EventQueue:
    """Holds at most so many events, and so many bytes of them."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]],
        max_pending: int = MAX_PENDING,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._sleep = sleep
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self._pending = 0
        self._pending_bytes = 0

    def submit(
        self, tasks: TaskSupervisor, attempt: Callable[[], Awaitable[Attempt]], *, function_arn: str, size: int
    ) -> bool:
        """Begin with an event of `size` bytes; False when there is no room for it."""
        if self._pending >= self._max_pending or self._pending_bytes + size > self._max_pending_bytes:
            return False
        self._pending += 1
        self._pending_bytes += size
        task = tasks.start(self._carry(attempt, function_arn), name=f"event for {function_arn}")
        # Also for a task that is cancelled before it has run at all.
        task.add_done_callback(lambda ended: self._let_go(size, function_arn, is_lost=ended.cancelled()))
        return True

    def _let_go(self, size: int, function_arn: str, *, is_lost: bool) -> None:
        self._pending -= 1
        self._pending_bytes -= size
        if is_lost:
            _log.warning("an asynchronous invocation was lost with the service's end", extra={"function": function_arn})

    async def _carry(self, attempt: Callable[[], Awaitable[Attempt]], function_arn: str) -> None:
        failures = 0
        waited_s = 0.0
        pause_s = FIRST_BUSY_PAUSE_S
        while True:
            match await attempt():
                case Attempt.DONE | Attempt.GONE:
                    return
                case Attempt.FAILED:
                    if failures == len(RETRY_PAUSES_S):
                        _log.warning("an event was given up after three failures", extra={"function": function_arn})
                        return
                    await self._sleep(RETRY_PAUSES_S[failures])
                    failures += 1
                case Attempt.BUSY:
                    if waited_s >= MAX_AGE_S:
                        _log.warning("an event found no process for six hours", extra={"function": function_arn})
                        return
                    await self._sleep(pause_s)
                    waited_s += pause_s
                    pause_s = min(2 * pause_s, MAX_BUSY_PAUSE_S)
