"""The sink for a store behind a network: bytes gather in parts; a single put if one suffices, else a multipart upload.

Several parts are on their way while the next is filled. What is held is at most `IN_FLIGHT` blocks on their way (or one
larger part), the part being filled, and the first part until it is known that it was not the last.
"""

import asyncio
from collections.abc import Mapping

from crossdock.core.errors import FileError, Interrupted, OutOfSpace, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BLOCK_SIZE, Block, BlockPool
from crossdock.files.part_sizes import MAX_PARTS, part_blocks, part_size
from crossdock.files.unbroken import unbroken
from crossdock.files.upload import Chunk
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.objects import MultipartUpload, ObjectInfo, ObjectStore

IN_FLIGHT = 4
"""Blocks on their way at once, of one upload."""

SMALL_FILE = 128 << 10
"""Bytes that are gathered before a block is taken: most files are smaller, and a block is 8 MiB."""


class _Part:
    """A part being filled. The first begins in a small buffer of its own."""

    __slots__ = ("_blocks", "_pool", "_small", "number", "size")

    def __init__(self, number: int, pool: BlockPool) -> None:
        self.number = number
        self.size = 0
        self._pool = pool
        self._blocks: list[Block] = []
        self._small = bytearray(SMALL_FILE) if number == 1 else bytearray()

    @property
    def is_full(self) -> bool:
        return self.size == part_size(self.number)

    async def room(self) -> memoryview:
        """Where the next bytes go; the part must not be full."""
        if not self._blocks and self.size < len(self._small):
            return memoryview(self._small)[self.size :]
        if self.size == len(self._blocks) * BLOCK_SIZE or not self._blocks:
            block = await self._pool.take()
            if self._small:
                block.view[: self.size] = memoryview(self._small)[: self.size]
                self._small = bytearray()
            self._blocks.append(block)
        return self._blocks[-1].view[self.size - (len(self._blocks) - 1) * BLOCK_SIZE :]

    def body(self) -> list[memoryview]:
        if not self._blocks:
            return [memoryview(self._small)[: self.size]] if self.size else []
        last = self.size - (len(self._blocks) - 1) * BLOCK_SIZE
        return [*(block.view for block in self._blocks[:-1]), self._blocks[-1].view[:last]]

    def release(self) -> None:
        for block in self._blocks:
            block.release()
        self._blocks.clear()


class PartsSink:
    """See `Sink`."""

    def __init__(
        self, store: ObjectStore, place: ObjectPlace, metadata: Mapping[str, str], *, blocks: BlockPool
    ) -> None:
        self._store = store
        self._place = place
        self._metadata = metadata
        self._pool = blocks
        self._part = _Part(1, blocks)
        # The first part, full, while it may still turn out to be the only one.
        self._first: _Part | None = None
        self._multipart: MultipartUpload | None = None
        self._sending: dict[asyncio.Task[None], int] = {}
        self._supervisor = TaskSupervisor()
        self._failure: FileError | None = None
        self._is_closed = False

    async def write(self, chunk: Chunk) -> None:
        rest = memoryview(chunk)
        while rest:
            room = await self.reserve()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            self.advance(count)
            rest = rest[count:]

    async def reserve(self) -> memoryview:
        if self._failure is not None:
            raise self._failure
        if self._first is not None and self._part.size:
            first, self._first = self._first, None
            await self._send(first)
        if self._part.is_full:
            await self._begin_part()
        return await self._part.room()

    async def target(self) -> int | None:
        return None

    def advance(self, count: int) -> None:
        self._part.size += count

    async def commit(self) -> ObjectInfo:
        only = self._first or self._part
        if self._multipart is None and (only is self._part or not self._part.size):
            info = await self._store.put(self._place, only.body(), self._metadata)
            self._release()
            return info
        first, self._first = self._first, None
        for part in (first, self._part):
            if part is not None and part.size:
                await self._send(part)
        if self._sending:
            await asyncio.wait(self._sending)
        if self._failure is not None:
            raise self._failure
        info = await (await self._started()).complete()
        self._multipart = None
        return info

    async def discard(self) -> None:
        self._is_closed = True
        await self._supervisor.close()
        self._release()
        multipart, self._multipart = self._multipart, None
        if multipart is not None:
            await multipart.abort()

    async def _begin_part(self) -> None:
        """Put the full part aside, or on its way, and begin another."""
        full = self._part
        if full.number == MAX_PARTS:
            raise OutOfSpace(f"{self._place} would be larger than the largest object of S3, 5 TiB")
        self._part = _Part(full.number + 1, self._pool)
        if full.number == 1:
            self._first = full
        else:
            await self._send(full)

    async def _send(self, part: _Part) -> None:
        """Start sending a part, when enough of the others have arrived. In any case it is released in the end."""
        task: asyncio.Task[None] | None = None
        try:
            multipart = await self._started()
            blocks = part_blocks(part.number)
            while self._sending and sum(self._sending.values()) + blocks > IN_FLIGHT:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            task = self._supervisor.start(self._upload(multipart, part), name=f"part {part.number} of {self._place}")
        finally:
            if task is None:
                part.release()
        self._sending[task] = blocks
        # Not at the end of `_upload`: a task that is cancelled before its first step never runs.
        task.add_done_callback(lambda done: self._sent(done, part))

    async def _upload(self, multipart: MultipartUpload, part: _Part) -> None:
        try:
            await multipart.upload_part(part.number, part.body())
        except FileError as error:
            self._failure = self._failure or error

    def _sent(self, task: asyncio.Task[None], part: _Part) -> None:
        del self._sending[task]
        part.release()
        if self._failure is None and (task.cancelled() or task.exception() is not None):
            self._failure = Unavailable(f"part {part.number} of {self._place} could not be sent")

    async def _started(self) -> MultipartUpload:
        """The multipart upload, begun by the first that asks; never begun and forgotten, even when cancelled."""
        if self._multipart is None:
            await unbroken(self._start())
        if self._multipart is None:
            raise Interrupted(f"the upload of {self._place} was discarded")
        return self._multipart

    async def _start(self) -> None:
        multipart = await self._store.start_multipart(self._place, self._metadata)
        if self._is_closed:
            await multipart.abort()
        else:
            self._multipart = multipart

    def _release(self) -> None:
        for part in (self._first, self._part):
            if part is not None:
                part.release()
        self._first = None
