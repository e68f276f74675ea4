"""How a connection's bytes come in on the fast path: a large buffer, packets opened from it one by one.

Data of SFTP channels, and what widens their windows, is dealt with here. Every other packet is handed to asyncssh's own
`_recv_packet`, opened already, at the same number: key exchanges, requests, ends, and every mistake of the client.

asyncssh's loop `_recv_data` stays in charge: it calls `_recv_handler` while `_inpbuf` has something, turns exceptions
into a disconnect, and waits while a packet is processed by a task. `_inpbuf` has a token in it, and `_recv_pkthdr`,
which asyncssh makes the handler between packets, is ours.
"""

import asyncio
import struct

import asyncssh
from asyncssh.connection import SSHServerConnection
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_CHANNEL_WINDOW_ADJUST, MSG_IGNORE
from asyncssh.encryption import Encryption

from crossdock.sftp.fast_ciphers import HEADROOM, Opener, opener_for
from crossdock.sftp.fast_pipe import FastPipe
from crossdock.sftp.fast_sending import Sender

_READ_BYTES = 256 << 10
"""The most that is read at once: what still fits into a processor's own cache."""
_MOST_LEFT = 768 << 10
"""With so much undone, during a key exchange, nothing more is read. A packet can be no longer."""
_TOKEN = b"the bytes are in a buffer of ours"
_BODY = struct.Struct(">BBII")
"""Padding, type, our number of the channel, and size of the data or amount (RFC 4254 §5.2)."""
_BODY_BYTES = _BODY.size
_LENGTH = 4
_LEAST_PADDING = 4


class ReceivingSpace:
    """Buffers for what is read and for a packet in clear. They are used within a call, so all connections share one.

    That holds for loops that read into a buffer only when it is full already, as the selector loop does.
    """

    def __init__(self) -> None:
        self.data = memoryview(bytearray(_MOST_LEFT + _READ_BYTES))
        self.plain = memoryview(bytearray(_MOST_LEFT + HEADROOM))


class _Opened(Encryption):
    """What asyncssh takes for its encryption: hands it the packet that was opened last."""

    def __init__(self) -> None:
        self.packet = b""

    def decrypt_packet(self, seq: int, first: bytes, rest: bytes, header_len: int, mac: bytes) -> bytes:
        return self.packet


class Receiver(asyncio.BufferedProtocol):
    """Reads one connection from the next packet on. `pipes` are those of its channels, by our number of them.

    `received` are the bytes that have come.
    """

    def __init__(self, conn: SSHServerConnection, sender: Sender, space: ReceivingSpace) -> None:
        self.pipes: dict[int, FastPipe] = {}
        self.received = 0
        self._conn = conn
        self._sender = sender
        self._space = space
        self._opened = _Opened()
        self._opener: Opener | None = None
        self._left = b""  # of what was read, what could not be dealt with yet
        self._filled = 0  # bytes in the shared buffer, while it has ours
        self._is_stopped = False
        self._their_header = conn._recv_pkthdr
        conn._recv_pkthdr = self._pump  # type: ignore[method-assign]
        if conn._recv_handler == self._their_header:
            conn._recv_handler = self._pump

    def get_buffer(self, sizehint: int) -> memoryview:
        left = len(self._left)
        data = self._space.data
        data[:left] = self._left
        return data[left : left + _READ_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        self.received += nbytes
        self._filled = len(self._left) + nbytes
        self._conn._recv_data()
        if self._filled:  # asyncssh waits for a task
            self._keep(0, self._filled)

    def eof_received(self) -> bool | None:
        self._conn.eof_received()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._conn.connection_lost(exc)

    def pause_writing(self) -> None:
        self._sender.choke()

    def resume_writing(self) -> None:
        self._sender.unchoke()

    def _pump(self) -> bool:
        """Deal with all whole packets. asyncssh calls it in place of its `_recv_pkthdr`, between packets."""
        conn = self._conn
        if conn._transport is None:
            self._left, conn._inpbuf = b"", b""
            return False
        if conn._inpbuf is not _TOKEN:
            if len(conn._inpbuf) > _MOST_LEFT:
                return self._their_header()  # what has piled up during the login does not fit in
            self._begin(conn._transport)
        if not self._filled:
            self._filled = len(self._left)
            self._space.data[: self._filled] = self._left
        at = end = self._filled  # after a mistake of the client nothing more is looked at
        self._sender.is_held = True
        try:
            at = self._take_packets(end)
        finally:
            self._sender.is_held = False
            self._keep(at, end)
        self._sender.flush()
        return False

    def _begin(self, transport: asyncio.Transport) -> None:
        """Take over what asyncssh has read before, and all that follows."""
        self._left, self._conn._inpbuf = self._conn._inpbuf, _TOKEN
        transport.set_protocol(self)

    def _take_packets(self, end: int) -> int:
        """Returns where the first packet begins that is not here as a whole."""
        conn, data, plain = self._conn, self._space.data, self._space.plain
        longest = min(conn._max_recv_pktlen, _MOST_LEFT - HEADROOM)
        opener = self._current()
        at = 0
        while end - at >= opener.head:
            seq = conn._recv_seq
            length = opener.length(seq, data, at)
            if length > longest:
                raise asyncssh.ProtocolError("Max packet size exceeded")
            after = at + _LENGTH + length + opener.mac
            if after > end:
                break
            if not opener.open(seq, data, at, length, plain):
                raise asyncssh.MACError("MAC verification failed")
            at = after
            if self._take(plain, length):
                conn._recv_seq = (seq + 1) & 0xFFFF_FFFF
            elif self._hand_over(plain, length):
                opener = self._current()
            else:
                break  # asyncssh processes it in a task and calls `_pump` afterwards
        return at

    def _take(self, plain: memoryview, length: int) -> bool:
        """Deal with a packet that is one of ours and sound."""
        padding, kind, number, amount = _BODY.unpack_from(plain, _LENGTH)
        if padding < _LEAST_PADDING:
            return False
        size = length - _BODY_BYTES - padding
        if kind == MSG_CHANNEL_DATA:
            pipe = self.pipes.get(number)
            start = _LENGTH + _BODY_BYTES
            return pipe is not None and size == amount and pipe.receive(plain[start : start + size])
        if kind == MSG_CHANNEL_WINDOW_ADJUST:
            pipe = self.pipes.get(number)
            return pipe is not None and size == 0 and pipe.widen(amount)
        # Some clients, asyncssh's among them, send one before each packet. `number` is the length of its string.
        return bool(kind == MSG_IGNORE and number == size + 4)

    def _hand_over(self, plain: memoryview, length: int) -> bool:
        """Let asyncssh process a packet. False if it has not finished. Raises what asyncssh raises."""
        conn = self._conn
        self._sender.is_held = False
        self._sender.flush()
        self._opened.packet = bytes(plain[_LENGTH : _LENGTH + length])
        conn._packet, conn._pktlen = b"", length
        conn._inpbuf = bytes(max(0, _LENGTH + length + conn._recv_macsize - conn._recv_blocksize))  # as long as it was
        try:
            return conn._recv_packet()
        finally:
            conn._inpbuf = _TOKEN
            self._sender.is_held = True

    def _current(self) -> Opener:
        """The opener of the keys in force."""
        conn = self._conn
        encryption = conn._recv_encryption
        if self._opener is None or encryption is not self._opened:
            assert encryption is not None  # there has been a key exchange
            self._opener, conn._recv_encryption = opener_for(encryption), self._opened
        return self._opener

    def _keep(self, at: int, end: int) -> None:
        """Put aside what is left, since others need the buffer."""
        self._left = bytes(self._space.data[at:end]) if at < end else b""
        self._filled = 0
        transport = self._conn._transport
        if transport is not None and self._is_stopped != (len(self._left) > _MOST_LEFT):
            self._is_stopped = not self._is_stopped
            if self._is_stopped:
                transport.pause_reading()
            else:
                transport.resume_reading()
