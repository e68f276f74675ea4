"""Forgetting: of each group what is too old, and of the largest the oldest beyond what the disk is to hold."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from crossdock.cloud.logs.moments import DAY_MS, milliseconds
from crossdock.cloud.logs.records import GROUPS
from crossdock.core.errors import FileError
from crossdock.ports.host import Clock
from crossdock.ports.logs import LogEvents
from crossdock.ports.state import State
from crossdock.settings import LogSettings

TRIM_EVERY_S = 60.0

_log = logging.getLogger(__name__)


async def trim_once(*, events: LogEvents, state: State, clock: Clock, settings: LogSettings) -> int:
    """Forget what is due. Returns how many events. Raises OutOfSpace or Unavailable."""
    now_ms = milliseconds(clock.now())
    async with state.reading() as tx:
        groups = await GROUPS.everything(tx)
    limits = {record.group: now_ms - record.kept_days(settings.retention_days) * DAY_MS for record in groups}
    return await events.trim(older_than_ms=limits, max_bytes=settings.max_bytes)


async def trim_forever(
    *,
    events: LogEvents,
    state: State,
    clock: Clock,
    settings: LogSettings,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Trim now and every minute. A disk that fails is logged once, until it works again."""
    is_failing = False
    while True:
        try:
            forgotten = await trim_once(events=events, state=state, clock=clock, settings=settings)
        except FileError as error:
            if not is_failing:
                _log.error("log events cannot be trimmed", extra={"reason": str(error)})
            is_failing = True
        else:
            is_failing = False
            if forgotten:
                _log.info("forgot log events", extra={"events": forgotten})
        await sleep(TRIM_EVERY_S)
