"""A control connection: asyncio's events become the conversation's, the conversation's effects become action."""

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

from crossdock.ftp import replies
from crossdock.ftp.activities import Activities, Peer, Surroundings, Work
from crossdock.ftp.addresses import NO_ADDRESS, is_ipv6, normal_address
from crossdock.ftp.control import Conversation
from crossdock.ftp.idle import IdleWatch
from crossdock.ftp.lines import LineBuffer, TooLong
from crossdock.ftp.outbox import Outbox
from crossdock.ftp.replies import Reply
from crossdock.ftp.words import (
    AbortTransfer,
    AskFile,
    CheckLogin,
    CloseControl,
    ClosePassive,
    Connected,
    Effect,
    Event,
    IdleExpired,
    LineReceived,
    LineTooLong,
    OpenPassive,
    PeerClosed,
    SendReply,
    SendText,
    StartTransfer,
)

_log = logging.getLogger(__name__)

KERNEL_BUFFER_BYTES = 64 << 10
"""What the kernel may hold of one control connection in each direction, lest ten thousand clients that do not read
take megabytes each."""
LINES_PER_TURN = 64
"""Lines that are obeyed before other connections have their turn."""


class ControlConnection(asyncio.Protocol):
    """One client.

    `enter` refuses this connection from an address with a reply, or lets it stay; `left` is called once, when
    everything is over: the connection closed and every transfer committed or discarded.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        enter: Callable[["ControlConnection", str], Reply | None],
        left: Callable[["ControlConnection"], None],
    ) -> None:
        self._surroundings = surroundings
        self._enter = enter
        self._left = left
        self._lines = LineBuffer()
        self._is_busy = False
        self._is_pump_due = False
        self._is_lost = False
        self._reason = ""

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._outbox = Outbox(self._transport, unread_timeout_s=self._surroundings.unread_timeout_s)
        self._peer = _meet(self._transport, self._surroundings.passive.newcomer())
        server = self._surroundings.server
        self._conversation = Conversation(
            is_ipv6=is_ipv6(self._peer.local_address),
            login_attempts=self._surroundings.login.attempts_per_connection,
            pre_login_banner=server.pre_login_banner,
            post_login_banner=server.post_login_banner,
        )
        self._activities = Activities(self._surroundings, self._peer, self._outbox)
        limit = partial(_idle_limit, self._conversation, self._surroundings)
        self._idle = IdleWatch(limit, lambda: self.tell(IdleExpired()))
        refusal = self._enter(self, self._peer.address)
        if refusal is None:
            self.tell(Connected())
        else:
            self._hang_up(refusal)

    def data_received(self, data: bytes) -> None:
        if not self._conversation.is_over:
            self._lines.feed(data)
            self._pump()

    def eof_received(self) -> None:
        self.tell(PeerClosed())

    def connection_lost(self, error: Exception | None) -> None:
        self._is_lost = True
        self._reason = self._reason or ("" if error is None else str(error))
        self.tell(PeerClosed())
        self._outbox.closed()
        self._idle.stop()
        self._leave_if_over()

    def pause_writing(self) -> None:
        self._outbox.filled()

    def resume_writing(self) -> None:
        self._outbox.emptied()
        self._pump()

    # What the listener calls.

    def tell(self, event: Event) -> None:
        """Something happened, here or (Draining) to the server."""
        try:
            for effect in self._conversation.handle(event):
                self._perform(effect)
        except Exception as error:
            self._fail(error)

    def cut(self) -> None:
        """Close now; a transfer that is not yet being committed is lost."""
        self._reason = "the server was stopped"
        self._activities.abort_transfer()
        self._transport.abort()

    # From lines to events, from effects to action.

    def _pump(self) -> None:
        """Hand over the lines that can be taken now; read no further while some cannot."""
        self._is_pump_due = False
        for _ in range(LINES_PER_TURN):
            if not (self._conversation.is_accepting and self._outbox.has_room):
                break
            line = self._lines.next_line()
            if line is None:
                break
            if self._conversation.is_admitted:
                self._idle.heard()
            self.tell(LineTooLong() if isinstance(line, TooLong) else LineReceived(line))
        else:
            self._is_pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)
        is_behind = self._is_pump_due or not (self._conversation.is_accepting and self._outbox.has_room)
        if is_behind and not self._conversation.is_over:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case SendReply(reply):
                self._outbox.send(reply.encode())
            case SendText(text):
                self._outbox.send(text)
            case CheckLogin() | OpenPassive() | AskFile() | StartTransfer():
                work = self._activities.begin(effect, self.tell)
                self._is_busy = True
                self._surroundings.tasks.start(self._carry_out(work), name=f"ftp {self._peer.number}")
            case AbortTransfer():
                self._activities.abort_transfer()
            case ClosePassive():
                self._activities.close_passive()
            case CloseControl(reason):
                self._reason = self._reason or reason
                self._outbox.finish()

    async def _carry_out(self, work: Work) -> None:
        """The task of one activity, and its boundary: whatever goes wrong in it ends this connection, no other."""
        event: Event | None = None
        try:
            event = await work()
        except Exception as error:
            self._fail(error)
        finally:
            self._is_busy = False
            self._leave_if_over()
        if event is not None:
            self._idle.heard()
            self.tell(event)
            self._pump()

    def _fail(self, error: Exception) -> None:
        _log.error(
            "ftp connection failed",
            exc_info=error,
            extra={
                "server_id": self._surroundings.server.server_id,
                "session_id": self._activities.session_id,
                "source_ip": self._peer.address,
            },
        )
        self._reason = "internal error"
        self._activities.abort_transfer()
        self._hang_up(replies.INTERNAL_ERROR)

    def _hang_up(self, farewell: Reply) -> None:
        """End the conversation over its head."""
        self._conversation.handle(PeerClosed())
        self._outbox.send(farewell.encode())
        self._outbox.finish()

    def _leave_if_over(self) -> None:
        if self._is_lost and not self._is_busy:
            self._activities.end(self._reason)
            self._left(self)


def _idle_limit(conversation: Conversation, surroundings: Surroundings) -> float:
    """A stranger's time runs from the greeting or the last failed login, whatever else it says."""
    is_admitted = conversation.is_admitted
    return surroundings.ftp.idle_timeout_s if is_admitted else surroundings.login.pre_login_timeout_s


def _meet(transport: asyncio.Transport, number: int) -> Peer:
    """Set the socket up and say who is at its ends; a client that is gone already has no address."""
    connection: socket.socket = transport.get_extra_info("socket")
    # Telnet's Synch (RFC 854) travels as urgent data; in line, its bytes are where the client put them.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER_BYTES)
    peer, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    return Peer(
        number=number,
        address=normal_address(peer[0]) if peer else NO_ADDRESS,
        local_address=normal_address(local[0]) if local else NO_ADDRESS,
    )
