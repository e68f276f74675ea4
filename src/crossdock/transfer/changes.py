"""A bell: server operations ring it after a commit, the gateway answers."""

import asyncio
from collections.abc import AsyncIterator


class ServerChanges:
    """Rings that nobody has answered yet count as one."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()
        self._bell.set()

    def announce(self) -> None:
        self._bell.set()

    @property
    def is_announced(self) -> bool:
        """Something changed that nobody has looked at yet."""
        return self._bell.is_set()

    async def listen(self) -> AsyncIterator[None]:
        """Yields at once, and then after every change."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            yield
