"""The sink for a store that keeps its bytes on this computer's disk: bytes go straight to the staged file."""

from crossdock.files.upload import Chunk
from crossdock.ports.objects import ObjectInfo, StagedPut

BUFFER_SIZE = 256 << 10
_WORTH_RECEIVING = 64 << 10
"""Bytes. With less room left the buffer is written out first, so that a slow client costs few writes."""


class StagedSink:
    """See `Sink`. The buffer behind `reserve` is made when it is first asked for: the kernel path needs none."""

    __slots__ = ("_buffer", "_filled", "_is_buffered", "_staged")

    def __init__(self, staged: StagedPut) -> None:
        self._staged = staged
        self._buffer: memoryview | None = None
        self._filled = 0
        self._is_buffered = False

    async def write(self, chunk: Chunk) -> None:
        await self._flush()
        await self._staged.write(chunk)

    async def reserve(self) -> memoryview:
        if BUFFER_SIZE - self._filled < _WORTH_RECEIVING:
            await self._flush()
        if self._buffer is None:
            self._buffer = memoryview(bytearray(BUFFER_SIZE))
        self._is_buffered = True
        return self._buffer[self._filled :]

    async def target(self) -> int | None:
        await self._flush()
        self._is_buffered = False
        return self._staged.fileno()

    def advance(self, count: int) -> None:
        if self._is_buffered:
            self._filled += count
        else:
            self._staged.advance(count)

    async def commit(self) -> ObjectInfo:
        await self._flush()
        return await self._staged.commit()

    async def discard(self) -> None:
        await self._staged.discard()

    async def _flush(self) -> None:
        if self._buffer is not None and self._filled:
            await self._staged.write(self._buffer[: self._filled])
            self._filled = 0
