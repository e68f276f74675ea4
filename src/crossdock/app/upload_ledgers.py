"""The ledgers of uploads that this run of the service begins at S3s of others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from crossdock.adapters.aws.begun_uploads import BegunUploads, Swept
from crossdock.core.errors import FileError
from crossdock.operations.call import House

AT_AWS = ""
"""How AWS's S3 is named, of which a gateway has one."""

LedgerOf = Callable[[str], BegunUploads]
"""By the name of the S3."""

SWEEP_EVERY_S, SELDOM_S = 300.0, 3600.0

_log = logging.getLogger(__name__)


async def sweep_forever(
    sweep: Callable[[], Awaitable[Swept]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Now and every five minutes; twice as long after each in which something stayed, but never longer than an hour."""
    wait = SWEEP_EVERY_S / 2
    while True:
        try:
            swept = await sweep()
        except FileError as error:
            _log.error("uploads that were left behind cannot be swept", extra={"reason": str(error)})
            is_clean = False
        else:
            swept.log()
            is_clean = not swept.stayed
        wait = SWEEP_EVERY_S if is_clean else min(2 * wait, SELDOM_S)
        await sleep(wait)


def upload_ledgers(house: House) -> LedgerOf:
    run = house.entropy(8).hex()
    return lambda where: BegunUploads(house.state, node=where, run=run, clock=house.clock)
