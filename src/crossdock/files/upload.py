"""A file on its way from a client: three doors, one commit.

    write(offset, chunk)             bytes that somebody already holds (SFTP, TLS)
    reserve() -> view, advance(n)    receive straight into the upload's own buffer
    target() -> fd, advance(n)       the kernel path: splice into a file, where the store stages on this disk

The await is the back-pressure. The edge that reads the socket decides whether the upload is complete (`commit`), was
interrupted (`interrupted`) or failed (`discard`); only what was committed is ever visible. What stays of an interrupted
upload the server says: nothing, what had come as the file, or what had come for a later upload to go on with.
"""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from crossdock.core.errors import FileError, Interrupted, OutOfSpace, Unavailable, Unsupported, WrongSize
from crossdock.core.homes import ObjectPlace
from crossdock.core.servers import InterruptedUploads
from crossdock.files.unbroken import unbroken
from crossdock.ports.objects import ObjectInfo

T = TypeVar("T")

Chunk = bytes | bytearray | memoryview


class Sink(Protocol):
    """Where an upload's bytes go. Calls come one at a time, `discard` and `keep` excepted."""

    async def write(self, chunk: Chunk) -> None: ...

    async def reserve(self) -> memoryview: ...

    async def target(self) -> int | None: ...

    def advance(self, count: int) -> None: ...

    async def commit(self) -> ObjectInfo: ...

    async def discard(self) -> None:
        """Leave nothing behind. Safe at any time, and again."""

    async def keep(self) -> int:
        """End, and leave what can be gone on with; returns where in the file that is, 0 for nothing: then `discard`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadEnd:
    """How an upload ended: `info` when it was committed, else `failure` or the edge's words for what interrupted it.

    With both `info` and an `interruption` the file is what had come until then. `resumable_at` is where an upload can
    be gone on with. `residue` says why something may have stayed behind in the store after all, such as parts that may
    not be aborted.
    """

    place: ObjectPlace
    size: int
    info: ObjectInfo | None = None
    failure: FileError | None = None
    interruption: str = ""
    resumable_at: int = 0
    residue: FileError | None = None


class Upload:
    """A file that nobody sees yet. End it with `commit`, `interrupted` or `discard`; after the first the others do
    nothing.

    A call that raised or was cancelled has broken the upload: what the sink took of it is not known, so a later
    `commit` refuses and discards. Where interrupted uploads are kept, no call is cut in two by a cancellation.
    """

    __slots__ = ("_expected_size", "_failure", "_is_open", "_is_whole", "_kept", "_on_end", "_place", "_sink", "_size")

    def __init__(
        self,
        sink: Sink,
        *,
        place: ObjectPlace,
        expected_size: int | None = None,
        kept: InterruptedUploads = InterruptedUploads.DISCARD,
    ) -> None:
        self._sink = sink
        self._place = place
        self._expected_size = expected_size
        self._kept = kept
        self._size = 0
        self._is_open = True
        self._is_whole = True
        self._failure: FileError | None = None
        self._on_end: tuple[Callable[[UploadEnd], None], ...] = ()

    @property
    def size(self) -> int:
        """Bytes taken so far; where the next `write` must begin."""
        return self._size

    @property
    def keeps_interrupted(self) -> bool:
        """Whether it is worth while to write what has come before `interrupted`."""
        return self._kept is not InterruptedUploads.DISCARD

    def when_ended(self, callback: Callable[[UploadEnd], None]) -> None:
        """Call back once, after the end and after those that asked before."""
        self._on_end = (*self._on_end, callback)

    async def write(self, offset: int, chunk: Chunk) -> None:
        """Append. Raises Unsupported for any other offset than `size`; S3 objects are written front to back.

        Source: Transfer's own message, "AWS Transfer does not support random access writes to S3 objects".
        """
        _require(self._is_open, self._place)
        _require_whole(self._is_whole, self._failure, self._place)
        if offset != self._size:
            raise Unsupported(f"write at {offset}, where {self._size} bytes were received: no random access writes")
        await self._through(self._sink.write(chunk), len(chunk))

    async def reserve(self) -> memoryview:
        """A place, never empty, to receive the next bytes in; valid until the next call."""
        _require(self._is_open, self._place)
        _require_whole(self._is_whole, self._failure, self._place)
        return await self._through(self._sink.reserve())

    async def target(self) -> int | None:
        """A file descriptor to splice or write the next bytes to (from a pool thread), or None: use `reserve`."""
        _require(self._is_open, self._place)
        _require_whole(self._is_whole, self._failure, self._place)
        return await self._through(self._sink.target())

    def advance(self, count: int) -> None:
        """Tell how many bytes came through what `reserve` or `target` gave last; once for each of them."""
        _require(self._is_open, self._place)
        self._sink.advance(count)
        self._size += count

    async def commit(self) -> ObjectInfo:
        """Make the file durable and visible; runs to its end even when the caller is cancelled meanwhile.

        When it raises, there is no file, but for WrongSize: then what stays is as after `interrupted`. What can be gone
        on with stays when it is the store that failed. Raises WrongSize for another than was announced, Interrupted for
        a broken upload; Denied, OutOfSpace, Unavailable.
        """
        _require(self._is_open, self._place)
        self._is_open = False
        return await unbroken(self._commit())

    async def interrupted(self, *, interruption: str) -> None:
        """The transfer ended before the file did: leave of it what the server has such uploads leave.

        Runs to its end even when the caller is cancelled. `interruption` says, for the log, what ended it. Raises
        nothing.
        """
        if self._is_open:
            self._is_open = False
            await unbroken(self._end_early(interruption, self._kept))

    async def discard(self, *, interruption: str = "") -> None:
        """Leave nothing behind, neither parts nor files, or what can be gone on with when it is the store that failed.

        Runs to its end even when the caller is cancelled. `interruption` says, for the log, what ended the transfer.
        Raises nothing.
        """
        if self._is_open:
            self._is_open = False
            await unbroken(self._end_early(interruption, _kept_after(self._failure, self._kept)))

    async def _commit(self) -> ObjectInfo:
        info: ObjectInfo | None = None
        kept = InterruptedUploads.DISCARD
        try:
            _require_whole(self._is_whole, self._failure, self._place)
            if self._expected_size not in (None, self._size):
                kept = self._kept
                raise WrongSize(f"{self._size} bytes came, {self._expected_size} were announced")
            info = await self._sink.commit()
        except FileError as error:
            self._failure = error
            if not isinstance(error, WrongSize):
                kept = _kept_after(error, self._kept)
            raise
        finally:
            if info is None:
                await self._end_early(str(self._failure or "the commit failed"), kept)
        _tell(self._on_end, UploadEnd(place=self._place, size=self._size, info=info))
        return info

    async def _end_early(self, interruption: str, kept: InterruptedUploads) -> None:
        """Keep what is to be kept, and discard all else."""
        info: ObjectInfo | None = None
        resumable_at = 0
        residue: FileError | None = None
        try:
            if kept is InterruptedUploads.KEEP and self._is_whole and self._size:
                info = await self._sink.commit()
            elif kept is InterruptedUploads.RESUME:
                resumable_at = await self._sink.keep()
        except FileError as error:
            self._failure = self._failure or error
        finally:
            if info is None and not resumable_at:
                residue = await _discarded(self._sink)
        end = UploadEnd(
            place=self._place,
            size=self._size,
            info=info,
            failure=self._failure,
            interruption=interruption,
            resumable_at=resumable_at,
            residue=residue,
        )
        _tell(self._on_end, end)

    async def _through(self, step: Coroutine[None, None, T], size: int = 0) -> T:
        return await (unbroken(self._step(step, size)) if self.keeps_interrupted else self._step(step, size))

    async def _step(self, step: Coroutine[None, None, T], size: int) -> T:
        self._is_whole = False
        try:
            result = await step
        except FileError as error:
            self._failure = error
            raise
        self._is_whole = True
        self._size += size
        return result


def _require(is_open: bool, place: ObjectPlace) -> None:
    if not is_open:
        raise RuntimeError(f"the upload of {place} has ended")


def _require_whole(is_whole: bool, failure: FileError | None, place: ObjectPlace) -> None:
    if not is_whole:
        raise failure or Interrupted(f"a write to {place} was cut short")


def _kept_after(failure: FileError | None, kept: InterruptedUploads) -> InterruptedUploads:
    """What came before the store failed is sound, and may be much."""
    has_store_failed = isinstance(failure, Unavailable | OutOfSpace)
    is_resumed = has_store_failed and kept is InterruptedUploads.RESUME
    return InterruptedUploads.RESUME if is_resumed else InterruptedUploads.DISCARD


def _tell(callbacks: Iterable[Callable[[UploadEnd], None]], end: UploadEnd) -> None:
    for callback in callbacks:
        callback(end)


async def _discarded(sink: Sink) -> FileError | None:
    """Why something may have stayed, if it may."""
    try:
        await sink.discard()
    except FileError as error:
        return error
    return None
