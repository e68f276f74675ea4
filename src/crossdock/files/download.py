"""A file on its way to a client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from crossdock.core.errors import FileError, Unavailable
from crossdock.ports.objects import FileRegion, ObjectInfo, ObjectReader, has_ready

Reopen = Callable[[int], Awaitable[ObjectReader]]
"""Another reader of the same key from an offset on, of whatever version it has by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadEnd:
    """How a download ended, after `size` bytes: well, unless the store failed or the edge says what interrupted it."""

    info: ObjectInfo
    size: int
    failure: FileError | None = None
    interruption: str = ""


class Download:
    """One version of an object, from `offset` on, counted as it goes. Close it.

    Take `region()` until it is None, sending each region with `sendfile`, then the rest from `chunks()`; or take
    everything from `chunks()`. Tell `advance` how much went, either way. The reader is bound to one version, so that no
    client gets the beginning of one file and the end of another; `seek` keeps to it.
    """

    __slots__ = ("_failure", "_is_open", "_offset", "_on_end", "_position", "_reader", "_reopen", "_size")

    def __init__(self, reader: ObjectReader, *, offset: int = 0, reopen: Reopen | None = None) -> None:
        self._reader = reader
        self._reopen = reopen
        self._offset = min(offset, reader.info.size)
        self._position = self._offset
        self._size = 0
        self._is_open = True
        self._failure: FileError | None = None
        self._on_end: Callable[[DownloadEnd], None] | None = None

    @property
    def info(self) -> ObjectInfo:
        return self._reader.info

    @property
    def size(self) -> int:
        """Bytes that went to the client so far."""
        return self._size

    @property
    def remaining(self) -> int:
        """Bytes that have still to go."""
        return self.info.size - self._offset - self._size

    def when_ended(self, callback: Callable[[DownloadEnd], None]) -> None:
        """Call back once, at `close`."""
        self._on_end = callback

    async def region(self) -> FileRegion | None:
        """The next run of bytes that `sendfile` may send, or None when the rest must come through `chunks`.

        The descriptor belongs to the download and is good until the next call.
        """
        try:
            region = await self._reader.region()
        except FileError as error:
            self._failure = error
            raise
        if region is not None:
            self._position += region.size
        return region

    def take_ready(self) -> bytes | None:
        """All the rest where it is in memory already, as small objects are; then there is neither region nor chunk."""
        data = self._reader.take_ready() if has_ready(self._reader) else None
        if data is not None:
            self._position += len(data)
        return data

    def advance(self, count: int) -> None:
        """Tell how many bytes of a region or a chunk were sent."""
        self._size += count

    async def chunks(self) -> AsyncIterator[bytes]:
        """The rest, in pieces of at most 1 MiB. Raises Unavailable when the store stops short of the file's end."""
        try:
            async for chunk in self._reader.chunks():
                self._position += len(chunk)
                yield chunk
            if (missing := self.info.size - self._position) > 0:
                raise Unavailable(f"{self.info.place} ended {missing} bytes early")
        except FileError as error:
            self._failure = error
            raise

    async def seek(self, offset: int) -> None:
        """Go on at another offset of the same version; what `region` and `chunks` gave before is void.

        Raises Unavailable when the key has another version by now; NotFound, Denied. The download then stays where it
        was. Only for one that knows how to `reopen`.
        """
        if self._reopen is None:
            raise RuntimeError(f"the download of {self.info.place} cannot be opened again")
        reader = await self._reopen(offset)
        if reader.info.etag != self.info.etag:
            await reader.close()
            self._failure = Unavailable(f"{self.info.place} was replaced while it was read")
            raise self._failure
        before, self._reader = self._reader, reader
        self._position = min(offset, reader.info.size)
        await before.close()

    async def close(self, *, interruption: str = "") -> None:
        """Let go of the object; again is harmless. `interruption` says, for the log, why the client got less."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            await self._reader.close()
        finally:
            if self._on_end is not None:
                self._on_end(
                    DownloadEnd(info=self.info, size=self._size, failure=self._failure, interruption=interruption)
                )
