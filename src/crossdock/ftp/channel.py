"""What is said on a control connection, in both directions, in the clear or under TLS."""

import asyncio

from crossdock.ftp.control_tls import ControlTls
from crossdock.ftp.lines import LineBuffer, TooLong
from crossdock.ftp.outbox import Outbox
from crossdock.ftp.tls import TlsFailed, TlsTruncated


class ControlChannel:
    """Reads lines from a transport and writes to it; `outbox` is the sending side."""

    def __init__(self, transport: asyncio.Transport, *, unread_timeout_s: float) -> None:
        self._transport = transport
        self.outbox = Outbox(transport, unread_timeout_s=unread_timeout_s)
        self._lines = LineBuffer()
        self._tls: ControlTls | None = None
        self._expects_tls = False
        self._early = b""
        self._is_closed = False

    @property
    def is_for_tls(self) -> bool:
        """Whether TLS was asked for: nothing more is read in the clear."""
        return self._expects_tls

    @property
    def is_securing(self) -> bool:
        """Whether TLS was asked for and does not protect anything yet."""
        return self._expects_tls and (self._tls is None or not self._tls.is_established)

    @property
    def has_ended(self) -> bool:
        """Whether the client has said, under TLS, that it says nothing more."""
        return self._tls is not None and self._tls.has_ended

    def receive(self, data: bytes) -> None:
        """Raises TlsFailed; the client has been told why then."""
        if self._tls is not None:
            self._take(self._tls, data)
        elif self._expects_tls:
            self._early += data  # the beginning of a ClientHello, which came together with a load balancer's header
        else:
            self._lines.feed(data)

    def _take(self, tls: ControlTls, data: bytes) -> None:
        try:
            self._lines.feed(tls.receive(data))
        except TlsTruncated as error:
            raise TlsFailed(str(error)) from error
        finally:
            self.outbox.send_handshake()

    def next_line(self) -> bytes | TooLong | None:
        return self._lines.next_line()

    def read_on(self, *, is_wanted: bool) -> None:
        """Let the transport read, or not. A handshake is read whatever is wanted, as soon as TLS is there for it."""
        if self._tls is not None if self.is_securing else is_wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def expect_tls(self) -> bool:
        """Read nothing more in the clear; False when something is there that was not asked for: an injection, perhaps
        (RFC 4217 §15.2)."""
        self._expects_tls = True
        self.outbox.expect_tls()
        self._transport.pause_reading()
        return not len(self._lines)

    def closed(self) -> None:
        """The connection is gone: nobody waits for anything any more."""
        self._is_closed = True
        self.outbox.closed()
        if self._tls is not None:
            self._tls.settled.set()

    # What activities need of the control connection.

    def is_alive(self) -> bool:
        """Whether the client has neither closed it nor its half of it."""
        return not self.has_ended and self.outbox.is_alive()

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow to read."""
        await self.outbox.write(data)

    async def secured(self, tls: ControlTls) -> None:
        """Speak TLS from now on; returns when the handshake is done, or the connection gone.

        Raises TlsFailed when what has come already is no TLS.
        """
        if self._is_closed:
            return
        self._tls = tls
        self.outbox.secure(tls)
        if self._early:
            self._take(tls, self._early)
        self._transport.resume_reading()
        await tls.settled.wait()
