"""Where the bytes of loopback connections are whose two ends are in this process, one of them in a test's hands.

A kernel hands them on when it comes to it, which on a busy machine takes more turns of the loop than any number that a
test could name. So a test waits until they are there before it lets the clock jump or says the next thing elsewhere.
"""

import asyncio
import os
import selectors
import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from fcntl import ioctl

from tests.fakes.ftp_house import turns
from tests.fakes.patience import eventually

TCP_CLOSE = 7
"""A connection's state when it was reset (linux/tcp_states.h)."""
SIOCOUTQNSD = 0x894B
"""Bytes that were never sent (linux/sockios.h)."""


async def all_taken(writer: asyncio.StreamWriter) -> None:
    """Until the other end is accepted, has read everything that was sent, and waits for more; or until it is gone."""
    await eventually(lambda: not writer.transport.get_write_buffer_size() and (_is_taken(writer) or _is_reset(writer)))
    await turns()


async def end_heard(writer: asyncio.StreamWriter) -> None:
    """Until the other end, which is to hear that this one is gone, is gone too."""
    await eventually(lambda: _other_end(writer) is None and not _has_unheard_reset())
    await turns()


async def held_back(writer: asyncio.StreamWriter) -> None:
    """Until the other end reads no more because what it says is not read: no kernel takes a byte more of that."""
    await eventually(lambda: _is_held_back(writer))
    await turns()  # what it has read it goes on to answer, until too much of that waits in its own memory
    await eventually(lambda: _is_held_back(writer))


def _is_taken(writer: asyncio.StreamWriter) -> bool:
    end = _other_end(writer)
    if end is None or not end.events & selectors.EVENT_READ:
        return False
    own = writer.get_extra_info("socket")
    return not _count(own.fileno(), termios.TIOCOUTQ) and not _count(end.fd, termios.FIONREAD)


def _is_reset(writer: asyncio.StreamWriter) -> bool:
    own = writer.get_extra_info("socket")
    return own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE


def _is_held_back(writer: asyncio.StreamWriter) -> bool:
    end = _other_end(writer)
    if end is None or end.events & selectors.EVENT_READ:
        return False
    unsent = _count(end.fd, SIOCOUTQNSD)
    return unsent > 0 and unsent == _count(end.fd, termios.TIOCOUTQ)


def _other_end(writer: asyncio.StreamWriter) -> selectors.SelectorKey | None:
    """What the loop waits for on the other end's descriptor; None when it does not, or when that was reset."""
    name = writer.get_extra_info("sockname")
    for key, end in _watched():
        with suppress(OSError):
            if end.getpeername() == name:
                return key
    return None


def _has_unheard_reset() -> bool:
    """Whether the loop still waits for a connection that is none any more."""
    for _, end in _watched():
        try:
            end.getpeername()
        except OSError:
            if not end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return True
    return False


def _watched() -> Iterator[tuple[selectors.SelectorKey, socket.socket]]:
    """The sockets that the loop waits for."""
    for key in asyncio.get_running_loop()._selector.get_map().values():  # type: ignore[attr-defined]
        with socket.socket(fileno=os.dup(key.fd)) as end:
            yield key, end


def _count(descriptor: int, request: int) -> int:
    """tcp(7)."""
    return int.from_bytes(ioctl(descriptor, request, bytes(4)), sys.byteorder)
