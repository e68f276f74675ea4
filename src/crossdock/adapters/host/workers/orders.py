"""What the parent tells a worker, with sockets: one order a message, in the order in which they are sent.

The pair of sockets keeps messages whole (SOCK_SEQPACKET), and a message may carry a descriptor (SCM_RIGHTS). So a
client's socket comes with what is to be done with it, and before whatever is said of that client later.
"""

import asyncio
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from crossdock.adapters.host.workers.codec import from_bytes, plain, structured, tell_apart, to_bytes
from crossdock.adapters.host.workers.frames import BadMessage
from crossdock.core.servers import Server
from crossdock.settings import AwsSettings, LoginSettings, SftpSettings, UploadSettings

MOST_SEEN_BYTES = 64 << 10
"""Of a client, ahead of its socket. What it says before its login is bounded by as much."""
MOST_ORDER_BYTES = 192 << 10
"""A server's description has some ten thousand, and what was seen a quarter more than it is."""
MOST_QUEUED = 1024
"""Orders that wait for a worker before it is taken for one that hears nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first order, and the only one of its kind. `share` is how many workers there are.

    `mark` is in hex digits: see `BlobFiles`.
    """

    data_dir: str
    mark: str
    share: int
    log_level: str
    login: LoginSettings
    sftp: SftpSettings
    uploads: UploadSettings
    allow_append: bool
    rename_directories: bool
    region: str
    aws: AwsSettings
    is_at_aws: bool
    """Whether objects and roles are AWS's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """Serve a client, whose socket comes with this."""

    guest: int
    server: Server
    address: str
    is_proxied: bool
    seen: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    guest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    guest: int
    reason: str


_INT_BYTES: Final = 4

Order = Begin | Receive | Drain | Cut
tell_apart(Order)


class OrderSender:
    """The parent's end. Takes over the socket, and the descriptors that it sends."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        # A message has to fit in whole, whatever the system's default is.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MOST_ORDER_BYTES)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[bytes, int | None]] = deque()

    @property
    def is_heard(self) -> bool:
        return len(self._queue) < MOST_QUEUED

    def send(self, order: Order, fd: int | None = None) -> None:
        """Raises BadMessage for an order that is too long; the descriptor is closed then too."""
        message = to_bytes(plain(order, Order))
        if len(message) > MOST_ORDER_BYTES:
            _close(fd)
            raise BadMessage(f"an order of {len(message)} bytes")
        self._queue.append((message, fd))
        if len(self._queue) == 1:
            self._flush()

    def close(self) -> None:
        """The end of orders: the worker ends when it hears of it."""
        if self._sock.fileno() >= 0:
            self._loop.remove_writer(self._sock)
            self._sock.close()
        for _, fd in self._queue:
            _close(fd)
        self._queue.clear()

    def _flush(self) -> None:
        while self._queue:
            message, fd = self._queue[0]
            try:
                socket.send_fds(self._sock, [message], [] if fd is None else [fd])
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._flush)
                return
            except OSError:
                # The worker is gone, as whoever watches it will find.
                self.close()
                return
            self._queue.popleft()
            _close(fd)
        self._loop.remove_writer(self._sock)


class OrderReceiver:
    """The worker's end. `take` gets each order, and a descriptor that is its own from then on; `ended` ends them."""

    def __init__(
        self, sock: socket.socket, *, take: Callable[[Order, int | None], None], ended: Callable[[], None]
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._take = take
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._read)

    def hand_to(self, take: Callable[[Order, int | None], None]) -> None:
        """From now on orders are for somebody else."""
        self._take = take

    def close(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _read(self) -> None:
        try:
            message, fds = _receive(self._sock)
        except BlockingIOError:
            return
        except OSError:
            message, fds = b"", []
        if message:
            self._take(order_of(message), fds[0] if fds else None)
        else:
            self._loop.remove_reader(self._sock)
            self._ended()


def order_of(message: bytes) -> Order:
    """Raises BadMessage for what is none."""
    order: Order = structured(from_bytes(message), Order)
    return order


def _receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """One message. Not by `socket.recv_fds`, which leaves out the flags that it is given."""
    message, ancillary, _, _ = sock.recvmsg(MOST_ORDER_BYTES, socket.CMSG_LEN(_INT_BYTES), socket.MSG_CMSG_CLOEXEC)
    fds = [
        int.from_bytes(data[:_INT_BYTES], sys.byteorder)
        for level, kind, data in ancillary
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    ]
    return message, fds


def _close(fd: int | None) -> None:
    if fd is not None:
        os.close(fd)
