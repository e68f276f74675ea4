"""Tasks whose first step is taken at once: what need not wait is done when the call returns.

A task of asyncio's begins a turn of the loop later. For work that mostly finds everything in memory, such as an answer
about a file, those turns cost as much as the work.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


def start_now(work: Coroutine[Any, Any, T], *, name: str | None = None) -> "asyncio.Task[T]":
    """A task that has come to its first wait, or to its end. May be called by a task and by what the loop calls.

    Callbacks of a task that is done already are called a turn later, as asyncio does: look at `done` first.
    """
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, name=name, eager_start=True)
    return _started(loop, work, name)


def _started(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], name: str | None) -> "asyncio.Task[T]":
    """Python 3.11 has no eager tasks. A task asks its loop by `call_soon` to take its first step, and is overheard.

    Source: Python's documentation, "Extending", "Task lifetime support", for who the current task is.
    """
    steps: list[tuple[Callable[..., object], Context | None]] = []
    # A finaliser that closes a transport asks the loop too, and would be taken for the task.
    collects = gc.isenabled()
    gc.disable()
    vars(loop)["call_soon"] = lambda step, *args, context=None: steps.append((step, context))
    try:
        task = loop.create_task(work, name=name)
    finally:
        del vars(loop)["call_soon"]
        if collects:
            gc.enable()
    ((step, context),) = steps
    current = asyncio.current_task(loop)
    if current is not None:
        asyncio.tasks._leave_task(loop, current)
    try:
        if context is None:
            step()
        else:
            context.run(step)
    finally:
        if current is not None:
            asyncio.tasks._enter_task(loop, current)
    return task
