"""A file on its way from a client: three doors, one commit.

    write(offset, chunk)             bytes that somebody already holds (SFTP, TLS)
    reserve() -> view, advance(n)    receive straight into the upload's own buffer
    target() -> fd, advance(n)       the kernel path: splice into a file, where the store stages on this disk

The await is the back-pressure. The edge that reads the socket decides whether the upload is complete (`commit`) or was
interrupted (`discard`); only what was committed is ever visible.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol, TypeVar

from crossdock.core.errors import FileError, Interrupted, Unsupported, WrongSize
from crossdock.core.homes import ObjectPlace
from crossdock.files.unbroken import unbroken
from crossdock.ports.objects import ObjectInfo

T = TypeVar("T")

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
    """How an upload ended: `info` when it was committed, else `failure` or the edge's words for what interrupted it.

    `residue` says why something may have stayed behind in the store after all, such as parts that may not be aborted.
    """

    place: ObjectPlace
    size: int
    info: ObjectInfo | None = None
    failure: FileError | None = None
    interruption: str = ""
    residue: FileError | None = None


class Upload:
    """A file that nobody sees yet. End it with `commit` or `discard`; `discard` after either is harmless.

    A call that raised or was cancelled has broken the upload: what the sink took of it is not known, so a later
    `commit` refuses and discards.
    """

    __slots__ = ("_expected_size", "_failure", "_is_open", "_is_whole", "_on_end", "_place", "_sink", "_size")

    def __init__(self, sink: Sink, *, place: ObjectPlace, expected_size: int | None = None) -> None:
        self._sink = sink
        self._place = place
        self._expected_size = expected_size
        self._size = 0
        self._is_open = True
        self._is_whole = True
        self._failure: FileError | None = None
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
        self._require_whole()
        if offset != self._size:
            raise Unsupported(f"write at {offset}, where {self._size} bytes were received: no random access writes")
        await self._through(self._sink.write(chunk))
        self._size += len(chunk)

    async def reserve(self) -> memoryview:
        """A place, never empty, to receive the next bytes in; valid until the next call."""
        self._require_open()
        self._require_whole()
        return await self._through(self._sink.reserve())

    async def target(self) -> int | None:
        """A file descriptor to splice or write the next bytes to (from a pool thread), or None: use `reserve`."""
        self._require_open()
        self._require_whole()
        return await self._through(self._sink.target())

    def advance(self, count: int) -> None:
        """Tell how many bytes came through what `reserve` or `target` gave last; once for each of them."""
        self._require_open()
        self._sink.advance(count)
        self._size += count

    async def commit(self) -> ObjectInfo:
        """Make the file durable and visible; runs to its end even when the caller is cancelled meanwhile.

        When it raises, nothing was kept. Raises WrongSize for another than was announced, Interrupted for a broken
        upload; Denied, OutOfSpace, Unavailable.
        """
        self._require_open()
        self._is_open = False
        return await unbroken(self._commit())

    async def discard(self, *, interruption: str = "") -> None:
        """Leave nothing behind, neither parts nor files; runs to its end even when the caller is cancelled.

        `interruption` says, for the log, what ended the transfer. Raises nothing.
        """
        if self._is_open:
            self._is_open = False
            await unbroken(self._discard(interruption))

    async def _commit(self) -> ObjectInfo:
        info: ObjectInfo | None = None
        try:
            self._require_whole()
            if self._expected_size not in (None, self._size):
                raise WrongSize(f"{self._size} bytes came, {self._expected_size} were announced")
            info = await self._sink.commit()
        except FileError as error:
            self._failure = error
            raise
        finally:
            if info is None:
                await self._discard(str(self._failure or "the commit failed"))
        self._tell(UploadEnd(place=self._place, size=self._size, info=info))
        return info

    async def _discard(self, interruption: str) -> None:
        residue: FileError | None = None
        try:
            await self._sink.discard()
        except FileError as error:
            residue = error
        self._tell(
            UploadEnd(
                place=self._place,
                size=self._size,
                failure=self._failure,
                interruption=interruption,
                residue=residue,
            )
        )

    async def _through(self, step: Coroutine[None, None, T]) -> T:
        self._is_whole = False
        try:
            result = await step
        except FileError as error:
            self._failure = error
            raise
        self._is_whole = True
        return result

    def _tell(self, end: UploadEnd) -> None:
        if self._on_end is not None:
            self._on_end(end)

    def _require_open(self) -> None:
        if not self._is_open:
            raise RuntimeError(f"the upload of {self._place} has ended")

    def _require_whole(self) -> None:
        if not self._is_whole:
            raise self._failure or Interrupted(f"a write to {self._place} was cut short")
