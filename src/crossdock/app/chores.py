"""What the service does by itself, now and again: forget what is past its time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from crossdock.app.disk import Disk
from crossdock.cloud.logs.retention import trim_forever
from crossdock.cloud.secrets.deleting import destroy_expired_secrets
from crossdock.core.errors import FileError
from crossdock.operations.call import House
from crossdock.settings import Settings

DAY_S = 24 * 3600.0

_log = logging.getLogger(__name__)


async def chores(settings: Settings, disk: Disk, house: House) -> None:
    """Runs until it is cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(trim_forever(events=disk.logs, state=disk.state, clock=house.clock, settings=settings.logs))
        group.create_task(destroy_secrets_forever(house))


async def destroy_secrets_forever(house: House, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Now and every day: secrets whose recovery window has passed leave the disk."""
    while True:
        try:
            count = await destroy_expired_secrets(house)
        except FileError as error:
            _log.error("expired secrets cannot be removed", extra={"reason": str(error)})
        else:
            if count:
                _log.info("removed secrets whose recovery window has passed", extra={"secrets": count})
        await sleep(DAY_S)
