"""Blobs on this computer's disk. What blocks runs in a pool of threads of their own, a bounded one."""

import asyncio
import logging
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from itertools import accumulate
from pathlib import Path

from crossdock.adapters.host.blob_files import DIRECTORIES, ID_BYTES, BlobFiles, copy_some, write_all
from crossdock.adapters.host.disk_errors import disk_errors
from crossdock.core.errors import FileError, NotFound, Unavailable
from crossdock.core.ids import Entropy
from crossdock.operations.threads import Threads, in_thread
from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import Buffer, Segment

logger = logging.getLogger(__name__)

THREADS = 16

COPIED_AT_ONCE = 16 << 20
"""Bytes of a blob that a thread copies before it looks up."""


class DiskBlobs:
    """See `ports.storage.Blobs`. Made by `open_disk_blobs`.

    An open file outlives its name, but a reader of many segments opens one after the other. So it pins them, and what
    is deleted meanwhile is removed when the last pin is gone. Pins are known to this process only, which therefore pins
    and deletes for its workers.
    """

    def __init__(self, files: BlobFiles, threads: Threads, *, sweeps: bool = True) -> None:
        self._files = files
        self._threads = threads
        # By itself, so that removing a huge file does not keep writers waiting.
        self._remover = Threads(1, name="blobs-remove")
        self._pins: Counter[str] = Counter()
        self._doomed: set[str] = set()
        self._made: set[str] | None = set() if sweeps else None
        self._is_closed = False

    async def stage(self) -> "DiskStagedBlob":
        blob_id = self._new_id()
        created: list[int] = []
        try:
            await in_thread(self._threads, lambda: created.append(self._files.create(blob_id)))
        except BaseException:
            if created:
                os.close(created[0])
            self._remove([blob_id])
            raise
        return DiskStagedBlob(self._files, self._threads, blob_id, created[0])

    async def store(self, body: Sequence[Buffer]) -> Segment:
        blob_id = self._new_id()
        try:
            size = await in_thread(self._threads, _store, self._files, blob_id, body)
        except BaseException:
            self._remove([blob_id])
            raise
        return Segment(blob_id=blob_id, size=size)

    async def open(self, segments: Sequence[Segment]) -> "DiskBlobReader":
        held = [segment for segment in segments if segment.size]
        self.pin(held)
        reader = DiskBlobReader(self, self._files, self._threads, held)
        try:
            await reader.region(0)
        except BaseException:
            reader.close()
            raise
        return reader

    def delete(self, segments: Sequence[Segment]) -> None:
        names = [segment.blob_id for segment in segments]
        self._doomed.update(names)
        self._remove([name for name in names if name not in self._pins])

    async def sweep(self, in_use: AsyncIterator[Segment]) -> int:
        if self._made is None:
            raise RuntimeError("blobs are swept once, after opening")
        made = self._made
        # Fifteen bytes for each blob in use, by directory: a million blobs are 15 MB.
        kept = {name: bytearray() for name in DIRECTORIES}
        async for segment in in_use:
            kept[segment.blob_id[:2]] += bytes.fromhex(segment.blob_id[2:])
        removed = await in_thread(self._threads, self._files.sweep_staged, made.__contains__)
        for directory in DIRECTORIES:
            packed = bytes(kept.pop(directory))
            ids = {packed[start : start + ID_BYTES - 1] for start in range(0, len(packed), ID_BYTES - 1)}
            removed += await in_thread(self._threads, self._sweep_directory, directory, ids, made)
        self._made = None
        return removed

    async def close(self) -> None:
        """Waits for removals; end uploads and downloads first."""
        if not self._is_closed:
            self._is_closed = True
            await in_thread(self._threads, self._remover.shutdown)
            self._threads.shutdown()

    async def sweep_staged(self, mark: bytes) -> int:
        """Remove what a process that is no more had staged under its mark (see `BlobFiles`)."""
        begin, end = 2, 2 + 2 * len(mark)
        return await in_thread(self._threads, self._files.sweep_staged, lambda name: name[begin:end] != mark.hex())

    def pin(self, segments: Sequence[Segment]) -> None:
        """For readers, of this process or of a worker. Raises NotFound when one was deleted."""
        gone = next((segment.blob_id for segment in segments if segment.blob_id in self._doomed), None)
        if gone is not None:
            raise NotFound(f"blob {gone} was deleted")
        self._pins.update(segment.blob_id for segment in segments)

    def unpin(self, segments: Sequence[Segment]) -> None:
        """For readers."""
        released = []
        for segment in segments:
            self._pins[segment.blob_id] -= 1
            if self._pins[segment.blob_id] == 0:
                del self._pins[segment.blob_id]
                released.append(segment.blob_id)
        self._remove([name for name in released if name in self._doomed])

    def _new_id(self) -> str:
        blob_id = self._files.new_id()
        if self._made is not None:
            self._made.add(blob_id)
        return blob_id

    def _remove(self, names: Sequence[str]) -> None:
        if names:
            removal = asyncio.wrap_future(self._remover.submit(_remove, self._files, names))
            removal.add_done_callback(lambda _: self._doomed.difference_update(names))

    def _sweep_directory(self, directory: str, ids: set[bytes], made: set[str]) -> int:
        def is_kept(name: str) -> bool:
            return bytes.fromhex(name[2:]) in ids or name in made or name in self._pins

        return self._files.sweep_sealed(directory, is_kept)


class DiskStagedBlob:
    """See `ports.storage.StagedBlob`."""

    def __init__(self, files: BlobFiles, threads: Executor, blob_id: str, fd: int) -> None:
        self._files = files
        self._threads = threads
        self._blob_id = blob_id
        self._fd = fd
        self._size = 0
        self._is_ended = False

    @property
    def size(self) -> int:
        return self._size

    def fileno(self) -> int:
        if self._is_ended:
            raise ValueError("this blob was sealed or discarded")
        return self._fd

    def advance(self, count: int) -> None:
        self._size += count

    async def write(self, chunk: Buffer) -> None:
        await in_thread(self._threads, self._write, self.fileno(), chunk)

    async def append(self, source: FileRegion) -> None:
        end = source.offset + source.size
        offset = source.offset
        while offset < end:
            # A piece at a time, so that others get a turn in the threads and a cancellation does not wait for all.
            piece = FileRegion(fd=source.fd, offset=offset, size=min(end - offset, COPIED_AT_ONCE))
            offset += await in_thread(self._threads, self._append, self.fileno(), piece)

    async def seal(self) -> Segment:
        fd = self.fileno()
        self._is_ended = True
        try:
            await in_thread(self._threads, _seal, self._files, self._blob_id, fd, self._size)
        except BaseException:
            await in_thread(self._threads, _remove, self._files, [self._blob_id])
            raise
        return Segment(blob_id=self._blob_id, size=self._size)

    async def discard(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            await in_thread(self._threads, _discard, self._files, self._blob_id, self._fd)

    def _write(self, fd: int, chunk: Buffer) -> None:
        # Counted in the thread: a task that was cancelled does not come back to count.
        self._size += write_all(fd, chunk)

    def _append(self, fd: int, piece: FileRegion) -> int:
        count = copy_some(fd, piece)
        self._size += count
        return count


class DiskBlobReader:
    """See `ports.storage.BlobReader`. Holds one segment open at a time."""

    def __init__(self, blobs: DiskBlobs, files: BlobFiles, threads: Executor, segments: Sequence[Segment]) -> None:
        self._blobs = blobs
        self._files = files
        self._threads = threads
        self._segments = segments
        self._ends = list(accumulate(segment.size for segment in segments))
        self._open: tuple[int, int] | None = None
        self._is_closed = False

    @property
    def size(self) -> int:
        return self._ends[-1] if self._ends else 0

    async def region(self, offset: int) -> FileRegion | None:
        if offset >= self.size:
            return None
        return await in_thread(self._threads, self._region, offset)

    async def read(self, offset: int, size: int) -> bytes:
        if offset >= self.size or size <= 0:
            return b""
        return await in_thread(self._threads, self._read, offset, size)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._open is not None:
            self._threads.submit(os.close, self._open[1])
        self._blobs.unpin(self._segments)

    def _read(self, offset: int, size: int) -> bytes:
        region = self._region(offset)
        with disk_errors("reading a blob"):
            found = os.pread(region.fd, min(size, region.size), region.offset)
        if not found:
            raise Unavailable("a blob is shorter than its segment")
        return found

    def _region(self, offset: int) -> FileRegion:
        """In a thread."""
        if self._is_closed:
            raise ValueError("this reader is closed")
        index = bisect_right(self._ends, offset)
        if self._open is None or self._open[0] != index:
            if self._open is not None:
                os.close(self._open[1])
                self._open = None
            self._open = index, self._open_segment(index)
        end = self._ends[index]
        return FileRegion(fd=self._open[1], offset=offset - (end - self._segments[index].size), size=end - offset)

    def _open_segment(self, index: int) -> int:
        try:
            return self._files.open(self._segments[index].blob_id)
        except NotFound as error:
            if index == 0:
                raise
            raise Unavailable(f"a later segment is gone: {error}") from error


async def open_disk_blobs(
    directory: Path, *, entropy: Entropy = os.urandom, threads: int = THREADS, mark: bytes = b"", sweeps: bool = True
) -> DiskBlobs:
    """`mark` is for `BlobFiles`; without `sweeps` another process does that. Raises OutOfSpace or Unavailable."""
    pool = Threads(threads, name="blobs")
    files = BlobFiles(directory, entropy=entropy, mark=mark)
    try:
        await in_thread(pool, files.prepare)
    except BaseException:
        pool.shutdown()
        raise
    return DiskBlobs(files, pool, sweeps=sweeps)


def _store(files: BlobFiles, blob_id: str, body: Sequence[Buffer]) -> int:
    fd = files.create(blob_id)
    try:
        size = sum(write_all(fd, chunk) for chunk in body)
        files.seal(blob_id, fd, size=size)
    finally:
        os.close(fd)
    return size


def _seal(files: BlobFiles, blob_id: str, fd: int, size: int) -> None:
    try:
        files.seal(blob_id, fd, size=size)
    finally:
        os.close(fd)


def _discard(files: BlobFiles, blob_id: str, fd: int) -> None:
    os.close(fd)
    _remove(files, [blob_id])


def _remove(files: BlobFiles, names: Sequence[str]) -> None:
    for name in names:
        try:
            files.remove(name)
        except FileError as error:
            # Nothing refers to it: the sweep of the next start tries again.
            logger.warning("blob %s was not removed: %s", name, error)
