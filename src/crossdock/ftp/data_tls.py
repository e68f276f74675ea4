"""A data connection under TLS: our own buffers around OpenSSL, large reads and writes on the socket."""

import asyncio
import functools
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from crossdock.ftp.data_socket import (
    SMALL_FILE_BYTES,
    TURN_BYTES,
    DataSocket,
    Moved,
    Patience,
    TransferBroken,
    nobody_counts,
    told,
)
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.tls import TlsFailed, TlsStream, TlsTruncated
from crossdock.ftp.tls_moves import TlsMoves
from crossdock.operations.threads import Threads

_log = logging.getLogger(__name__)

HANDSHAKE_S = 60.0
UNRESUMED = Patience(most_s=5.0, most_bytes=64 << 20, pause_s=1.0)
"""With a client that did not resume its session."""


class TlsConnection:
    """Begin with `shake_hands`. End it with `finish` when everything was sent or received, else with `reset`, or with
    `part` when the client did not resume its session or sends what is not wanted.

    `must_resume`: the session of its control connection. `must_close`: an end without close_notify is no end.
    """

    def __init__(
        self,
        connection: socket.socket,
        stream: TlsStream,
        *,
        must_resume: bool,
        must_close: bool,
        pool: Threads,
        stall_s: float,
    ) -> None:
        self._socket = DataSocket(connection, pool=pool, stall_s=stall_s)
        self._handshake_s = min(stall_s, HANDSHAKE_S)
        self._stream = stream
        self._must_resume = must_resume
        self._moves = TlsMoves(connection, stream, must_close=must_close)

    async def shake_hands(self) -> None:
        """Raises TransferBroken, also when it takes too long as a whole, however often a byte comes."""
        until = asyncio.get_running_loop().time() + self._handshake_s
        try:
            while not self._stream.shake_hands():
                await self._flush(until)
                if self._moves.fill() is None:
                    await self._socket.readable(until)
        except (TlsFailed, TlsTruncated) as error:
            await self._say_goodbye(until)
            _log.info("tls handshake of a data connection failed", extra={"reason": str(error)})
            raise TransferBroken(DataFailure.TLS_FAILED) from error
        await self._flush(until)
        if self._must_resume and not self._stream.is_resumed:
            raise TransferBroken(DataFailure.TLS_NOT_RESUMED)

    async def receive_into(self, view: memoryview, moved: Moved = nobody_counts) -> int:
        """Receive at most `TURN_BYTES`; 0 when the other side has sent everything. Raises TransferBroken."""
        view = view[:TURN_BYTES]

        async def step() -> int:
            return told(self._moves.decrypt_into(view), moved)

        count = await self._receive(step)
        if count == TURN_BYTES:
            await asyncio.sleep(0)
        return count

    async def receive_to_file(self, target: int, moved: Moved = nobody_counts) -> int:
        """Receive into a file; returns how many bytes, 0 when the other side has sent everything.

        Raises TransferBroken; OutOfSpace or Unavailable when the file does not take them.
        """
        job = functools.partial(self._moves.decrypt_to_file, target)
        return await self._receive(lambda: self._socket.in_pool(job, moved))

    async def send(self, data: bytes | memoryview, moved: Moved = nobody_counts) -> None:
        """Send all of it. Raises TransferBroken."""
        rest = memoryview(data)
        while rest:
            piece, rest = rest[:TURN_BYTES], rest[TURN_BYTES:]
            self._moves.encrypt(piece)
            await self._flush()
            moved(len(piece))
            await asyncio.sleep(0)

    async def send_file(self, source: int, offset: int, size: int, moved: Moved = nobody_counts) -> None:
        """Send part of a file. Raises TransferBroken; Unavailable when the file is shorter than it should be."""
        sent = 0
        while sent < size:
            job = functools.partial(self._moves.encrypt_file, source, offset + sent, size - sent)
            sent += told(job(), moved) if size <= SMALL_FILE_BYTES else await self._socket.in_pool(job, moved)
            await self._flush()

    async def finish(self) -> None:
        """Say that nothing more comes, and close so that everything sent still arrives. Raises TransferBroken."""
        self._stream.close()
        try:
            await self._flush()
        except TransferBroken as broken:
            if broken.failure is DataFailure.STALLED:
                raise  # it has not read everything
            # It has gone: it got what it wanted, or its reading tells otherwise.
        self._socket.finish()

    async def part(self, patience: Patience) -> None:
        """Close in order while the client may still send, so that it goes on to read why nothing is wanted of it."""
        self._stream.close()
        try:
            await self._say_goodbye(asyncio.get_running_loop().time() + patience.pause_s)
        except BaseException:
            self._socket.reset()
            raise
        await self._socket.part(patience)

    def reset(self) -> None:
        """Close so that the other side cannot take what it got for the whole."""
        self._socket.reset()

    async def _receive(self, decrypt: Callable[[], Awaitable[int]]) -> int:
        async def step() -> int | None:
            count = 0 if self._moves.has_ended else await decrypt()
            return count if count or self._moves.has_ended else None

        return await self._socket.receive(step)

    async def _flush(self, until: float | None = None) -> None:
        """Send everything that is encrypted. Raises TransferBroken."""
        while True:
            self._moves.send_now()
            if not self._moves.unsent:
                return
            await self._socket.writable(until)

    async def _say_goodbye(self, until: float) -> None:
        """Send OpenSSL's alert, from which the other side learns what was wrong, or its close_notify."""
        with suppress(TransferBroken):  # it has gone: nobody is left to be told
            await self._flush(until)
