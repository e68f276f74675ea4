"""A data connection whose bytes travel as they are."""

import asyncio
import functools
import socket

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
from crossdock.ftp.kernel_moves import file_to_socket, socket_to_file
from crossdock.ftp.replies import DataFailure
from crossdock.operations.threads import Threads


class PlainConnection:
    """End it with `finish` when everything was sent or received, with `part` when the client sends what is not wanted,
    else with `reset`."""

    def __init__(self, connection: socket.socket, *, pool: Threads, stall_s: float) -> None:
        self._socket = DataSocket(connection, pool=pool, stall_s=stall_s)

    async def receive_into(self, view: memoryview, moved: Moved = nobody_counts) -> int:
        """Receive at most `TURN_BYTES`; 0 when the other side has sent everything. Raises TransferBroken."""

        async def step() -> int | None:
            try:
                return self._socket.socket.recv_into(view[:TURN_BYTES])
            except BlockingIOError:
                return None
            except OSError as error:
                raise TransferBroken(DataFailure.CUT) from error

        count = await self._socket.receive(step)
        if count:
            moved(count)
        if count == TURN_BYTES:
            await asyncio.sleep(0)
        return count

    async def receive_to_file(self, target: int, moved: Moved = nobody_counts) -> int:
        """Receive into a file; returns how many bytes, 0 when the other side has sent everything.

        Raises TransferBroken; OutOfSpace or Unavailable when the file does not take them.
        """
        job = functools.partial(socket_to_file, self._socket.socket, target)

        async def step() -> int | None:
            waiting = self._socket.peek()
            if not waiting:
                return None if waiting is None else 0
            return await self._socket.in_pool(job, moved) or None

        return await self._socket.receive(step)

    async def send(self, data: bytes | memoryview, moved: Moved = nobody_counts) -> None:
        """Send all of it. Raises TransferBroken."""
        await self._socket.send(data, moved)

    async def send_file(self, source: int, offset: int, size: int, moved: Moved = nobody_counts) -> None:
        """Send part of a file through the kernel.

        Raises TransferBroken; Unavailable when the file is shorter than it should be.
        """
        sent = 0
        while sent < size:
            job = functools.partial(file_to_socket, self._socket.socket, source, offset + sent, size - sent)
            count = told(job(), moved) if size <= SMALL_FILE_BYTES else await self._socket.in_pool(job, moved)
            sent += count
            if not count:
                await self._socket.writable()

    async def finish(self) -> None:
        """Close, so that everything sent still arrives."""
        self._socket.finish()

    async def part(self, patience: Patience) -> None:
        """Close in order while the client still sends, so that it goes on to read why nothing is wanted of it."""
        await self._socket.part(patience)

    def reset(self) -> None:
        """Close so that the other side cannot take what it got for the whole."""
        self._socket.reset()
