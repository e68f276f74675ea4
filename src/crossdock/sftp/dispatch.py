"""Where packets go: READ and WRITE to the open file, the rest to the tables of requests."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from crossdock.core.errors import FileError
from crossdock.sftp import packets, status
from crossdock.sftp.framing import Take
from crossdock.sftp.packets import Kind, MalformedPacket, read_request
from crossdock.sftp.pipe import Chunk
from crossdock.sftp.requests import AT_ONCE, IN_TURN, Desk, Later, does_change, paths_of, say
from crossdock.sftp.status import Refused, Status, status_of
from crossdock.sftp.turns import Turn, Turns
from crossdock.sftp.writing import WriteHandle

_ID = packets.STATUS_HEAD
_TAKEN_TAIL = packets.status(0, status.OK.code, status.OK.message)[_ID.size :]
_TAKEN_LENGTH = _ID.size - 4 + len(_TAKEN_TAIL)
_STATUS = int(Kind.STATUS)


class Dispatcher:
    """See `framing.PacketSink`. `end` is for when the channel is gone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._send: Callable[[Sequence[Chunk]], None] = desk.exchange.send
        self._readers = desk.handles.readers
        self._writers = desk.handles.writers
        self._turns = Turns()
        self._requests: set[asyncio.Task[None]] = set()
        self._has_begun = False
        self._writing: tuple[int, WriteHandle | None] = (0, None)

    def read(self, number: int, handle: int, offset: int, size: int) -> None:
        if (reader := self._readers.get(handle)) is not None:
            reader.read(number, offset, size)
        else:
            self._say(number, status.NOT_READABLE if handle in self._writers else status.UNKNOWN_HANDLE)

    def begin_write(self, number: int, handle: int, offset: int, size: int) -> Take | None:
        writer = self._writers.get(handle)
        self._writing = (number, writer)
        if writer is not None:
            return writer.begin_write(offset, size)
        self._say(number, status.NOT_WRITABLE if handle in self._readers else status.UNKNOWN_HANDLE)
        return None

    def end_write(self) -> None:
        number, writer = self._writing
        if writer is None:
            return
        if writer.failure is None:
            writer.end_write()
        if writer.failure is None:
            self._send([_ID.pack(_TAKEN_LENGTH, _STATUS, number, 0) + _TAKEN_TAIL])
        else:
            self._say(number, status_of(writer.failure))

    def packet(self, kind: int, body: bytes) -> None:
        if kind == Kind.INIT:
            self._has_begun = True
            self._send([packets.version()])
            return
        if not self._has_begun:
            raise MalformedPacket("a request before SSH_FXP_INIT")
        number, request = read_request(kind, body)
        try:
            if (at_once := AT_ONCE.get(request.action)) is not None:
                self._send([at_once(self._desk, number, request)])
                return
            paths, changes = paths_of(self._desk, request), does_change(request)
            later = IN_TURN[request.action].begin(self._desk, number, request)
        except Refused as refusal:
            self._say(number, refusal.status)
            return
        turn = self._turns.enter(paths, changes=changes)
        exchange = self._desk.exchange
        exchange.load.add_request(1)
        task = exchange.start_now(self._answer(number, turn, later), name=request.action.name)
        if not task.done():
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    def end(self, reason: str) -> Coroutine[None, None, None]:
        """Let commits that are under way come to their end, and give up everything else: what is returned waits for it.

        No commit begins after this call.
        """
        for request in self._requests:
            request.cancel()
        return self._ended(reason)

    async def _ended(self, reason: str) -> None:
        if self._requests:
            await asyncio.wait(list(self._requests))
        for handle in self._desk.handles.take_all():
            await handle.discard(reason)

    async def _answer(self, number: int, turn: Turn, later: Later) -> None:
        try:
            await turn.come()
            answer = await later()
        except (FileError, Refused) as error:
            told = status_of(error)
            answer = say(number, told)
        finally:
            turn.leave()
            self._desk.exchange.load.add_request(-1)
        self._send([answer])

    def _say(self, number: int, told: Status) -> None:
        self._send([say(number, told)])
