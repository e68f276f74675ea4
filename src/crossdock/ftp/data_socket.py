"""What every data connection does with its socket: waits for it, hands jobs to threads, ends it one way or the other.

The loop waits until the socket is ready; then bytes are moved, either right there (small amounts) or by a pool job that
moves at most `JOB_BYTES` or until it would block. No thread ever waits on a client.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from crossdock.core.errors import CrossdockError
from crossdock.ftp.replies import DataFailure
from crossdock.operations.threads import Threads, settle

Moved = Callable[[int], None]
"""Is told how many bytes have just been moved, even those of a step that fails or is cancelled in the end."""
Job = Callable[[], tuple[int, CrossdockError | None]]
"""Says how many bytes it has moved, and what stopped it."""
Step = Callable[[], Awaitable[int | None]]
"""Receives what has come: how many bytes; 0 at the end of the stream and only there, None until more has come."""

JOB_BYTES = 8 << 20
TURN_BYTES = 256 << 10
"""What the loop itself moves before others have their turn."""
SENT_AT_ONCE = 1 << 20
"""Sending, the kernel takes no more than its buffer has room for."""
SMALL_FILE_BYTES = 64 << 10
"""Up to here a job on the loop costs less than handing it to a thread."""
_LEFT_TO_READ = 64 << 10
_READS_AT_END = 64
"""More than a kernel holds of one connection by default; who goes on sending then has no claim on a good end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """With what the other side still sends to a connection on which nothing is wanted from it.

    `pause_s`: who sends nothing for so long has come to an end, or waits for our word.
    """

    most_s: float
    most_bytes: int
    pause_s: float


class TransferBroken(CrossdockError):
    """The transfer cannot go on, through no fault of the store."""

    def __init__(self, failure: DataFailure) -> None:
        super().__init__(failure.reply.lines[0])
        self.failure = failure


def nobody_counts(count: int) -> None:
    return None


def told(outcome: tuple[int, BaseException | None], moved: Moved) -> int:
    """Tell what a job has moved; return it, or raise what stopped the job."""
    count, error = outcome
    if count:
        moved(count)
    if error is not None:
        raise error
    return count


class DataSocket:
    """A connected socket in non-blocking mode, of which this object is the owner.

    `stall_s` is how long the other side may neither send nor take a byte.
    """

    def __init__(self, connection: socket.socket, *, pool: Threads, stall_s: float) -> None:
        # An urgent byte (RFC 9293 §3.8.5) is a byte of the file; the kernel would leave it out.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.socket = connection
        self._pool = pool
        self._stall_s = stall_s

    def peek(self) -> bytes | None:
        """The next byte, empty at the end of the stream, None when nothing has come yet. Raises TransferBroken."""
        try:
            return self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransferBroken(DataFailure.CUT) from error

    async def receive(self, step: Step) -> int:
        """What the first step gives that gives a number. Raises TransferBroken when that takes too long."""
        until = asyncio.get_running_loop().time() + self._stall_s
        while (count := await step()) is None:
            await self.readable(until)
        return count

    async def send(self, data: bytes | memoryview, sent: Moved = nobody_counts) -> None:
        """Send all of it, with turns for others. Raises TransferBroken."""
        rest = memoryview(data)
        while rest:
            try:
                count = self.socket.send(rest[:SENT_AT_ONCE])
            except BlockingIOError:
                await self.writable()
            except OSError as error:
                raise TransferBroken(DataFailure.CUT) from error
            else:
                sent(count)
                rest = rest[count:]
                await asyncio.sleep(0)

    async def in_pool(self, job: Job, moved: Moved) -> int:
        """Run a bounded job to its end, even when the transfer is cancelled: it uses descriptors that are closed
        then."""
        future = self._pool.begin(job)
        was_cancelled = await settle(future)
        count, error = future.result()
        return told((count, asyncio.CancelledError() if was_cancelled else error), moved)

    async def readable(self, until: float | None = None) -> None:
        """Raises TransferBroken when nothing comes for too long, or not until then on the loop's clock."""
        loop, descriptor = asyncio.get_running_loop(), self.socket.fileno()
        await self._ready(lambda wake: loop.add_reader(descriptor, wake), lambda: loop.remove_reader(descriptor), until)

    async def writable(self, until: float | None = None) -> None:
        """Raises TransferBroken when nothing is taken for too long, or not until then on the loop's clock."""
        loop, descriptor = asyncio.get_running_loop(), self.socket.fileno()
        await self._ready(lambda wake: loop.add_writer(descriptor, wake), lambda: loop.remove_writer(descriptor), until)

    def finish(self) -> None:
        """Close, so that everything sent still arrives."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            # Closing with unread bytes would make the kernel reset the connection and drop what is on its way.
            for _ in range(_READS_AT_END):
                if not self.socket.recv(_LEFT_TO_READ):
                    break
        except OSError:
            pass  # the other side was faster, or has nothing more to say
        self.socket.close()

    async def part(self, patience: Patience) -> None:
        """Close in order though nothing of what the other side has to say is wanted.

        It is thrown away, up to a time and to a size, until the other side pauses. A reset would tell it that the
        network failed, and it might not ask for the reason.
        """
        left, loop = patience.most_bytes, asyncio.get_running_loop()
        until = loop.time() + patience.most_s
        try:
            self.socket.shutdown(socket.SHUT_WR)
            while left > 0 and loop.time() < until:
                try:
                    # MSG_TRUNC: the kernel drops the bytes and copies none (tcp(7)).
                    count = len(self.socket.recv(min(left, TURN_BYTES), socket.MSG_TRUNC))
                except BlockingIOError:
                    await self.readable(min(until, loop.time() + patience.pause_s))
                    continue
                if not count:
                    break
                left -= count
                await asyncio.sleep(0)
        except (OSError, TransferBroken):
            pass  # it has gone, or has not come to an end
        finally:
            self.socket.close()

    def reset(self) -> None:
        """Close so that the other side cannot take what it got for the whole."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self.socket.close()

    async def _ready(
        self,
        watch: Callable[[Callable[[], None]], None],
        unwatch: Callable[[], object],
        until: float | None = None,
    ) -> None:
        is_ready = asyncio.Event()
        watch(is_ready.set)
        try:
            async with asyncio.timeout(self._stall_s) if until is None else asyncio.timeout_at(until):
                await is_ready.wait()
        except TimeoutError:
            raise TransferBroken(DataFailure.STALLED) from None
        finally:
            unwatch()
