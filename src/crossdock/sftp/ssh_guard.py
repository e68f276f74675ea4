"""asyncssh's server connection with bounds on what a client can make it do and keep.

- Before the login: one client at a time (`turnstile`), a bounded number of bytes and packets, one key exchange.
- After it: key exchanges that are not for the sake of data are few, and what waits for the client, because it does not
  read or does not finish a key exchange, is bounded. What conversations send is not counted here: they wait by
  themselves (`pipe.Pipe.drained`).

Overridden is what asyncssh calls itself by; `tests/sftp/test_ssh_connection.py` notices when a new asyncssh does not.
"""

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any, cast

import asyncssh
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE, MSG_KEXINIT
from asyncssh.packet import PacketDecodeError, SSHPacket

from crossdock.core.proxy_protocol import BadProxyHeader, NeedMore, parse_proxy_header
from crossdock.sftp.turnstile import Turnstile

MOST_UNHEARD_BYTES = 64 << 10
"""What a client may send ahead of its login's outcome; a packet has at most 35,000 (RFC 4253 §6.1)."""
MOST_LOGIN_PACKETS = 1000
"""A login takes some ten; clients with many keys, where the settings allow that, some hundreds."""
MOST_UNSENT_BYTES = 256 << 10
"""What may wait for the socket before `pause_writing` is called; half of it before `resume_writing` is."""
MOST_UNREAD_PACKETS = 1000
"""Packets other than data that are sent to a client that has left so much unread."""
MOST_DEFERRED_BYTES = 8 << 20
"""What may wait for a client to finish a key exchange: several times the windows that clients have."""
SPARE_KEY_EXCHANGES = 10
KEYS_LAST_BYTES, KEYS_LAST_S = 256 << 10, 1.0
"""A client that asks for new keys after less than both takes one of the spare ones."""
LEAST_PACKET_BYTES = 1024
"""What a client must take at once: of one byte each, packets would take a hundred thousand times the work."""

_Sessions = tuple["asyncssh.SSHServerChannel[Any]", "asyncssh.SSHServerSession[Any]"]


class GuardedConnection(asyncssh.SSHServerConnection):
    """A client that asks for more is sent away, and the reason logged by whoever owns the connection."""

    def __init__(self, options: asyncssh.SSHServerConnectionOptions, turnstile: Turnstile) -> None:
        super().__init__(asyncio.get_running_loop(), options)
        self._turnstile = turnstile
        self._preface: bytes | None = b""
        self.has_skipped_header = False
        self._waiting = b""  # of a stranger, for their turn
        self._has_place = False
        self._heard = 0
        self._deferred = 0
        self._unread = 0
        self._spare_keys = SPARE_KEY_EXCHANGES
        self._keys_at = (0, 0.0)  # bytes heard and time at the last key exchange

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).set_write_buffer_limits(MOST_UNSENT_BYTES, MOST_UNSENT_BYTES // 2)
        super().connection_made(transport)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        self._heard += len(data)
        if self._auth_complete:
            super().data_received(data, datatype)
            return
        self._waiting += data
        if len(self._inpbuf) + len(self._waiting) > MOST_UNHEARD_BYTES:
            self._give_up("too much was sent ahead of the login's outcome")
        elif not self._has_place:
            self._has_place = True
            self._turnstile.enter(self._have_turn)

    def _have_turn(self) -> None:
        self._has_place = False
        data, self._waiting = self._waiting, b""
        if self._preface is not None:
            data = self._behind_header(self._preface + data)
        if data and self._transport is not None:
            super().data_received(data)
        if self._recv_seq > MOST_LOGIN_PACKETS and not self._auth_complete:
            self._give_up("too many packets were sent for a login")

    def _behind_header(self, begin: bytes) -> bytes:
        """What follows a PROXY protocol header, which is not believed: AWS's ProxyConfig NONE. No client begins so."""
        self._preface = None
        try:
            header = parse_proxy_header(begin)
        except BadProxyHeader:
            return begin
        if isinstance(header, NeedMore):
            self._preface = begin
            return b""
        self.has_skipped_header = True
        return begin[header.size :]

    async def send_userauth_success(self) -> None:
        # From here on bytes do not wait for a turn: those that do come first.
        self._inpbuf += self._waiting
        self._waiting = b""
        await super().send_userauth_success()

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        if pkttype == MSG_KEXINIT and not self._kexinit_sent:
            self._ask_for_keys()
        return super().process_packet(pkttype, pktid, packet)

    def _ask_for_keys(self) -> None:
        """The client begins a further key exchange. Raises ProtocolError."""
        if not self._auth_complete:
            raise asyncssh.ProtocolError("new keys were asked for before the login")
        # On the fast path the transport has another protocol, which counts.
        reader = None if self._transport is None else self._transport.get_protocol()
        heard, now = getattr(reader, "received", self._heard), self._loop.time()
        heard_before, then = self._keys_at
        if now - then < KEYS_LAST_S and heard - heard_before + self._rekey_bytes_sent < KEYS_LAST_BYTES:
            self._spare_keys -= 1
        if self._spare_keys < 0:
            raise asyncssh.ProtocolError("new keys were asked for again and again")
        self._keys_at = heard, now

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        before = len(self._deferred_packets)
        super().send_packet(pkttype, *args, handler=handler)
        if len(self._deferred_packets) > before:
            self._deferred += sum(map(len, args), start=100)
            if self._deferred > MOST_DEFERRED_BYTES:
                self._give_up("a key exchange was not finished while much waited for it")
        elif self._deferred and not self._deferred_packets:
            self._deferred = 0
        if pkttype not in (MSG_CHANNEL_DATA, MSG_IGNORE) and self._transport is not None:
            is_read = self._transport.get_write_buffer_size() < MOST_UNSENT_BYTES
            self._unread = 0 if is_read else self._unread + 1
            if self._unread > MOST_UNREAD_PACKETS:
                self._give_up("the client does not read what it is sent")

    def _process_session_open(self, packet: SSHPacket) -> _Sessions:
        largest = int.from_bytes(packet.get_consumed_payload()[-4:])
        if largest < LEAST_PACKET_BYTES:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, f"packets of {largest} bytes are too small"
            )
        found: _Sessions = super()._process_session_open(packet)
        return found

    def internal_error(self, exc_info: Any = None, error_logger: Any = None) -> None:
        """asyncssh takes some of what is no packet for a mistake of its own: empty packets, names that are no ASCII."""
        error = (exc_info or sys.exc_info())[1]
        if isinstance(error, PacketDecodeError | UnicodeDecodeError | IndexError) and _is_asyncsshs(error):
            self._give_up(f"what came is no packet: {error}")
        else:
            super().internal_error(exc_info, error_logger)

    def _give_up(self, reason: str) -> None:
        self._force_close(asyncssh.ProtocolError(reason))


def _is_asyncsshs(error: BaseException) -> bool:
    """Whether asyncssh has raised it, not what it calls."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and str(at.tb_frame.f_globals.get("__name__", "")).startswith("asyncssh.")
