"""Background work that somebody holds: the loop keeps only weak references to tasks."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from crossdock.operations.eager import start_now

_log = logging.getLogger(__name__)


class TaskSupervisor:
    """Starts tasks, keeps them alive, logs what they raise, and ends them at shutdown."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def start_now(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """As `start`, and come to the first wait, or to the end, before this returns."""
        task = start_now(work, name=name)
        if task.done():
            self._finish(task)
        else:
            self._tasks.add(task)
            task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("background task failed", extra={"task": task.get_name()}, exc_info=error)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def came_true(holds: Callable[[], bool], changed: asyncio.Event, *, timeout_s: float) -> bool:
    """Wait until something holds, asking again whenever `changed` is set. False when it does not hold in time."""
    try:
        async with asyncio.timeout(timeout_s):
            while not holds():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        return False
    return True
