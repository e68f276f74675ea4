"""A file that is open for reading: READs are answered from bytes that were fetched ahead, or wait for them.

Clients ask for a file front to back with dozens of READs under way, or nearly so (sshfs, paramiko), or anywhere. What
was fetched is one run of bytes; a READ near its end makes it go on, one elsewhere makes it begin anew.
"""

import asyncio
import os
import struct
from collections import deque
from datetime import datetime

from crossdock.core.errors import FileError
from crossdock.sftp import packets, status
from crossdock.sftp.exchange import MOST_SHARE, Exchange, ended
from crossdock.sftp.pipe import Chunk
from crossdock.sftp.source import Source

MAX_READ = (256 << 10) - 1024
"""Bytes in one answer, as OpenSSH has it: with its head it stays below what clients take for the largest packet."""
_FIRST_AHEAD = 64 << 10
_NEAR = 1 << 20
"""A READ that begins within so many bytes of where the last one ended belongs to the same run through the file."""
_SKIP = 256 << 10
"""So many unwanted bytes are rather fetched than that the file is opened anew behind them."""
CORES = len(os.sched_getaffinity(0))
_TURN = 1 << 20
"""So much of what is in memory is read before others have their turn."""
_BEHIND = 512 << 10
"""How much of what nobody has asked for stays behind, for READs that come out of order."""

_DATA = struct.Struct(">IBII")
_DATA_KIND = int(packets.Kind.DATA)

Wanted = tuple[int, int, int]
"""A READ that waits: its number, and from where to where."""


class _Run:
    """Fetched bytes from `start` up to `end`; `left` of them nobody has got yet, if none was asked for twice."""

    __slots__ = ("end", "left", "start", "view")

    def __init__(self, start: int, data: bytes | bytearray) -> None:
        self.start = start
        self.end = start + len(data)
        self.left = len(data)
        self.view = memoryview(data)


class ReadHandle:
    """`discard` ends it when the channel is gone, `close` when the client closes it.

    `ready` are the bytes, from the first on, that are here already.
    """

    __slots__ = (
        "_ahead",
        "_exchange",
        "_high",
        "_is_closing",
        "_next",
        "_runs",
        "_size",
        "_source",
        "_task",
        "_waiting",
        "path",
    )

    def __init__(self, path: str, source: Source, exchange: Exchange, *, ready: bytes = b"") -> None:
        self.path = path
        self._source = source
        self._exchange = exchange
        self._size = source.size
        self._runs: deque[_Run] = deque()  # without gaps between them
        self._high = len(ready)  # where they end
        if ready:
            self._runs.append(_Run(0, ready))
        self._next = 0  # where a client would go on that reads front to back
        self._ahead = 0
        self._waiting: deque[Wanted] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    @property
    def size(self) -> int:
        """Of the version that was opened, as `modified_at` is."""
        return self._size

    @property
    def modified_at(self) -> datetime:
        return self._source.modified_at

    def read(self, number: int, offset: int, size: int) -> None:
        """Answer with as many bytes as there are, EOF if none, now or later."""
        end = min(offset + min(size, MAX_READ), self._size)
        if offset >= end:
            self._exchange.send([packets.status(number, status.EOF.code, status.EOF.message)])
            return
        if -_NEAR <= offset - self._next <= _NEAR:
            if self._ahead < MOST_SHARE:
                self._ahead = self._ahead * 2 or _FIRST_AHEAD
            if end > self._next:
                self._next = end
        else:
            self._ahead = 0
            self._next = end
        if not self._waiting and self._has(offset, end):
            self._exchange.send(self._take(number, offset, end))
            if self._task is None and self._wanted():
                self._begin()
        else:
            self._waiting.append((number, offset, end))
            self._exchange.load.add_reads(1)
            if self._task is None:
                self._begin()

    async def close(self) -> None:
        """Answer what was asked before, then let go."""
        self._is_closing = True
        await ended(self._task)
        await self._source.close()

    async def discard(self, reason: str) -> None:
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await ended(self._task)
        self._exchange.load.add_reads(-len(self._waiting))
        self._waiting.clear()
        await self._source.close(interruption=reason)

    def _begin(self) -> None:
        task = self._exchange.start_now(self._fetch(), name="READ")
        self._task = None if task.done() else task

    async def _fetch(self) -> None:
        turn = 0
        try:
            while self._wanted():
                await self._exchange.drained()
                size = self._wanted()  # READs may have come meanwhile, and elsewhere
                if not size:
                    break
                asked = self._waiting[0][2] - self._high if self._waiting and not self._has_idle_core() else 0
                cached = await self._source.cached(self._high, min(asked, size)) if asked else None
                data = cached if cached is not None else await self._source.fetch(self._high, size)
                self._add(data)
                self._answer()
                if cached is not None:
                    self._ahead = 0  # they were in memory, and so will be the next
                    turn += len(cached)
                    if turn >= _TURN:
                        turn = 0
                        await asyncio.sleep(0)
        except FileError as error:
            self._fail(error)
        except ConnectionError:
            return  # the channel is gone, whose end discards this
        finally:
            self._task = None

    def _has_idle_core(self) -> bool:
        """Whether there is likely one for a thread that reads a large file ahead: fewer are open than there are cores.

        Otherwise that takes more of the processor than it saves this thread.
        """
        return self._size > MOST_SHARE and self._exchange.all_open_files() < CORES

    def _wanted(self) -> int:
        """How much to fetch at once, 0 for nothing."""
        share = self._exchange.share()
        ahead = 0 if self._is_closing else min(self._ahead, share)
        if self._waiting:
            _, offset, end = self._waiting[0]
            low = self._runs[0].start if self._runs else self._high
            if not low <= offset <= self._high + _SKIP:
                self._runs.clear()
                self._high = offset
            target = end + ahead
        else:
            target = self._next + ahead if ahead and self._high - self._next < ahead // 2 else 0
        return max(0, min(target, self._size, self._high + share) - self._high)

    def _add(self, data: bytes | bytearray) -> None:
        run = _Run(self._high, data)
        self._runs.append(run)
        self._high = run.end
        needed = self._waiting[0][1] if self._waiting else self._high
        while self._runs[0].end <= min(needed, self._high - _BEHIND):
            self._runs.popleft()

    def _answer(self) -> None:
        """Answer what waits and can be answered."""
        chunks: list[Chunk] = []
        later: deque[Wanted] = deque()
        for wanted in self._waiting:
            number, offset, end = wanted
            if self._has(offset, end):
                chunks += self._take(number, offset, end)
            else:
                later.append(wanted)
        answered = len(self._waiting) - len(later)
        self._waiting = later
        if answered:
            self._exchange.send(chunks)
            self._exchange.load.add_reads(-answered)

    def _has(self, offset: int, end: int) -> bool:
        return end <= self._high and bool(self._runs) and self._runs[0].start <= offset

    def _take(self, number: int, offset: int, end: int) -> list[Chunk]:
        """The answer to a READ whose bytes are all here."""
        size = end - offset
        self._source.sent(size)
        chunks: list[Chunk] = [_DATA.pack(9 + size, _DATA_KIND, number, size)]
        for run in self._runs:
            if run.end > offset:
                piece = run.view[offset - run.start : end - run.start]
                chunks.append(piece)
                run.left -= len(piece)
                offset += len(piece)
                if offset == end:
                    break
        while self._runs and self._runs[0].left <= 0:
            self._runs.popleft()
        return chunks

    def _fail(self, error: FileError) -> None:
        """Tell all that wait; whoever asks again gets another try."""
        told = status.status_of(error)
        waiting, self._waiting = self._waiting, deque()
        self._runs.clear()
        self._high, self._ahead = self._next, 0
        self._exchange.send([packets.status(number, told.code, told.message) for number, _, _ in waiting])
        self._exchange.load.add_reads(-len(waiting))
