"""The pipe of a conversation by asyncssh's own means."""

import asyncio
from collections.abc import Sequence

import asyncssh

from crossdock.sftp.pipe import Chunk

HIGH_WATER = 1 << 20
"""Bytes that may wait in a channel before `drained` waits."""
LOW_WATER = 256 << 10


class PlainPipe:
    """See `pipe.Pipe`. The channel's session says when channel and socket are full, and when the channel is `lost`.

    Both count: what the client's window takes leaves the channel, and waits for the socket if the client does not read.
    """

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], *, socket_is_full: bool = False) -> None:
        self._chan = chan
        self._is_over = False
        self._channel_is_full = False
        self._socket_is_full = socket_is_full
        self._has_room = asyncio.Event()
        self._is_lost = False
        self._look()
        chan.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)

    def send(self, chunks: Sequence[Chunk]) -> None:
        # A client that has closed its channel wants no more answers.
        if not self._is_over and not self._chan.is_closing():
            self._chan.write(b"".join(chunks))

    async def drained(self) -> None:
        await self._has_room.wait()
        if self._is_lost:
            raise ConnectionError("the SSH channel is closed")

    def pause(self) -> None:
        if not self._is_lost:
            self._chan.pause_reading()

    def resume(self) -> None:
        if not self._is_lost:
            self._chan.resume_reading()

    def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            if not self._chan.is_closing():
                self._chan.exit(0)

    def channel_is_full(self, is_so: bool) -> None:
        self._channel_is_full = is_so
        self._look()

    def socket_is_full(self, is_so: bool) -> None:
        self._socket_is_full = is_so
        self._look()

    def lost(self) -> None:
        """The channel is gone."""
        self._is_over = self._is_lost = True
        self._look()

    def _look(self) -> None:
        if self._is_lost or not (self._channel_is_full or self._socket_is_full):
            self._has_room.set()
        else:
            self._has_room.clear()
