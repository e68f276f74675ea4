"""Writers take turns, and one that would wait for itself is told so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class WriterTurns:
    """A lock whose holder gets a RuntimeError instead of a deadlock when it asks again."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if self._holder is not None and self._holder is task:
            raise RuntimeError("this task already has a transaction open: finish it first, or pass it on")
        async with self._lock:
            self._holder = task
            try:
                yield
            finally:
                self._holder = None
