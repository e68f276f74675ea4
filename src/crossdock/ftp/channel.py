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
        self._handshake = b""
        self._has_news = asyncio.Event()
        self._is_closed = False
        self._has_eof = False

    @property
    def is_for_tls(self) -> bool:
        """Whether TLS was asked for: nothing more is read in the clear."""
        return self.outbox.is_for_tls

    @property
    def is_securing(self) -> bool:
        """Whether TLS was asked for and does not protect anything yet."""
        return self.is_for_tls and (self._tls is None or not self._tls.is_established)

    @property
    def has_ended(self) -> bool:
        """Whether the client has said, in TLS or by closing its side of the connection, that it says nothing more."""
        return self._has_eof or (self._tls is not None and self._tls.has_ended)

    def ended(self) -> None:
        """The client has closed its side of the connection."""
        self._has_eof = self.outbox.is_last = True

    def receive(self, data: bytes) -> None:
        """Raises TlsFailed; the client has been told why then."""
        if self.is_securing:
            # Also the beginning of a ClientHello that came together with a load balancer's header.
            self._handshake += data
            self._transport.pause_reading()
            self._has_news.set()
        elif self._tls is not None:
            self._take(self._tls, data)
        else:
            self._lines.feed(data)

    def _take(self, tls: ControlTls, data: bytes) -> None:
        try:
            self._lines.feed(tls.receive(data))
        except TlsTruncated as error:
            raise TlsFailed(str(error)) from error
        finally:
            self.outbox.send_records(tls.take())

    def next_line(self) -> bytes | TooLong | None:
        return self._lines.next_line()

    def read_on(self, *, is_wanted: bool) -> None:
        """Let the transport read, or not; a handshake is read as `secured` goes on with it, whatever is wanted."""
        if self.is_securing or self._has_eof:
            return
        if is_wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def expect_tls(self) -> bool:
        """Read nothing more in the clear; False when something is there that was not asked for: an injection, perhaps
        (RFC 4217 §15.2)."""
        self.outbox.expect_tls()
        self._transport.pause_reading()
        return self._lines.is_empty

    def closed(self) -> None:
        """The connection is gone: nobody waits for anything any more."""
        self._is_closed = True
        self.outbox.closed()
        self._has_news.set()

    # What activities need of the control connection.

    def is_alive(self) -> bool:
        """Whether the client has neither closed it nor its half of it."""
        return not self.has_ended and self.outbox.is_alive()

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow to read."""
        await self.outbox.write(data)

    async def secured(self, tls: ControlTls) -> None:
        """Speak TLS from now on; returns when the handshake is done, or the connection gone.

        Raises TlsFailed; the client has been told why then.
        """
        self._tls = tls
        while not (self._is_closed or tls.is_established):
            if not self._handshake:
                self._has_news.clear()
                self._transport.resume_reading()
                await self._has_news.wait()
                continue
            said, self._handshake = self._handshake, b""
            try:
                await tls.shake_hands(said)
            finally:
                self.outbox.send_records(tls.take())
        if not self._is_closed:
            self.outbox.secure(tls)
            self._take(tls, b"")
