"""Waiting for what cannot be called back: a commit, a thread inside a system call.

A task may be cancelled at any await. Work in a thread goes on all the same, so a coroutine that left at once would
not know what became of it, or would close a descriptor that the thread still uses.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from crossdock.operations.threads import settle

T = TypeVar("T")


async def carry_through(begin: Callable[[], asyncio.Future[T]]) -> T:
    """Begin what cannot be undone and give its result.

    A cancellation that is pending is raised before it begins; one that comes meanwhile at this task's next await, so
    that the result reaches the caller.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        await asyncio.sleep(0)
    future = begin()
    if await settle(future) and task is not None:
        # One request was made, so one must stay counted: asyncio.timeout() compares the numbers.
        task.uncancel()
        task.cancel()
    return future.result()
