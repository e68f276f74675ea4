"""Blobs as a worker has them: it writes and reads the files itself, and the parent removes them.

An open file outlives its name, so an object of one segment needs nobody's help. A reader of several opens one after
the other; the parent pins them meanwhile, in the one place that knows every reader of every process.
"""

from collections.abc import AsyncIterator, Sequence

from crossdock.adapters.host.disk_blobs import DiskBlobs
from crossdock.adapters.host.workers.calls import (
    DELETE_BLOBS,
    PIN_BLOBS,
    UNPIN_BLOBS,
    DeleteBlobs,
    PinBlobs,
    UnpinBlobs,
)
from crossdock.adapters.host.workers.line import CallingLine
from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import BlobReader, Buffer, Segment, StagedBlob


class RemoteBlobs:
    """See `ports.storage.Blobs`."""

    def __init__(self, line: CallingLine, files: DiskBlobs) -> None:
        self._line = line
        self._files = files

    async def stage(self) -> StagedBlob:
        return await self._files.stage()

    async def store(self, body: Sequence[Buffer]) -> Segment:
        return await self._files.store(body)

    async def open(self, segments: Sequence[Segment]) -> BlobReader:
        held = tuple(segment for segment in segments if segment.size)
        if len(held) < 2:
            return await self._files.open(held)
        pin = _Pin(self._line, self._line.new_number())
        try:
            await self._line.call(PIN_BLOBS, PinBlobs(number=pin.number, segments=held))
            return _PinnedReader(await self._files.open(held), pin)
        except BaseException:
            pin.release()
            raise

    def delete(self, segments: Sequence[Segment]) -> None:
        if segments:
            self._line.tell(DELETE_BLOBS, DeleteBlobs(segments=tuple(segments)))

    async def sweep(self, in_use: AsyncIterator[Segment]) -> int:
        raise RuntimeError("blobs are swept by the parent, before there are workers")


class _Pin:
    def __init__(self, line: CallingLine, number: int) -> None:
        self._line = line
        self.number = number

    def release(self) -> None:
        self._line.tell(UNPIN_BLOBS, UnpinBlobs(number=self.number))


class _PinnedReader:
    """See `ports.storage.BlobReader`."""

    def __init__(self, reader: BlobReader, pin: _Pin) -> None:
        self._reader = reader
        self._pin: _Pin | None = pin

    @property
    def size(self) -> int:
        return self._reader.size

    async def region(self, offset: int) -> FileRegion | None:
        return await self._reader.region(offset)

    async def read(self, offset: int, size: int) -> bytes:
        return await self._reader.read(offset, size)

    def close(self) -> None:
        self._reader.close()
        if self._pin is not None:
            self._pin.release()
            self._pin = None
