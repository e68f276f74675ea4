"""The pipe of a conversation on the fast path: its queue, and what its channel may still send and receive."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from asyncssh.channel import SSHServerChannel

from crossdock.sftp.pipe import Chunk, Conversation

_LITTLE = 256 << 10
"""Bytes in the queue with which `drained` is content: one write's worth."""
_WHILE_OPEN = frozenset({"open", "eof_pending", "eof"})


class Carrier(Protocol):
    """The connection, as its pipes meet it."""

    def flush(self) -> None:
        """Send what waits in the pipes, now or as soon as possible."""

    def forget(self, pipe: "FastPipe") -> None:
        """It is at its end."""


class FastPipe:
    """See `pipe.Pipe`. States, windows and the end of the channel stay asyncssh's: this reads and writes them there.

    The channel's session must pass on to the conversation whatever asyncssh still brings it (`data_received` before
    `attach`, `eof_received`), and call `lost` when it hears `connection_lost`. `grant` is how much more the client may
    send, which it is told together with what is sent next.
    """

    __slots__ = (
        "_carrier",
        "_conversation",
        "_is_closing",
        "_is_lost",
        "_is_paused",
        "_waiting",
        "chan",
        "grant",
        "number",
        "queue",
        "queued",
    )

    def __init__(self, chan: SSHServerChannel[Any], carrier: Carrier) -> None:
        assert chan._recv_chan is not None  # it is open
        self.chan = chan
        self.number = chan._recv_chan
        self.queue: deque[Chunk] = deque()
        self.queued = 0
        self.grant = 0
        self._carrier = carrier
        self._conversation: Conversation | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False

    def attach(self, conversation: Conversation) -> None:
        """From now on the client's bytes go straight to `conversation`."""
        self._conversation = conversation

    def send(self, chunks: Sequence[Chunk]) -> None:
        if self._is_closing or self._is_lost:
            return
        for chunk in chunks:
            if size := len(chunk):
                self.queue.append(chunk)
                self.queued += size
        self._carrier.flush()

    async def drained(self) -> None:
        while not self._is_lost and self.queued > _LITTLE:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        if self._is_lost:
            raise ConnectionError("the SSH channel is closed")

    def pause(self) -> None:
        """The client is told of no more room, so that it stops at the end of its window."""
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False
        self._offer_room()
        self._carrier.flush()

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._carrier.flush()

    def lost(self) -> None:
        """The channel is gone."""
        self._is_lost = True
        self._drop()
        self._carrier.forget(self)

    @property
    def can_send(self) -> bool:
        """Whether something waits and the client has room for it."""
        return self.grant > 0 or (self.queued > 0 and self.chan._send_window > 0)

    def settle(self) -> None:
        """After something was sent: let go on who waits for that, and end what is to end."""
        if self.queued and self.chan._send_state != "open":
            self._drop()  # the client has closed the channel: it wants no more answers
        if self.queued <= _LITTLE and self._waiting:
            self._wake()
        if self._is_closing and not self.queued and not self._is_lost:
            self.chan.exit(0)

    def receive(self, data: memoryview) -> bool:
        """Take a client's bytes. False, and nothing is done, if asyncssh has something to say or to do first."""
        chan = self.chan
        size = len(data)
        if (
            self._conversation is None
            or chan._recv_paused
            or chan._recv_state != "open"
            or chan._send_state != "open"
            or not 0 < size <= chan._recv_window
        ):
            return False
        chan._recv_window -= size
        self._conversation.received(data)
        self._offer_room()
        return True

    def widen(self, amount: int) -> bool:
        """The client has more room for answers. False as with `receive`."""
        chan = self.chan
        if chan._recv_state not in _WHILE_OPEN or chan._send_buf or chan._send_state != "open":
            return False
        chan._send_window += amount
        return True

    def _offer_room(self) -> None:
        """Seldom: a message for each packet would cost more than the packet."""
        chan = self.chan
        whole = chan._init_recv_window
        if chan._recv_window < whole // 2 and not self._is_paused and chan._recv_state == "open":
            self.grant += whole - chan._recv_window
            chan._recv_window = whole

    def _drop(self) -> None:
        self.queue.clear()
        self.queued = 0
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
