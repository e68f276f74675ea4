"""Ports that are free, what a client does with a socket, and a machine that has no room for one more."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has, for servers that cannot tell which one they would have chosen."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


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
