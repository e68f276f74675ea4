"""Who gets a process, and who waits: at most so many processes over all functions, a bounded queue, nobody starved.

A place is what a process lives in; there are as many as there may be processes. When a place or a process becomes
free it goes to the function that has the fewest at work, among those the one whose caller has waited longest. As long
as there are two places, no function has them all, so that a slow one cannot keep logins waiting for its time-out.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.adapters.host.functions.process import FunctionProcess
from crossdock.adapters.host.functions.waiting import WaitingLines
from crossdock.ports.functions import FunctionsBusy, FunctionSpec, FunctionUnusable

_EXPIRY_MARGIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Leave to start a process; in return, `release` that process, or `vacate` the place."""

    arn: str


class ProcessPool:
    """Hands out processes and places. All methods belong to the loop's thread."""

    def __init__(self, *, places: int, queue: int, idle_s: float, now: Callable[[], datetime]) -> None:
        self._places = places
        self._queue = queue
        self._idle_s = idle_s
        self._now = now
        self._taken = 0
        self._waiting: WaitingLines[FunctionProcess | Place] = WaitingLines(share=max(1, places - 1))
        self._at_work: Counter[str] = Counter()
        self._idle: dict[FunctionProcess, asyncio.TimerHandle] = {}
        self._ending: set[FunctionProcess] = set()
        self._is_closed = False

    async def acquire(self, function: FunctionSpec) -> FunctionProcess | Place:
        """A warm process of this revision, or a place to start one in. Raises FunctionsBusy or FunctionUnusable."""
        if self._is_closed:
            raise FunctionUnusable("the service is shutting down")
        waiter = self._waiting.join(function)
        self._grant()
        if not waiter.granted.done() and len(self._waiting) > self._queue:
            self._waiting.leave(waiter)
            raise FunctionsBusy(f"{self._places} functions run and {self._queue} invocations wait")
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            self._waiting.leave(waiter)
            if waiter.granted.done() and not waiter.granted.cancelled() and waiter.granted.exception() is None:
                self._give_back(waiter.granted.result())
            raise

    def vacate(self, place: Place) -> None:
        """A place in which nothing was started."""
        self._rest(place.arn)
        self._taken -= 1
        self._grant()

    def release(self, process: FunctionProcess) -> None:
        """A process has done its work: it idles for a while, or ends when it is not to be used again."""
        self._rest(process.function.arn)
        if process.has_ended:
            self._taken -= 1
        elif process.is_retired or self._is_closed or not self._will_last(process):
            self._end(process)
        else:
            timer = asyncio.get_running_loop().call_later(self._idle_s, self._end_idle, process)
            self._idle[process] = timer
        self._grant()

    def ended(self, process: FunctionProcess) -> None:
        """A process is no more: called for every one, whether it idled, was being ended, or still had work."""
        if process in self._ending:
            self._ending.discard(process)
            self._taken -= 1
        elif (timer := self._idle.pop(process, None)) is not None:
            timer.cancel()
            self._taken -= 1
        self._grant()

    def retire(self, arn: str) -> None:
        for process in [process for process in self._idle if process.function.arn == arn]:
            self._end_idle(process)

    def close(self) -> None:
        """Nobody gets anything any more."""
        self._is_closed = True
        self._waiting.dismiss(FunctionUnusable("the service is shutting down"))
        for process in list(self._idle):
            self._end_idle(process)

    def _grant(self) -> None:
        while (waiter := self._waiting.next(self._at_work)) is not None:
            if waiter.granted.done():
                # Cancelled, and its task has not run since.
                self._waiting.leave(waiter)
                continue
            granted = self._find(waiter.function)
            if granted is None:
                return
            self._waiting.leave(waiter)
            self._at_work[waiter.function.arn] += 1
            waiter.granted.set_result(granted)

    def _find(self, function: FunctionSpec) -> FunctionProcess | Place | None:
        for process in [process for process in reversed(self._idle) if process.function.arn == function.arn]:
            if process.function.revision == function.revision and self._will_last(process):
                self._idle.pop(process).cancel()
                return process
            self._end_idle(process)
        if self._taken < self._places:
            self._taken += 1
            return Place(arn=function.arn)
        # One for each that may go on; the place is free when the process is really gone.
        if self._idle and len(self._ending) < self._waiting.ready(self._at_work):
            self._end_idle(next(iter(self._idle)))
        return None

    def _give_back(self, granted: FunctionProcess | Place) -> None:
        if isinstance(granted, Place):
            self.vacate(granted)
        else:
            self.release(granted)

    def _end_idle(self, process: FunctionProcess) -> None:
        self._idle.pop(process).cancel()
        self._end(process)

    def _end(self, process: FunctionProcess) -> None:
        self._ending.add(process)
        process.begin_end()

    def _rest(self, arn: str) -> None:
        self._at_work[arn] -= 1
        if not self._at_work[arn]:
            del self._at_work[arn]

    def _will_last(self, process: FunctionProcess) -> bool:
        """The credentials in its environment must outlive an invocation."""
        needed = timedelta(seconds=process.function.timeout_s) + _EXPIRY_MARGIN
        return self._now() + needed < process.expires_at
