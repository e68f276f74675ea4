"""How answers leave on the fast path: many packets built in place, sealed and handed to the kernel in one write.

asyncssh sends a MSG_IGNORE before each packet (a defence of CBC ciphers), copies each several times, and makes one
system call for each. What asyncssh sends itself comes between our writes, with numbers from the same counter.
"""

import os
import struct
import time
from collections import deque

from asyncssh.connection import SSHServerConnection
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_CHANNEL_WINDOW_ADJUST, MSG_IGNORE
from asyncssh.encryption import Encryption
from asyncssh.packet import String

from crossdock.sftp.fast_ciphers import HEADROOM, Sealer, sealer_for
from crossdock.sftp.fast_pipe import FastPipe
from crossdock.sftp.pipe import Chunk

WRITE_BYTES = 256 << 10
"""One write is about so long, and so much may wait in the transport for the socket, besides one write."""
_MOST_DATA = 64 << 10
"""Of one packet, if the client takes so much; OpenSSH takes 32 KiB."""
_HEAD = struct.Struct(">IBBII")
"""Length, padding, MSG_CHANNEL_DATA, the client's number of the channel, size of the data (RFC 4254 §5.2).

MSG_CHANNEL_WINDOW_ADJUST begins alike, with the bytes to add, and there it ends.
"""
_HEAD_BYTES = _HEAD.size
_INNER_BYTES = _HEAD_BYTES - 5
"""Of the payload, those before the data."""
_LEAST_PADDING = 4
_MOST_PADDING = 32


class SendingSpace:
    """Buffers in which packets are built. Their contents last no longer than a call, so all connections share one."""

    def __init__(self) -> None:
        self.plain = memoryview(bytearray(_HEAD_BYTES + _MOST_DATA + _MOST_PADDING + HEADROOM))
        self.out = memoryview(bytearray(WRITE_BYTES + len(self.plain) + HEADROOM))


class Sender:
    """Sends what waits in the pipes of one connection, in turns.

    While `is_held` nothing is sent, so that what several requests are answered goes into one write.
    """

    def __init__(self, conn: SSHServerConnection, space: SendingSpace) -> None:
        self.pipes: deque[FastPipe] = deque()
        self.is_held = False
        self._conn = conn
        self._space = space
        self._encryption: Encryption | None = None
        self._sealer: Sealer | None = None
        self._is_choked = False

    def choke(self) -> None:
        """The socket takes no more."""
        self._is_choked = True

    def unchoke(self) -> None:
        self._is_choked = False
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as windows, socket and key exchange allow. What is left goes at a later flush."""
        if self.is_held:
            return
        pipes = self.pipes
        turns = len(pipes)
        while turns:
            pipe = pipes[0]
            pipes.rotate(-1)
            turns -= 1
            if pipe.can_send and pipe.chan._send_state == "open" and self._may_send():
                self._send(pipe)
                turns = len(pipes)
        for pipe in list(pipes):
            pipe.settle()

    def _may_send(self) -> bool:
        conn = self._conn
        if self._is_choked or conn._transport is None:
            return False
        if conn._kex_complete and (
            conn._rekey_bytes_sent >= conn._rekey_bytes
            or (conn._rekey_seconds and time.monotonic() >= conn._rekey_time)
        ):
            conn.send_packet(MSG_IGNORE, String(b""))  # asyncssh begins a key exchange that is due before it sends this
        # RFC 4253 §7.1: no data from our KEXINIT to our NEWKEYS.
        return conn._kex_complete

    def _send(self, pipe: FastPipe) -> None:
        """Send up to one write's worth of a pipe that can send."""
        conn, chan, queue = self._conn, pipe.chan, pipe.queue
        plain, out = self._space.plain, self._space.out
        sealer = self._current()
        sealer.begin()
        number, most = chan._send_chan, min(chan._send_pktsize, _MOST_DATA)
        before, block = conn._send_enchdrlen, conn._send_blocksize
        room = min(pipe.queued, chan._send_window)
        padding = os.urandom(_MOST_PADDING)
        seq, at, sealed, taken = conn._send_seq, 0, 0, 0
        grant, pipe.grant = pipe.grant, 0
        while grant or (taken < room and at < WRITE_BYTES):
            kind, size = (MSG_CHANNEL_WINDOW_ADJUST, 0) if grant else (MSG_CHANNEL_DATA, min(room - taken, most))
            pad = -(before + _INNER_BYTES + size) % block
            if pad < _LEAST_PADDING:
                pad += block
            length = 1 + _INNER_BYTES + size + pad
            _HEAD.pack_into(plain, 0, length, pad, kind, number, grant or size)
            grant = 0
            end = _HEAD_BYTES + size
            _move(queue, plain, _HEAD_BYTES, end)
            plain[end : end + pad] = padding[:pad]
            at = sealer.seal(seq, plain, length, out, at)
            seq = (seq + 1) & 0xFFFF_FFFF
            sealed += length
            taken += size
        sealer.end()
        conn._send_seq = seq
        conn._rekey_bytes_sent += sealed
        chan._send_window -= taken
        pipe.queued -= taken
        assert conn._transport is not None  # `_may_send` has looked
        conn._transport.write(out[:at])  # which copies what the socket does not take

    def _current(self) -> Sealer:
        """The sealer of the keys in force."""
        encryption = self._conn._send_encryption
        if self._sealer is None or encryption is not self._encryption:
            assert encryption is not None  # there has been a key exchange
            self._encryption, self._sealer = encryption, sealer_for(encryption)
        return self._sealer


def _move(queue: deque[Chunk], plain: memoryview, at: int, end: int) -> None:
    """Fill a part of `plain` from the front of a queue that has as much."""
    while at < end:
        chunk = queue[0]
        size = len(chunk)
        if size <= end - at:
            plain[at : at + size] = chunk
            queue.popleft()
        else:
            size = end - at
            rest = memoryview(chunk)
            plain[at:end] = rest[:size]
            queue[0] = rest[size:]
        at += size
