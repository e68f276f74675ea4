"""What the open files of a conversation share: the way back to the client, and the account of what is under way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from crossdock.operations.threads import Threads
from crossdock.sftp.pipe import Chunk

MOST_REQUESTS = 64
"""Requests being carried out at once, READ and WRITE excepted."""
MOST_READS = 1024
"""READs that wait for their bytes: 16 times what OpenSSH's client has under way."""
MOST_WRITTEN = 4 << 20
"""Bytes that were taken of WRITEs and not yet by the store; more may come until the client has stopped."""
SHARED_BYTES = 8 << 20
"""What all files that are read may hold ready together, and all that are written gather; but see `share`."""
LEAST_SHARE, MOST_SHARE = 64 << 10, 1 << 20


class Load:
    """Counts what is under way. `changed` is called whenever `is_full` or `is_heavy` has, `answered` when no answer is
    owed, or still none.

    `is_full`: no further request is to be begun. `is_heavy`: the client shall send no more for now. Both stay until
    half has been done. `is_unread`: the client is to read first.
    """

    __slots__ = (
        "_answered",
        "_changed",
        "_idle",
        "_reads",
        "_requests",
        "_written",
        "is_full",
        "is_heavy",
        "is_unread",
    )

    def __init__(self, changed: Callable[[], None], answered: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._answered = answered
        self._requests = self._reads = self._written = 0
        self._idle: asyncio.Future[None] | None = None
        self.is_full = self.is_heavy = self.is_unread = False

    @property
    def is_answering(self) -> bool:
        """Whether an answer is owed."""
        return bool(self._requests or self._reads)

    async def answered(self) -> None:
        """Wait until no answer is owed."""
        while self.is_answering:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle

    def add_request(self, count: int) -> None:
        self._requests += count
        self._weigh()

    def add_reads(self, count: int) -> None:
        self._reads += count
        self._weigh()

    def add_written(self, count: int) -> None:
        self._written += count
        self._weigh()

    def set_unread(self, is_so: bool) -> None:
        self.is_unread = is_so
        self._weigh()

    def _weigh(self) -> None:
        share = 2 if self.is_full else 1
        is_full = self.is_unread or self._requests * share >= MOST_REQUESTS or self._reads * share >= MOST_READS
        is_heavy = is_full or self._written * (2 if self.is_heavy else 1) >= MOST_WRITTEN
        if (is_full, is_heavy) != (self.is_full, self.is_heavy):
            self.is_full, self.is_heavy = is_full, is_heavy
            self._changed()
        if not self.is_answering:
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            self._answered()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`send` takes an answer at once; whoever sends much awaits `drained`, which raises ConnectionError at the end.

    `open_files` says how many files are open for reading and writing, `all_open_files` how many are, directories
    included, in all conversations of this process; `start` begins work that belongs to the
    conversation, which does not survive that it fails unexpectedly. So does `start_now`, and takes the first step.
    """

    pool: Threads
    load: Load
    start: Callable[..., "asyncio.Task[None]"]
    start_now: Callable[..., "asyncio.Task[None]"]
    send: Callable[[Sequence[Chunk]], None]
    drained: Callable[[], Awaitable[None]]
    open_files: Callable[[], int]
    all_open_files: Callable[[], int]

    def share(self) -> int:
        """Bytes that one file may hold ready or gather, so that many open files do not take much more than a few."""
        return max(LEAST_SHARE, min(MOST_SHARE, SHARED_BYTES // max(1, self.open_files())))


async def ended(task: "asyncio.Task[None] | None") -> None:
    """Wait until a task has ended, however; a cancellation of the caller goes through at once."""
    if task is not None and not task.done():
        await asyncio.wait([task])
