"""One `sftp` subsystem: what a client asks of a session's files, from bytes to bytes."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crossdock.core.servers import InterruptedUploads
from crossdock.files.recorded import path_in_store
from crossdock.files.session import Session
from crossdock.files.session_log import Activity
from crossdock.files.unbroken import unbroken
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads
from crossdock.ports.host import Clock
from crossdock.sftp.dispatch import Dispatcher
from crossdock.sftp.exchange import Exchange, Load, ended
from crossdock.sftp.framing import Framer
from crossdock.sftp.handles import Handles, OpenFiles, of_this_process
from crossdock.sftp.outbox import Outbox
from crossdock.sftp.packets import MalformedPacket
from crossdock.sftp.pipe import Chunk, Pipe
from crossdock.sftp.requests import Desk

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the conversations of a server share.

    `pool` are the threads that read files. `allow_append` and `rename_directories` are FTP's settings of these names.
    `max_handles` are those that one conversation may hold open at once; `open_files` counts those of all.
    """

    pool: Threads
    tasks: TaskSupervisor
    clock: Clock
    allow_append: bool = False
    rename_directories: bool = False
    max_handles: int = 100
    open_files: OpenFiles = field(default_factory=of_this_process)


class SftpConversation:
    """See `pipe.Conversation`.

    Several conversations may share a session, as the channels of one connection do; none of them ends it. Who does,
    awaits `closed` of each first. `at_rest` is called when the last open file was closed or the last answer is about to
    be sent: only then `is_busy` ends.
    """

    def __init__(
        self, session: Session, pipe: Pipe, means: Means, *, at_rest: Callable[[], None] = lambda: None
    ) -> None:
        self._session = session
        self._pipe = pipe
        self._tasks = means.tasks
        self._time = asyncio.get_running_loop().time
        self._last_active = self._time()
        self._at_rest = at_rest
        self._load = Load(self._adjust, self._answered)
        self._handles = Handles(means.max_handles, means.open_files)
        exchange = Exchange(
            pool=means.pool,
            load=self._load,
            start=self._start,
            start_now=partial(self._start, at_once=True),
            send=self._send,
            drained=pipe.drained,
            open_files=lambda: self._handles.files,
            all_open_files=lambda: means.open_files.of_all,
        )
        self._dispatcher = Dispatcher(
            Desk(
                filesystem=session.filesystem,
                home=session.initial_directory,
                handles=self._handles,
                exchange=exchange,
                now=means.clock.now,
                allow_append=means.allow_append or session.server.interrupted_uploads is InterruptedUploads.RESUME,
                renames_directories=means.rename_directories,
                ignores_attributes=session.server.setstat_is_no_op,
                ignored=lambda path: session.log.done(Activity.SETSTAT, path_in_store(session.home, path)),
                max_handles=means.max_handles,
            )
        )
        self._framer = Framer(self._dispatcher)
        self._backlog = bytearray()  # what came while no further request could be begun
        self._outbox = Outbox(pipe, self._load, self._start)
        self._is_paused = False
        self._ending: asyncio.Task[None] | None = None

    @property
    def last_active(self) -> float:
        """When the client last sent something or was last sent something, in seconds of the loop's clock."""
        return self._last_active

    @property
    def is_busy(self) -> bool:
        """Whether a file is open or an answer is owed: what whoever drains should wait for."""
        return bool(self._handles.files) or self._load.is_answering

    @property
    def is_transferring(self) -> bool:
        """Whether a file is open for reading or writing."""
        return bool(self._handles.files)

    def received(self, data: memoryview) -> None:
        if self._ending is not None:
            return
        self._last_active = self._time()
        if self._backlog or self._framer.is_held:
            self._backlog += data
        else:
            count = self._digest(data)
            if count < len(data):
                self._backlog += data[count:]

    def ended(self) -> None:
        """What was asked is still answered; what is open is given up."""

        async def answer_the_rest() -> None:
            await self._load.answered()
            self._pipe.close()

        if self._ending is None:
            self._start(answer_the_rest(), name="sftp last answers")

    def lost(self, reason: str) -> None:
        self._end(reason)

    async def closed(self) -> None:
        """Wait, after `lost`, until commits under way have ended and everything else was discarded.

        A session's `disconnected` is to be called after this.
        """
        await ended(self._ending)

    def _digest(self, data: memoryview) -> int:
        """Take bytes, and send what can be answered at once in one go. Returns how many were taken."""
        self._outbox.is_held = True
        try:
            return self._framer.feed(data)
        except MalformedPacket as error:
            self._break(str(error))
            return len(data)
        finally:
            self._outbox.is_held = False
            self._outbox.flush()

    def _send(self, chunks: Sequence[Chunk]) -> None:
        if not self._outbox.is_held:
            self._last_active = self._time()
        self._outbox.send(chunks)

    def _answered(self) -> None:
        if not self._handles.files:
            self._at_rest()

    def _adjust(self) -> None:
        """Begin no more requests while too many are under way, and let the client send no more."""
        self._framer.is_held = self._load.is_full
        if self._load.is_heavy != self._is_paused:
            self._is_paused = self._load.is_heavy
            if self._is_paused:
                self._pipe.pause()
            else:
                self._pipe.resume()
        while self._backlog and not self._framer.is_held and not self._outbox.is_held and self._ending is None:
            with memoryview(self._backlog) as backlog:
                count = self._digest(backlog)
            del self._backlog[:count]

    def _start(self, work: Coroutine[Any, Any, None], *, name: str, at_once: bool = False) -> "asyncio.Task[None]":
        """A mistake of ours ends the session: its client would wait for an answer for ever."""

        def look_at(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and task.exception() is not None:
                self._break("a request failed unexpectedly")

        task = (self._tasks.start_now if at_once else self._tasks.start)(work, name=name)
        if not task.done() or task.cancelled() or task.exception() is not None:
            task.add_done_callback(look_at)  # a turn later at the earliest: requests are being read
        return task

    def _break(self, reason: str) -> None:
        _log.warning("an SFTP session is ended", extra={"session": self._session.session_id, "reason": reason})
        self._outbox.flush()
        self._pipe.close()
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._ending is None:
            self._ending = self._tasks.start(unbroken(self._dispatcher.end(reason)), name="sftp end")
