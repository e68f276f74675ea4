"""What a client does with a socket, and a machine that has no room for one more."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager


def read_all(client: socket.socket) -> bytes:
    taken = bytearray()
    while chunk := client.recv(1 << 20):
        taken += chunk
    return bytes(taken)


def vanish(client: socket.socket) -> None:
    """Close as a process does that is killed with data unread: by a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
