"""A download that can be read anywhere, always of the one version that was opened."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime

from crossdock.core.errors import Unavailable
from crossdock.files.download import Download
from crossdock.operations.threads import Threads, in_thread
from crossdock.ports.objects import FileRegion
from crossdock.sftp.cached_reads import cached_read, flags_for_memory


class Source:
    """Gives bytes from wherever they are asked for; cheapest is to go on where the last ones ended.

    One call at a time.
    """

    __slots__ = ("_at", "_chunks", "_download", "_flags", "_pool", "_region", "_start")

    def __init__(self, download: Download, pool: Threads, *, at: int = 0) -> None:
        self._download = download
        self._pool = pool
        self._at = at  # which byte the download gives next
        self._region: FileRegion | None = None
        self._start = 0  # which byte of the file the region begins with
        self._chunks: AsyncIterator[bytes] | None = None
        self._flags: int | None = None  # how the region is read where it lies in memory; None if nobody can tell

    @property
    def size(self) -> int:
        return self._download.info.size

    @property
    def modified_at(self) -> datetime:
        return self._download.info.modified_at

    def sent(self, count: int) -> None:
        """Tell how much went to the client."""
        self._download.advance(count)

    async def cached(self, offset: int, size: int) -> bytearray | None:
        """Just so many bytes from `offset` on, read without a thread; None where that is not possible.

        Raises as `fetch` does.
        """
        if not self._has_ready(offset):
            await self._move(offset)
        region = self._region
        if region is None or self._flags is None or size > region.size - (offset - self._start):
            return None
        try:
            return cached_read(region.fd, region.offset + offset - self._start, size, self._flags)
        except OSError:
            self._flags = None  # a thread learns what is wrong, if it is more than that nothing is known
            return None

    async def fetch(self, offset: int, size: int) -> bytes:
        """Bytes from `offset` on, which lies before the end: at least one, perhaps fewer than `size`, or more.

        Raises FileError; Unavailable also when the file was replaced since and its bytes are gone.
        """
        if not self._has_ready(offset):
            await self._move(offset)
        region = self._region
        if region is not None:
            skip = offset - self._start
            data: bytes = await self._read(region.fd, min(size, region.size - skip), region.offset + skip)
        elif self._chunks is not None:
            data = await anext(self._chunks, b"")
            self._at += len(data)
        else:
            raise RuntimeError("a download gave neither region nor chunks")
        if not data:
            raise Unavailable(f"{self._download.info.place} ended before its byte {offset}")
        return data

    async def close(self, *, interruption: str = "") -> None:
        await self._stop_chunks()
        await self._download.close(interruption=interruption)

    def _has_ready(self, offset: int) -> bool:
        if self._region is not None:
            return 0 <= offset - self._start < self._region.size
        return self._chunks is not None and offset == self._at

    async def _move(self, offset: int) -> None:
        self._region = None
        if offset != self._at:
            await self._stop_chunks()
            self._at = -1  # nobody knows, should this fail
            await self._download.seek(offset)
            self._at = offset
        if self._chunks is None:
            region = await self._download.region()
            if region is None:
                self._chunks = self._download.chunks()
            else:
                self._region, self._start, self._flags = region, offset, flags_for_memory(region.fd)
                self._at += region.size

    async def _read(self, fd: int, size: int, offset: int) -> bytes:
        try:
            return await in_thread(self._pool, os.pread, fd, size, offset)
        except OSError as error:
            raise Unavailable(f"{self._download.info.place} cannot be read: {error}") from error

    async def _stop_chunks(self) -> None:
        chunks, self._chunks = self._chunks, None
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
