"""A control connection as asyncio meets it: what the transport tells, told on to the session."""

import asyncio
import errno
import logging
import os
import socket
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from crossdock.core.networks import normal_address
from crossdock.core.proxy_protocol import BadProxyHeader, NeedMore, parse_proxy_header
from crossdock.files.limits import Admittance
from crossdock.ftp.activities import Hosts, Peer, Surroundings
from crossdock.ftp.addresses import NO_ADDRESS
from crossdock.ftp.channel import ControlChannel
from crossdock.ftp.control_session import ControlSession
from crossdock.ftp.passive import PassivePorts
from crossdock.ftp.replies import Reply
from crossdock.ftp.tls import TlsFailed
from crossdock.operations.listening import Lobby

_log = logging.getLogger(__name__)

KERNEL_BUFFER_BYTES = 64 << 10
"""What the kernel may hold of one control connection in each direction, lest ten thousand clients that do not read
take megabytes each."""


class Door(Hosts, Protocol):
    """An open control port, as a connection meets it."""

    @property
    def unread_timeout_s(self) -> float:
        """How long a client may leave so many replies unread that no more can be sent."""

    @property
    def passive(self) -> PassivePorts: ...

    @property
    def lobby(self) -> Lobby:
        """Where a connection is while it owes its header."""

    def header_timeout_s(self, address: str) -> float | None:
        """How long a connection of this address has for its PROXY protocol header; None when it has none to send."""

    def let_wait(self, address: str, transport: asyncio.Transport) -> bool:
        """Take a load balancer's connection into the lobby, or close it."""

    def receive(self, address: str) -> tuple[Surroundings, Admittance] | Reply | None:
        """The server that a client of this address meets first, and its being counted.

        A reply when there is no room for it; None when no server here lets it in.
        """

    def enter(self, session: ControlSession, admittance: Admittance) -> None:
        """It is here until it leaves."""

    def leave(self, session: ControlSession) -> None:
        """Count it no longer."""


@dataclass(slots=True, kw_only=True)
class _HeaderWait:
    """What has come of a load balancer's header; `peer` is the balancer."""

    peer: Peer
    timer: asyncio.TimerHandle
    seen: bytearray = field(default_factory=bytearray)


class ControlConnection(asyncio.Protocol):
    """One client."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._session: ControlSession | None = None
        self._header: _HeaderWait | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._channel = ControlChannel(self._transport, unread_timeout_s=self._door.unread_timeout_s)
        peer = _meet(self._transport, self._door.passive.newcomer())
        timeout_s = self._door.header_timeout_s(peer.address)
        if timeout_s is None:
            self._begin(peer)
        elif self._door.let_wait(peer.address, self._transport):
            timer = asyncio.get_running_loop().call_later(timeout_s, self._transport.abort)
            self._header = _HeaderWait(peer=peer, timer=timer)

    def data_received(self, data: bytes) -> None:
        if self._header is not None:
            data = self._behind_header(self._header, data)
        session = self._session
        if session is None or session.is_over:
            return
        try:
            self._channel.receive(data)
        except TlsFailed as error:
            session.cut(f"TLS failed: {error}")
            return
        session.pump()

    def eof_received(self) -> bool:
        """True keeps our side open, until everything is answered that the client said before."""
        if self._session is None or self._session.is_over:
            return False
        self._channel.ended()
        self._session.pump()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._channel.closed()
        self._door.lobby.leave(self._transport)
        if self._header is not None:
            self._header.timer.cancel()
        if isinstance(error, BrokenPipeError):
            # Linux says so of a reset that follows an orderly end, of any other ECONNRESET: that end was not read yet.
            self._channel.ended()
        if self._session is not None:
            self._session.lost("" if error is None else _in_words(error))

    def pause_writing(self) -> None:
        self._channel.outbox.filled()

    def resume_writing(self) -> None:
        self._channel.outbox.emptied()
        if self._session is not None:
            self._session.pump()

    def _behind_header(self, wait: "_HeaderWait", data: bytes) -> bytes:
        """Take the load balancer's header; what is behind it is the client's."""
        wait.seen += data
        try:
            header = parse_proxy_header(bytes(wait.seen))
        except BadProxyHeader as error:
            _log.warning("a load balancer's connection is refused", extra={"reason": str(error)})
            self._transport.abort()
            return b""
        if isinstance(header, NeedMore):
            return b""
        self._header = None
        wait.timer.cancel()
        self._door.lobby.leave(self._transport)
        peer = wait.peer
        if header.source is not None and header.destination is not None:
            peer = replace(peer, address=header.source.host, local_address=header.destination.host)
        self._begin(peer)
        return bytes(wait.seen[header.size :])

    def _begin(self, peer: Peer) -> None:
        received = self._door.receive(peer.address)
        if received is None:
            # As a firewall would: whoever may not come here learns nothing.
            self._transport.abort()
            return
        if isinstance(received, Reply):
            # One of many, perhaps: nobody waits for it to read this, as is done for those who were let in.
            if not self._door.is_implicit:
                self._transport.write(received.encode())
            self._transport.close()
            return
        surroundings, admittance = received
        session = ControlSession(
            surroundings,
            self._door,
            self._channel,
            peer,
            cut_off=self._transport.abort,
            left=lambda: self._door.leave(session),
        )
        self._session = session
        self._door.enter(session, admittance)
        session.begin()


_WORDS = {
    errno.ECONNRESET: "the client reset the connection",
    errno.ETIMEDOUT: "the client does not answer any more",
}


def _in_words(error: Exception) -> str:
    """For the server's log, whose readers know no numbers of errors."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    return _WORDS.get(error.errno) or f"the connection broke: {os.strerror(error.errno)}"


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
