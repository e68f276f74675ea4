"""A loop's clock that a test stops: what is due and what is not does not depend on how fast the machine is."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from tests.fakes.ftp_house import pass_time
from tests.fakes.patience import PATIENCE_S


@contextmanager
def time_stands_still() -> Iterator[Callable[[float], None]]:
    """No timer of the loop is due but by the time that is let pass by what this gives; yet nothing lasts forever."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    before, now, passed = loop.time, loop.time(), 0.0

    def let_pass(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    limit = Timer(PATIENCE_S, lambda: loop.call_soon_threadsafe(task.cancel, "time stood still for too long"))
    limit.start()
    loop.time = lambda: now + passed  # type: ignore[method-assign]
    try:
        yield let_pass
    finally:
        loop.time = before  # type: ignore[method-assign]
        if passed:
            pass_time(passed)
        limit.cancel()
        limit.join()
