"""Work that a cancellation may not cut in two."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from crossdock.operations.eager import start_now
from crossdock.operations.threads import settle

T = TypeVar("T")


async def unbroken(work: Coroutine[None, None, T]) -> T:
    """Await `work` to its end, whatever happens to the caller; a cancellation is raised afterwards.

    What the work failed with meanwhile is the cancellation's `__cause__`. The task is held here for as long as it runs,
    so it is neither collected nor left behind.
    """
    task = start_now(work)
    if task.done():
        return task.result()
    if await settle(task):
        raise asyncio.CancelledError from None if task.cancelled() else task.exception()
    return task.result()
