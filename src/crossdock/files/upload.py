"""A file on its way from a client: three doors, one commit.

    write(offset, chunk)             bytes that somebody already holds (SFTP, TLS)
    reserve() -> view, advance(n)    receive straight into the upload's own buffer
    target() -> fd, advance(n)       the kernel path: splice into a file, where the store stages on this disk

The await is the back-pressure. The edge that reads the socket decides whether the upload is complete (`commit`) or was
interrupted (`discard`); only what was committed is ever visible.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from crossdock.core.errors import FileError, Interrupted, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.unbroken import unbroken
from crossdock.ports.objects import ObjectInfo

Chunk = bytes | bytearray | memoryview


class Sink(Protocol):
    """Where an upload's bytes go. Calls come one at a time, `discard` excepted."""

    async def write(self, chunk: Chunk) -> None: ...

    async def reserve(self) -> memoryview: ...

    async def target(self) -> int | None: ...

    def advance(self, count: int) -> None: ...

    async def commit(self) -> ObjectInfo: ...

    async def discard(self) -> None:
        """Leave nothing behind. Safe at any time, and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadEnd:
    """How an upload ended: `info` when it was committed, else `failure` or the edge's words for what interrupted it."""

    place: ObjectPlace
    size: int
    info: ObjectInfo | None = None
    failure: FileError | None = None
    interruption: str = ""


class _State(StrEnum):
    OPEN = "open"
    COMMITTED = "committed"
    DISCARDED = "discarded"


class Upload:
    """A file that nobody sees yet. End it with `commit` or `discard`; `discard` after either is harmless."""

    __slots__ = ("_expected_size", "_on_end", "_place", "_sink", "_size", "_state")

    def __init__(self, sink: Sink, *, place: ObjectPlace, expected_size: int | None = None) -> None:
        self._sink = sink
        self._place = place
        self._expected_size = expected_size
        self._size = 0
        self._state = _State.OPEN
        self._on_end: Callable[[UploadEnd], None] | None = None

    @property
    def size(self) -> int:
        """Bytes taken so far; where the next `write` must begin."""
        return self._size

    def when_ended(self, callback: Callable[[UploadEnd], None]) -> None:
        """Call back once, after the commit or the discard."""
        self._on_end = callback

    async def write(self, offset: int, chunk: Chunk) -> None:
        """Append. Raises Unsupported for any other offset than `size`; S3 objects are written front to back.

        Source: Transfer's own message, "AWS Transfer does not support random access writes to S3 objects".
        """
        self._require_open()
        if offset != self._size:
            raise Unsupported(f"write at {offset}, where {self._size} bytes were received: no random access writes")
        await self._sink.write(chunk)
        self._size += len(chunk)

    async def reserve(self) -> memoryview:
        """A place, never empty, to receive the next bytes in; valid until the next call."""
        self._require_open()
        return await self._sink.reserve()

    async def target(self) -> int | None:
        """A file descriptor to splice or write the next bytes to (from a pool thread), or None: use `reserve`."""
        self._require_open()
        return await self._sink.target()

    def advance(self, count: int) -> None:
        """Tell how many bytes came through what `reserve` or `target` gave last."""
        self._require_open()
        self._sink.advance(count)
        self._size += count

    async def commit(self) -> ObjectInfo:
        """Make the file durable and visible; runs to its end even when the caller is cancelled meanwhile.

        When it raises, nothing was kept. Raises Interrupted for another size than announced; Denied, OutOfSpace,
        Unavailable.
        """
        self._require_open()
        return await unbroken(self._commit())

    async def discard(self, *, interruption: str = "") -> None:
        """Leave nothing behind, neither parts nor files; runs to its end even when the caller is cancelled.

        `interruption` says, for the log, what ended the transfer.
        """
        if self._state is _State.OPEN:
            await unbroken(self._discard(failure=None, interruption=interruption))

    async def _commit(self) -> ObjectInfo:
        try:
            if self._expected_size is not None and self._expected_size != self._size:
                raise Interrupted(f"{self._size} bytes came, {self._expected_size} were announced")
            info = await self._sink.commit()
        except FileError as failure:
            await self._discard(failure=failure, interruption=str(failure))
            raise
        self._state = _State.COMMITTED
        self._tell(UploadEnd(place=self._place, size=self._size, info=info))
        return info

    async def _discard(self, *, failure: FileError | None, interruption: str) -> None:
        self._state = _State.DISCARDED
        try:
            await self._sink.discard()
        finally:
            self._tell(UploadEnd(place=self._place, size=self._size, failure=failure, interruption=interruption))

    def _tell(self, end: UploadEnd) -> None:
        if self._on_end is not None:
            self._on_end(end)

    def _require_open(self) -> None:
        if self._state is not _State.OPEN:
            raise RuntimeError(f"the upload of {self._place} is {self._state}")
