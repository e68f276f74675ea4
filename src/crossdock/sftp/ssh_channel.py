"""The channels of a connection: the `sftp` subsystem and nothing else."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncssh

from crossdock.files.session import Session
from crossdock.files.unbroken import unbroken
from crossdock.sftp.conversation import Means, SftpConversation
from crossdock.sftp.handles import OpenFiles
from crossdock.sftp.ssh_pipe import PlainPipe

if TYPE_CHECKING:  # it imports names that another asyncssh may lack: see `fast_reliance`
    from crossdock.sftp.fast_path import FastPath
    from crossdock.sftp.fast_pipe import FastPipe

SUBSYSTEM = "sftp"
MOST_OPEN = 2
"""So many times what one channel may have open, all of a connection may together."""
CLOSED = "the channel was closed"
"""Why a file that is still open then does not come to its end: a client that dies may close its channel in order."""


class SftpChannel(asyncssh.SSHServerSession[bytes]):
    """Shells, commands, terminals and other subsystems are refused, which is what asyncssh does with what is not
    overridden here. `ended` is called once, when the channel is gone."""

    def __init__(
        self,
        session: Session,
        means: Means,
        *,
        path: Callable[[], "FastPath | None"],
        socket_is_full: bool,
        at_rest: Callable[[], None],
        ended: Callable[["SftpChannel"], None],
    ) -> None:
        self._session = session
        self._path = path
        self._socket_is_full = socket_is_full
        self._means = means
        self._at_rest = at_rest
        self._ended = ended
        self._pipe: PlainPipe | FastPipe | None = None
        self.conversation: SftpConversation | None = None
        """None until the client has asked for the subsystem."""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._chan = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == SUBSYSTEM

    def session_started(self) -> None:
        path = self._path()
        if path is None:
            self._pipe = PlainPipe(self._chan, socket_is_full=self._socket_is_full)
            self.conversation = SftpConversation(self._session, self._pipe, self._means, at_rest=self._at_rest)
        else:
            self._pipe = pipe = path.pipe(self._chan)
            self.conversation = SftpConversation(self._session, pipe, self._means, at_rest=self._at_rest)
            pipe.attach(self.conversation)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.conversation is not None:
            self.conversation.received(memoryview(data))

    def eof_received(self) -> bool:
        """True: answers that are owed are still sent, and the conversation closes the channel."""
        if self.conversation is not None:
            self.conversation.ended()
        return self.conversation is not None

    def pause_writing(self) -> None:
        if isinstance(self._pipe, PlainPipe):
            self._pipe.channel_is_full(True)

    def resume_writing(self) -> None:
        if isinstance(self._pipe, PlainPipe):
            self._pipe.channel_is_full(False)

    def socket_is_full(self, is_so: bool) -> None:
        self._socket_is_full = is_so
        if isinstance(self._pipe, PlainPipe):
            self._pipe.socket_is_full(is_so)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pipe is not None:
            self._pipe.lost()
        if self.conversation is not None:
            self.conversation.lost(CLOSED if exc is None else str(exc) or type(exc).__name__)
        self._ended(self)


class Channels:
    """All of one connection, which share the user's session. `path` is the connection's fast path, if it has one.

    `at_rest` is called whenever one of them may have been the last that was busy.
    """

    def __init__(self, means: Means, path: Callable[[], "FastPath | None"], *, at_rest: Callable[[], None]) -> None:
        open_files = OpenFiles(MOST_OPEN * means.max_handles, above=means.open_files)
        self._means = replace(means, open_files=open_files)
        self._at_rest = at_rest
        self._path = path
        self._time = asyncio.get_running_loop().time
        self._here: set[SftpChannel] = set()
        self._last_end = self._time()
        self._socket_is_full = False

    def __len__(self) -> int:
        """Those that were not closed, and those whose uploads are still being committed or discarded."""
        return len(self._here)

    def add(self, session: Session) -> SftpChannel:
        channel = SftpChannel(
            session,
            self._means,
            path=self._path,
            socket_is_full=self._socket_is_full,
            at_rest=self._at_rest,
            ended=self._ended,
        )
        self._here.add(channel)
        return channel

    @property
    def is_busy(self) -> bool:
        """Whether a file is open anywhere, or an answer owed."""
        return any(one.conversation.is_busy for one in self._here if one.conversation is not None)

    @property
    def last_active(self) -> float:
        """When something was last sent in either direction, or a channel ended, by the loop's clock."""
        return max([self._last_end, *(one.conversation.last_active for one in self._here if one.conversation)])

    def socket_is_full(self, is_so: bool) -> None:
        self._socket_is_full = is_so
        for channel in self._here:
            channel.socket_is_full(is_so)

    def end(self) -> None:
        """Close each behind its last answer. For channels in which nothing is under way."""
        for channel in self._here:
            if channel.conversation is not None:
                channel.conversation.ended()

    async def closed(self) -> None:
        """Wait, when the connection is lost, until nothing is under way any more."""
        for channel in list(self._here):
            await self._forget(channel)

    def _ended(self, channel: SftpChannel) -> None:
        self._last_end = self._time()
        self._means.tasks.start(unbroken(self._forget(channel)), name="sftp channel end")

    async def _forget(self, channel: SftpChannel) -> None:
        if channel.conversation is not None:
            await channel.conversation.closed()
        self._here.discard(channel)
        self._at_rest()
