"""The S3s behind buckets as a worker reaches them: most often it never needs one."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from crossdock.core.backings import Backing
from crossdock.core.errors import FileError
from crossdock.ports.backings import ForeignS3, SentBody
from crossdock.ports.host import Clock
from crossdock.ports.objects import ObjectStore


class LateBackings:
    """See `ports.backings.ForeignS3`. What it stands on, 20 MB of each worker, is imported when it is first asked.

    Uploads that a worker's death leaves behind are noted nowhere: the state is not a worker's to write.
    """

    def __init__(self, stack: AsyncExitStack, *, clock: Clock) -> None:
        self._stack = stack
        self._clock = clock
        self._turn = asyncio.Lock()
        self._opened: ForeignS3 | None = None

    async def store_of(self, backing: Backing) -> ObjectStore:
        return await (await self._open()).store_of(backing)

    async def call(self, backing: Backing, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return await (await self._open()).call(backing, operation, params)

    async def send(self, backing: Backing, sent: SentBody) -> Mapping[str, str]:
        return await (await self._open()).send(backing, sent)

    def kind_of(self, error: FileError) -> type[FileError]:
        return type(error) if self._opened is None else self._opened.kind_of(error)

    async def _open(self) -> ForeignS3:
        async with self._turn:
            if self._opened is None:
                from crossdock.adapters.aws.backings import open_backings

                connecting = open_backings(clock=self._clock, has_environment=False)
                self._opened = await self._stack.enter_async_context(connecting)
            return self._opened
