"""Ports that are free, what a client does with a socket, and a machine that has no room for one more."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address


def own_host() -> str:
    """An address of loopback for this process's servers of other makers alone, beside that of `tests/e2e/harness.py`.

    Clients connect from 127.0.0.1, so that none is given a port that is to be a server's. Numbers of processes have 22
    bits.
    """
    return str(IPv4Address("127.128.0.0") + os.getpid())


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at any address, for servers that cannot tell which one they would have chosen.

    They are free until the server takes them only at an address where nobody else is given any: `own_host`.
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            # Nobody listens. At one address alone the system would give the ports of another process's servers, whose
            # files are named after them.
            each.bind(("0.0.0.0", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def open_descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))


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
