"""Invocations that nobody waits for: kept until they have run, tried, tried again.

Once accepted, an event survives the service's end; one that was running then runs again. So an event runs at least
once, as at AWS, where functions are asked to bear that too.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from crossdock.cloud.lambda_.names import FunctionRef
from crossdock.core.errors import FileError
from crossdock.operations.call import Call, House
from crossdock.operations.pauses import longer
from crossdock.operations.records import Records
from crossdock.ports.host import Sealer
from crossdock.ports.state import TableSpec

MAX_PENDING = 1000
MAX_PENDING_BYTES = 64 << 20
RETRY_PAUSES_S = (60.0, 120.0)
"""After the first and the second failure of the function; after the third the event is given up."""
FIRST_BUSY_PAUSE_S = 1.0
MAX_BUSY_PAUSE_S = 300.0
MAX_AGE = timedelta(hours=6)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a function is to be given. `client_context` is JSON in one line, or empty."""

    payload: bytes = field(repr=False)
    client_context: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An accepted event. `failures` are those of the function so far."""

    request_id: str
    function: FunctionRef
    accepted_at: datetime
    sealed: str = field(repr=False)
    failures: int = 0


EVENTS = Records(TableSpec(name="lambda_events"), EventRecord)
"""Key: the request's id."""


def seal_event(sealer: Sealer, request_id: str, event: Event) -> str:
    packed = json.dumps([b64encode(event.payload).decode(), event.client_context])
    return sealer.seal(packed.encode(), context=_context(request_id))


def unseal_event(sealer: Sealer, record: EventRecord) -> Event:
    """Raises SealBroken."""
    payload, client_context = json.loads(sealer.unseal(record.sealed, context=_context(record.request_id)))
    return Event(payload=b64decode(payload), client_context=client_context)


def _context(request_id: str) -> str:
    return f"lambda-event {request_id}"


class EventQueue:
    """Carries at most so many events, and so many bytes of them."""

    def __init__(
        self,
        *,
        sealer: Sealer,
        sleep: Callable[[float], Awaitable[None]],
        max_pending: int = MAX_PENDING,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._sealer = sealer
        self._sleep = sleep
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self._pending = 0
        self._pending_bytes = 0

    async def accept(
        self, call: Call, function: FunctionRef, event: Event, attempt: Callable[[], Awaitable[Attempt]]
    ) -> bool:
        """Keep an event durably and begin with it; False when there is no room.

        One that is known already, from before a restart, goes on where it was.
        """
        size = len(event.payload)
        if self._pending >= self._max_pending or self._pending_bytes + size > self._max_pending_bytes:
            return False
        self._pending += 1
        self._pending_bytes += size
        try:
            record = await self._kept(call, function, event)
        except BaseException:
            self._let_go(size)
            raise
        task = call.house.tasks.start(
            self._carry(call.house, record, attempt), name=f"event {call.request_id} for {function.arn}"
        )
        # Also for a task that is cancelled before it has run at all.
        task.add_done_callback(lambda _ended: self._let_go(size))
        return True

    async def _kept(self, call: Call, function: FunctionRef, event: Event) -> EventRecord:
        async with call.house.state.transaction() as tx:
            known = await EVENTS.get(tx, call.request_id)
            if known is not None:
                return known
            record = EventRecord(
                request_id=call.request_id,
                function=function,
                accepted_at=call.now,
                sealed=seal_event(self._sealer, call.request_id, event),
            )
            await EVENTS.put(tx, record, record.request_id)
        return record

    def _let_go(self, size: int) -> None:
        self._pending -= 1
        self._pending_bytes -= size

    async def _carry(self, house: House, record: EventRecord, attempt: Callable[[], Awaitable[Attempt]]) -> None:
        about = {"function": record.function.arn, "event": record.request_id}
        pause_s = FIRST_BUSY_PAUSE_S
        while True:
            match await attempt():
                case Attempt.DONE | Attempt.GONE:
                    break
                case Attempt.FAILED:
                    if record.failures == len(RETRY_PAUSES_S):
                        _log.warning("an event was given up after three failures", extra=about)
                        break
                    await self._sleep(RETRY_PAUSES_S[record.failures])
                    record = await _noted_failure(house, record)
                case Attempt.BUSY:
                    if house.clock.now() - record.accepted_at >= MAX_AGE:
                        _log.warning("an event found no process for six hours", extra=about)
                        break
                    await self._sleep(pause_s)
                    pause_s = longer(pause_s, MAX_BUSY_PAUSE_S)
        await forget_event(house, record.request_id)


async def _noted_failure(house: House, record: EventRecord) -> EventRecord:
    noted = replace(record, failures=record.failures + 1)
    try:
        async with house.state.transaction() as tx:
            await EVENTS.put(tx, noted, noted.request_id)
    except FileError as error:
        _log.warning("an event's failure cannot be noted", extra={"event": record.request_id, "reason": str(error)})
    return noted


async def forget_event(house: House, request_id: str) -> None:
    """An event that the disk does not let go of runs again after the next start."""
    try:
        async with house.state.transaction() as tx:
            await EVENTS.delete(tx, request_id)
    except FileError as error:
        _log.warning("an event cannot be forgotten yet", extra={"event": request_id, "reason": str(error)})
