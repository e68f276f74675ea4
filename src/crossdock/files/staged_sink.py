"""The sink for a store that keeps its bytes on this computer's disk: bytes go straight to the staged file.

A small file is kept in memory and put in one go, which spares making and sealing a staged one.
"""

from crossdock.files.prefix import Prefix
from crossdock.files.upload import Chunk
from crossdock.ports.objects import ObjectInfo, StagedPut

SMALL_SIZE = 16 << 10
"""Bytes that are kept in memory, for every upload that is under way."""
BUFFER_SIZE = 256 << 10
_WORTH_RECEIVING = 64 << 10
"""Bytes. With less room left the buffer is written out first, so that a slow client costs few writes."""


class StagedSink:
    """See `Sink`. Until more than `SMALL_SIZE` bytes have come, there is no target but the buffer."""

    __slots__ = ("_buffer", "_filled", "_is_buffered", "_is_staged", "_staged")

    def __init__(self, staged: StagedPut) -> None:
        self._staged = staged
        self._is_staged = False
        self._buffer = memoryview(bytearray(SMALL_SIZE))
        self._filled = 0
        self._is_buffered = False

    async def begin(self, prefix: Prefix) -> None:
        """Put bytes of the object that is there before all that will be written."""
        self._is_staged = True
        await self._staged.begin_with(prefix.source, prefix.size)

    async def write(self, chunk: Chunk) -> None:
        size = len(chunk)
        if not self._is_staged and size <= len(self._buffer) - self._filled:
            self._buffer[self._filled : self._filled + size] = chunk
            self._filled += size
            return
        await self._flush()
        self._is_staged = True
        await self._staged.write(chunk)

    async def reserve(self) -> memoryview:
        room = len(self._buffer) - self._filled
        if room < (_WORTH_RECEIVING if self._is_staged else 1):
            await self._flush()
        if self._is_staged and len(self._buffer) < BUFFER_SIZE:
            await self._flush()
            self._buffer = memoryview(bytearray(BUFFER_SIZE))
        self._is_buffered = True
        return self._buffer[self._filled :]

    async def target(self) -> int | None:
        if not self._is_staged and self._filled < len(self._buffer):
            return None
        await self._flush()
        self._is_staged = True
        self._is_buffered = False
        return await self._staged.target()

    def advance(self, count: int) -> None:
        if self._is_buffered:
            self._filled += count
        else:
            self._staged.advance(count)

    async def commit(self) -> ObjectInfo:
        return await self._staged.commit(self._buffer[: self._filled])

    async def discard(self) -> None:
        await self._staged.discard()

    async def keep(self) -> int:
        return 0

    async def _flush(self) -> None:
        if self._filled:
            self._is_staged = True
            await self._staged.write(self._buffer[: self._filled])
            self._filled = 0
