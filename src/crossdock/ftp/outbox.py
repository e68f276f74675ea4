"""The sending side of a control connection: bounded, and closed so that the last reply still arrives."""

import asyncio
import socket
import struct

from crossdock.ftp.control_tls import ControlTls
from crossdock.ftp.tls import TlsFailed

BUFFER_BYTES = 64 << 10
LINGER_S = 5.0
_ESTABLISHED = 1
"""The first byte of Linux's `tcp_info` (`TCP_ESTABLISHED` of net/tcp_states.h)."""


class Outbox:
    """Writes to a transport.

    A client that leaves its replies unread for `unread_timeout_s` is cut off. `has_room` is False while too much is
    unread; whoever can wait does so in `write`. `is_for_tls` when TLS was asked for: nothing more is said in the clear.
    `is_last`: the other side has closed its half already.
    """

    def __init__(self, transport: asyncio.Transport, *, unread_timeout_s: float) -> None:
        self._transport = transport
        self._unread_timeout_s = unread_timeout_s
        self._room = asyncio.Event()
        self._room.set()
        self._unread: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self.is_for_tls = False
        self.is_last = False
        self._tls: ControlTls | None = None
        transport.set_write_buffer_limits(high=BUFFER_BYTES)

    @property
    def has_room(self) -> bool:
        return self._room.is_set()

    def is_alive(self) -> bool:
        """Whether the other side has closed neither the connection nor its half of it, whatever is still unread."""
        connection: socket.socket | None = self._transport.get_extra_info("socket")
        if self._transport.is_closing() or connection is None:
            return False
        try:
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        except OSError:
            return False
        (state,) = struct.unpack("B", info)
        return bool(state == _ESTABLISHED)

    def expect_tls(self) -> None:
        """Say nothing more in the clear: the other side would take it for TLS."""
        self.is_for_tls = True

    def secure(self, tls: ControlTls) -> None:
        """Everything from now on travels under TLS, which is established."""
        self._tls = tls

    def send(self, data: bytes) -> None:
        if self._linger is not None or self._transport.is_closing():
            return
        if self._tls is not None:
            try:
                self._transport.write(self._tls.protect(data))
            except TlsFailed:
                self._transport.abort()  # nothing can be said any more
        elif not self.is_for_tls:
            self._transport.write(data)

    def send_records(self, records: bytes) -> None:
        """What TLS itself has to say."""
        if records and self._linger is None and not self._transport.is_closing():
            self._transport.write(records)

    async def write(self, data: bytes) -> None:
        """Send, then wait until there is room for more."""
        self.send(data)
        await self._room.wait()

    def filled(self) -> None:
        """The transport's buffer is full."""
        self._room.clear()
        if self._unread is None:
            self._unread = asyncio.get_running_loop().call_later(self._unread_timeout_s, self._transport.abort)

    def emptied(self) -> None:
        """The transport's buffer has room again."""
        self._room.set()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def finish(self) -> None:
        """Send what there is, then close.

        Our half is closed first and the other side gets a moment to close its own: closing with bytes unread would
        make the kernel reset the connection, and the last reply would be lost on its way.
        """
        if self._linger is not None or self._transport.is_closing():
            return
        if self._tls is not None:
            self._transport.write(self._tls.farewell())
        if self.is_last or not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:
            self._transport.abort()  # the other side was faster
            return
        self._transport.resume_reading()
        self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)

    def closed(self) -> None:
        """The connection is gone: nobody waits for room any more."""
        self.emptied()
        if self._linger is not None:
            self._linger.cancel()
