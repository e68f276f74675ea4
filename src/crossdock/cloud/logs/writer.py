"""What the service itself logs: taken at once, written a moment later, never in the way of who says it."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossdock.cloud.logs.moments import milliseconds
from crossdock.core.errors import FileError
from crossdock.ports.host import Clock
from crossdock.ports.logs import LogEvent, LogGroupId, LogSink

FLUSH_EVERY_S = 0.5
EVENTS_AT_ONCE = 1000
MAX_PENDING_BYTES = 32 << 20
MAX_MESSAGE_BYTES = 256 << 10
EVENT_OVERHEAD_BYTES = 200
"""About what a waiting event takes besides its message."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    group: LogGroupId
    event: LogEvent
    size: int


class LogWriter:
    """Whoever makes one starts `run` as a task and calls `close` at the end.

    Events of a stream are written in the order in which they came. Those that wait are bounded: beyond that the oldest
    are dropped, which the service's own log says once until the sink has caught up.
    """

    def __init__(
        self,
        *,
        sink: LogSink,
        clock: Clock,
        flush_every_s: float = FLUSH_EVERY_S,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._flush_every_s = flush_every_s
        self._max_pending_bytes = max_pending_bytes
        self._pending: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._dropped = 0
        self._is_failing = False
        self._is_closed = False
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._flushing = asyncio.Lock()

    def write(self, group: LogGroupId, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Note events, each with its time in milliseconds since 1970. Never blocks, never fails; for the loop's thread.

        A message beyond 256 KiB is cut. What comes after `close` is dropped.
        """
        if self._is_closed:
            return
        now_ms = milliseconds(self._clock.now())
        for timestamp_ms, message in events:
            kept = _cut(message)
            event = LogEvent(stream=stream, timestamp_ms=timestamp_ms, message=kept, ingested_ms=now_ms)
            self._add(_Pending(group=group, event=event, size=len(kept) + EVENT_OVERHEAD_BYTES))
        if events:
            self._drop_beyond_bound()
            self._arrived.set()
        if self._pending_bytes * 2 > self._max_pending_bytes and not self._is_failing:
            self._hurry.set()

    async def run(self) -> None:
        """Write what comes, at the latest half a second after it came, until `close`."""
        while not self._is_closed:
            await self._arrived.wait()
            await self._pause()
            await self.flush()

    async def flush(self) -> None:
        """Write what waits. What the sink does not take waits on."""
        async with self._flushing:
            self._arrived.clear()
            self._hurry.clear()
            waiting: dict[LogGroupId, list[_Pending]] = {}
            for pending in self._pending:
                waiting.setdefault(pending.group, []).append(pending)
            self._pending.clear()
            self._pending_bytes = 0
            try:
                for group, items in waiting.items():
                    await self._write_group(group, items)
            finally:
                # Whatever ended it, a cancellation too: what was written has been taken out.
                self._put_back(pending for items in waiting.values() for pending in items)
            if not any(waiting.values()):
                self._say_recovered()

    async def close(self) -> None:
        """Write what waits, once, and end `run`."""
        self._is_closed = True
        self._arrived.set()
        self._hurry.set()
        await self.flush()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._flush_every_s):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _write_group(self, group: LogGroupId, items: list[_Pending]) -> None:
        """Write what can be written and take it out of the list."""
        try:
            while items:
                await self._sink.append(group, [pending.event for pending in items[:EVENTS_AT_ONCE]])
                del items[:EVENTS_AT_ONCE]
        except FileError as error:
            if not self._is_failing:
                _log.error("log events cannot be written", extra={"group": group.name, "reason": str(error)})
            self._is_failing = True
        except Exception:
            # The boundary of a task: an event that cannot be written must not keep all others from it.
            _log.exception("log events were dropped", extra={"group": group.name, "events": len(items)})
            items.clear()

    def _add(self, pending: _Pending) -> None:
        self._pending.append(pending)
        self._pending_bytes += pending.size

    def _put_back(self, items: Iterable[_Pending]) -> None:
        """Before what came meanwhile."""
        for pending in reversed(list(items)):
            self._pending.appendleft(pending)
            self._pending_bytes += pending.size
        self._drop_beyond_bound()
        if self._pending:
            self._arrived.set()

    def _drop_beyond_bound(self) -> None:
        while self._pending_bytes > self._max_pending_bytes and self._pending:
            if not self._dropped:
                _log.warning("too many log events are waiting to be written: the oldest are dropped")
            self._dropped += 1
            self._pending_bytes -= self._pending.popleft().size

    def _say_recovered(self) -> None:
        if self._dropped or self._is_failing:
            _log.info("log events are written again", extra={"dropped": self._dropped})
        self._dropped = 0
        self._is_failing = False


def _cut(message: str) -> str:
    # UTF-8 takes up to four bytes for a character, so only a long message is measured.
    if len(message) * 4 <= MAX_MESSAGE_BYTES:
        return message
    return message.encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
