"""Blobs that are forgotten with the process: each a file without a name, so that descriptors work as on disk."""

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Sequence
from itertools import count

from crossdock.core.errors import NotFound
from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import Buffer, Segment


class _MemoryFile:
    """A file without a name, closed when the last blob or reader lets go of it."""

    def __init__(self) -> None:
        self._fd = os.memfd_create("blob")
        weakref.finalize(self, os.close, self._fd)

    def fileno(self) -> int:
        return self._fd


class MemoryBlobs:
    """See `ports.storage.Blobs`. What is deleted while a reader has it open stays readable, as the reader holds it."""

    def __init__(self) -> None:
        self._names = count(1)
        self._files: dict[str, _MemoryFile] = {}

    @property
    def blob_ids(self) -> frozenset[str]:
        """For tests: what is kept, staged bytes not counted."""
        return frozenset(self._files)

    async def stage(self) -> "MemoryStagedBlob":
        await asyncio.sleep(0)
        return MemoryStagedBlob(self._files, f"{next(self._names):032x}")

    async def store(self, body: Sequence[Buffer]) -> Segment:
        staged = await self.stage()
        try:
            for chunk in body:
                await staged.write(chunk)
            return await staged.seal()
        finally:
            await staged.discard()

    async def open(self, segments: Sequence[Segment]) -> "MemoryBlobReader":
        await asyncio.sleep(0)
        missing = [segment.blob_id for segment in segments if segment.blob_id not in self._files]
        if missing:
            raise NotFound(f"blob {missing[0]} is gone")
        return MemoryBlobReader([(segment.size, self._files[segment.blob_id]) for segment in segments])

    def delete(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            self._files.pop(segment.blob_id, None)

    async def sweep(self, in_use: AsyncIterator[Segment]) -> int:
        """Nothing is older than this process."""
        async for _ in in_use:
            pass
        return 0


class MemoryStagedBlob:
    """See `ports.storage.StagedBlob`."""

    def __init__(self, kept: dict[str, _MemoryFile], blob_id: str) -> None:
        self._kept = kept
        self._blob_id = blob_id
        self._size = 0
        self._file = _MemoryFile()

    @property
    def size(self) -> int:
        return self._size

    def fileno(self) -> int:
        return self._file.fileno()

    def advance(self, count: int) -> None:
        self._size += count

    async def write(self, chunk: Buffer) -> None:
        await asyncio.sleep(0)
        view = memoryview(chunk).cast("B")
        while view:
            view = view[os.write(self._file.fileno(), view) :]
        self._size += memoryview(chunk).nbytes

    async def append(self, source: FileRegion) -> None:
        await self.write(os.pread(source.fd, source.size, source.offset))

    async def seal(self) -> Segment:
        await asyncio.sleep(0)
        self._kept[self._blob_id] = self._file
        return Segment(blob_id=self._blob_id, size=self._size)

    async def discard(self) -> None:
        """The file goes with this object, unless it was sealed."""


class MemoryBlobReader:
    """See `ports.storage.BlobReader`."""

    def __init__(self, runs: list[tuple[int, _MemoryFile]]) -> None:
        self._runs = runs
        self._size = sum(size for size, _ in runs)

    @property
    def size(self) -> int:
        return self._size

    async def region(self, offset: int) -> FileRegion | None:
        await asyncio.sleep(0)
        for size, file in self._runs:
            if offset < size:
                return FileRegion(fd=file.fileno(), offset=offset, size=size - offset)
            offset -= size
        return None

    async def read(self, offset: int, size: int) -> bytes:
        region = await self.region(offset)
        return os.pread(region.fd, min(size, region.size), region.offset) if region else b""

    def close(self) -> None:
        self._runs = []
