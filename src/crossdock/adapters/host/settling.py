"""Waiting for what cannot be called back: a commit, a thread inside a system call.

A task may be cancelled at any await. Work in a thread goes on all the same, so a coroutine that left at once would
not know what became of it, or would close a descriptor that the thread still uses.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(executor: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call in a thread and stay while it is at work. A cancellation meanwhile is raised when it has ended."""
    future = asyncio.wrap_future(executor.submit(function, *args, **kwargs))
    if await _settle(future):
        future.exception()  # so that asyncio does not report it as never looked at
        raise asyncio.CancelledError
    return future.result()


async def carry_through(begin: Callable[[], asyncio.Future[T]]) -> T:
    """Begin what cannot be undone and give its result.

    A cancellation that is pending is raised before it begins; one that comes meanwhile at this task's next await, so
    that the result reaches the caller.
    """
    await asyncio.sleep(0)
    future = begin()
    task = asyncio.current_task()
    if await _settle(future) and task is not None:
        # One request was made, so one must stay counted: asyncio.timeout() compares the numbers.
        task.uncancel()
        task.cancel()
    return future.result()


async def _settle(future: asyncio.Future[T]) -> bool:
    """Wait until the future is done, whatever happens; True if this task was cancelled meanwhile."""
    was_cancelled = False
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError:
            was_cancelled = True
    return was_cancelled
