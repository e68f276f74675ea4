"""One data connection: plain non-blocking sockets, moved a bounded amount at a time.

The loop waits until the socket is ready; then bytes are moved, either right here (small amounts) or by a pool job that
moves at most `JOB_BYTES` or until it would block. No thread ever waits on a client.
"""

import asyncio
import errno
import functools
import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Executor

from crossdock.core.errors import CrossdockError, FileError, OutOfSpace, Unavailable
from crossdock.files.unbroken import unbroken
from crossdock.ftp.replies import DataFailure

Moved = Callable[[int], None]
"""Is told how many bytes have just been moved, even those of a step that fails or is cancelled in the end."""
Job = Callable[[], tuple[int, CrossdockError | None]]
"""Says how many bytes it has moved, and what stopped it."""

JOB_BYTES = 8 << 20
TURN_BYTES = 256 << 10
"""What the loop itself moves before others have their turn."""
SMALL_FILE_BYTES = 64 << 10
"""Up to here `sendfile` on the loop costs less than handing the job to a thread."""
SCRATCH_BYTES = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TransferBroken(CrossdockError):
    """The transfer cannot go on, through no fault of the store."""

    def __init__(self, failure: DataFailure) -> None:
        super().__init__(failure.reply.lines[0])
        self.failure = failure


def _nobody_counts(count: int) -> None:
    return None


class DataConnection:
    """A connected socket in non-blocking mode, of which this object is the owner.

    End it with `finish` when everything was sent or received, else with `reset`. `stall_s` is how long the other side
    may neither send nor take a byte.
    """

    def __init__(self, connection: socket.socket, *, pool: Executor, stall_s: float) -> None:
        self._socket = connection
        self._pool = pool
        self._stall_s = stall_s

    async def receive_into(self, view: memoryview, moved: Moved = _nobody_counts) -> int:
        """Receive at most `TURN_BYTES`; 0 when the other side has sent everything. Raises TransferBroken."""
        while True:
            try:
                count = self._socket.recv_into(view[:TURN_BYTES])
            except BlockingIOError:
                await self._readable()
                continue
            except OSError as error:
                raise TransferBroken(DataFailure.CUT) from error
            if count:
                moved(count)
            if count == TURN_BYTES:
                await asyncio.sleep(0)
            return count

    async def receive_to_file(self, target: int, moved: Moved = _nobody_counts) -> int:
        """Receive into a file; returns how many bytes, 0 when the other side has sent everything.

        Raises TransferBroken; OutOfSpace or Unavailable when the file does not take them.
        """
        while not (waiting := self._peek()):
            if waiting is not None:
                return 0
            await self._readable()
        return await self._in_pool(lambda: _copy_to_file(self._socket, target), moved)

    async def send(self, data: bytes | memoryview, moved: Moved = _nobody_counts) -> None:
        """Send all of it. Raises TransferBroken."""
        rest = memoryview(data)
        while rest:
            try:
                count = self._socket.send(rest[:TURN_BYTES])
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise TransferBroken(DataFailure.CUT) from error
            else:
                moved(count)
                rest = rest[count:]
                await asyncio.sleep(0)

    async def send_file(self, source: int, offset: int, size: int, moved: Moved = _nobody_counts) -> None:
        """Send part of a file through the kernel.

        Raises TransferBroken; Unavailable when the file is shorter than it should be.
        """
        sent = 0
        while sent < size:
            job = functools.partial(_send_file, self._socket, source, offset + sent, size - sent)
            count = _told(job(), moved) if size <= SMALL_FILE_BYTES else await self._in_pool(job, moved)
            sent += count
            if not count:
                await self._writable()

    def finish(self) -> None:
        """Close, so that everything sent still arrives."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(SMALL_FILE_BYTES):
                pass  # closing with unread bytes would make the kernel reset the connection and drop what is on its way
        except OSError:
            pass  # the other side was faster, or has nothing more to say
        self._socket.close()

    def reset(self) -> None:
        """Close so that the other side cannot take what it got for the whole."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self._socket.close()

    def _peek(self) -> bytes | None:
        """The next byte, empty at the end of the stream, None when nothing has come yet."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransferBroken(DataFailure.CUT) from error

    async def _in_pool(self, job: Job, moved: Moved) -> int:
        """Run a bounded job to its end, even when the transfer is cancelled: it uses descriptors that are closed
        then."""

        async def run() -> int:
            return _told(await asyncio.get_running_loop().run_in_executor(self._pool, job), moved)

        return await unbroken(run())

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        await self._ready(lambda wake: loop.add_reader(self._socket, wake), lambda: loop.remove_reader(self._socket))

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        await self._ready(lambda wake: loop.add_writer(self._socket, wake), lambda: loop.remove_writer(self._socket))

    async def _ready(self, watch: Callable[[Callable[[], None]], None], unwatch: Callable[[], object]) -> None:
        is_ready = asyncio.Event()
        watch(is_ready.set)
        try:
            async with asyncio.timeout(self._stall_s):
                await is_ready.wait()
        except TimeoutError:
            raise TransferBroken(DataFailure.STALLED) from None
        finally:
            unwatch()


class _Scratch(threading.local):
    """Each pool thread's own buffer."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(SCRATCH_BYTES))


_scratch = _Scratch()


def _told(outcome: tuple[int, CrossdockError | None], moved: Moved) -> int:
    """Tell what a job has moved; return it, or raise what stopped the job."""
    count, error = outcome
    if count:
        moved(count)
    if error is not None:
        raise error
    return count


def _copy_to_file(source: socket.socket, target: int) -> tuple[int, CrossdockError | None]:
    moved = 0
    while moved < JOB_BYTES:
        try:
            count = source.recv_into(_scratch.view)
        except BlockingIOError:
            break
        except OSError:
            return moved, TransferBroken(DataFailure.CUT)
        if count == 0:
            break
        try:
            _write_all(target, _scratch.view[:count])
        except OSError as error:
            return moved, _file_error(error)
        moved += count
    return moved, None


def _write_all(target: int, data: memoryview) -> None:
    while data:
        data = data[os.write(target, data) :]


def _send_file(target: socket.socket, source: int, offset: int, size: int) -> tuple[int, CrossdockError | None]:
    """Send until it would block, at most `JOB_BYTES`."""
    sent = 0
    size = min(size, JOB_BYTES)
    while sent < size:
        try:
            count = os.sendfile(target.fileno(), source, offset + sent, size - sent)
        except BlockingIOError:
            break
        except OSError:
            return sent, TransferBroken(DataFailure.CUT)
        if count == 0:
            return sent, Unavailable("a stored file is shorter than its object")
        sent += count
    return sent, None


def _file_error(error: OSError) -> FileError:
    if error.errno in _NO_ROOM:
        return OutOfSpace(str(error))
    return Unavailable(str(error))
