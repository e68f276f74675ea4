"""A file that is open for writing: WRITEs are gathered in blocks that go to the upload, in the file's order.

A WRITE is answered once its bytes are here, long before they are safe: only an answered CLOSE says that, for an upload
is one whole, seen by nobody before. What goes wrong on the way to the store is told by the next WRITE and by CLOSE.

Clients send many WRITEs without waiting, some not quite in order; within a window those are put in order. S3 objects
cannot be changed in the middle, so all else is refused, and nothing is kept of such a file.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from crossdock.core.errors import FileError
from crossdock.files.upload import Upload
from crossdock.sftp import status
from crossdock.sftp.blocks import Blocks
from crossdock.sftp.exchange import Exchange, ended
from crossdock.sftp.framing import Take
from crossdock.sftp.status import Refused

WINDOW = 2 << 20
"""How far behind what was received in order a WRITE may end, and how many bytes are held so."""
MOST_HELD = 512
"""WRITEs that are held: clients have some dozens under way."""

BeginUpload = Callable[[int], Awaitable[Upload]]
"""Opens the upload, which keeps so many bytes of the file that is there."""


class WriteHandle:
    """`existing` is the size of the file to be continued or changed in place, None when it is replaced or new.

    `upload` is None while it is open where the client begins; `begin` opens it. `may_continue`: it may begin in the
    middle, what comes before is kept. `is_append`: it begins at the end, whatever offsets the client says.
    `must_tell_end`: nobody knows what is there, so the client has to say that what it wrote is all. `failure` is what
    has gone wrong: no byte will be kept then.
    """

    def __init__(
        self,
        path: str,
        exchange: Exchange,
        *,
        begin: BeginUpload,
        upload: Upload | None = None,
        existing: int | None = None,
        may_continue: bool = False,
        is_append: bool = False,
        must_tell_end: bool = False,
    ) -> None:
        self.path = path
        self._exchange = exchange
        self._begin = begin
        self._upload = upload
        self._existing = existing
        self._may_continue = may_continue
        self._is_append = is_append
        self._must_tell_end = must_tell_end
        self._has_begun = upload is not None
        self._base = 0  # bytes that are kept of the file that is there
        self._high = 0  # where the next WRITE begins if they come in order
        self._told_end: int | None = None  # where the client said that the file ends
        if is_append:
            self._start_at(existing or 0)
        self._coming = 0
        self._blocks = Blocks(exchange.share, self._filled)
        self._held: dict[int, bytearray] = {}
        self.failure: FileError | Refused | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Of the file as it would be seen if it were seen already."""
        return self._high if self._has_begun else self._existing or 0

    def begin_write(self, offset: int, size: int) -> Take | None:
        """What takes the bytes, None when there is a `failure` or nothing to take. Without one `end_write` follows."""
        if self.failure is not None or not size:
            return None
        if self._is_append:
            offset = self._high
        elif not self._has_begun:
            is_kept = self._may_continue and offset <= (self._existing or 0)
            if offset and self._existing and not is_kept:
                # Not left to CLOSE, to whose answer some clients do not listen, sshfs for one.
                self._fail(Refused(status.NO_APPEND if offset == self._existing else status.IN_PLACE))
                return None
            self._start_at(offset if is_kept else 0)
        if offset == self._high:
            self._coming = size
            return self._blocks.take
        held = size + sum(map(len, self._held.values()))
        is_near = self._high < offset <= self._high + WINDOW - size
        if not is_near or held > WINDOW or len(self._held) == MOST_HELD or offset in self._held:
            self._fail(Refused(status.RANDOM_WRITE))
            return None
        self._coming = 0
        place = self._held[offset] = bytearray()
        return place.extend

    def end_write(self) -> None:
        self._high += self._coming
        self._coming = 0
        while self._held and (place := self._held.pop(self._high, None)) is not None:
            self._blocks.take(memoryview(place))
            self._high += len(place)
        if self._held and min(self._held) < self._high:
            self._fail(Refused(status.RANDOM_WRITE))

    def end_at(self, size: int) -> bool:
        """The client says where the file ends, as `scp` does before it closes: whether it ends there.

        What is no end of what was written changes nothing.
        """
        if not self._has_begun and size in (0, self._existing):
            if size == 0:
                self._start_at(0)
                self._told_end = 0
            return True
        if size != self._high or self._held:
            return False
        self._told_end = size
        return True

    async def close(self) -> None:
        """Commit, and return when the file is durable and visible. Raises FileError or Refused: nothing was kept."""
        if self._held:
            self._fail(Refused(status.GAP))
        await ended(self._pump)
        if self.failure is None:
            await self._commit()
        if self.failure is not None:
            await self._discard(str(self.failure))
            raise self.failure

    async def discard(self, reason: str) -> None:
        """The client is gone: leave what the server has stay of interrupted uploads.

        If it is being committed already, that runs to its end.
        """
        keeps = self.failure is None and self._upload is not None and self._upload.keeps_interrupted
        if self._pump is not None:
            if not keeps:
                self._pump.cancel()
            await ended(self._pump)
        if keeps and self.failure is None and not self._blocks.full:
            with suppress(Refused):  # what CLOSE would refuse is not kept either
                self._stays_as_it_was()
                await _leave(await self._opened(), self._blocks.rest, reason)
        await self._discard(reason)

    def _start_at(self, offset: int) -> None:
        self._has_begun = True
        self._base = self._high = offset

    def _filled(self, size: int) -> None:
        """A block is full. After a failure nobody wants it, but the rest of a WRITE may still come."""
        self._exchange.load.add_written(size)
        if self._pump is None and self.failure is None:
            self._pump = self._exchange.start(self._pass_on(), name=f"sftp write {self.path}")

    async def _pass_on(self) -> None:
        """Write the full blocks to the upload."""
        try:
            upload = await self._opened()
            while self._blocks.full:
                await upload.write(upload.size, self._blocks.full[0])
                self._exchange.load.add_written(-self._blocks.written())
        except FileError as error:
            self._fail(error)
            await self._discard(str(error))
        finally:
            self._pump = None

    async def _commit(self) -> None:
        try:
            if self._stays_as_it_was():
                if self._upload is not None:
                    await self._upload.interrupted(interruption="")
                return
            upload = await self._opened()
            rest = self._blocks.rest
            # Before it is written: a CLOSE that is cut meanwhile must not leave it a second time.
            self._blocks.clear()
            if rest:
                await upload.write(upload.size, rest)
            await upload.commit()
        except (FileError, Refused) as error:
            self._fail(error)

    def _stays_as_it_was(self) -> bool:
        """A file that was opened without being emptied: was nothing done to it? Raises Refused for part of it.

        Whoever writes less than was there, and does not say that it ends there, wants the rest to stay.
        """
        if self._must_tell_end and self._told_end != self._high:
            raise Refused(status.HIDDEN)
        if self._existing is None:
            return False
        if not self._has_begun or (self._is_append and self._high == self._existing):
            return True
        if self._told_end != self._high and self._high < self._existing:
            raise Refused(status.IN_PLACE)
        return False

    async def _opened(self) -> Upload:
        if self._upload is None:
            self._upload = await self._begin(self._base)
        return self._upload

    def _fail(self, failure: FileError | Refused) -> None:
        """The first failure counts. Nothing is held any longer."""
        if self.failure is None:
            self.failure = failure
        self._held.clear()

    async def _discard(self, reason: str) -> None:
        self._exchange.load.add_written(-self._blocks.clear())
        if self._upload is not None:
            await self._upload.discard(interruption=reason)


async def _leave(upload: Upload, rest: memoryview, reason: str) -> None:
    """End an interrupted upload with the bytes that are here; those that wait for others before them are none of it."""
    try:
        if rest:
            await upload.write(upload.size, rest)
    except FileError:
        return  # the upload knows why, and is discarded
    await upload.interrupted(interruption=reason)
