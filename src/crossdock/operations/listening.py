"""Listening sockets, for edges that accept by themselves."""

import asyncio
import socket
from collections.abc import Callable

BACKLOG = 1024
"""Connections that may wait to be accepted."""


class Lobby:
    """Connections that were accepted and are nobody's yet. They end with their listener."""

    def __init__(self) -> None:
        self._here: dict[asyncio.Transport, Callable[[], None]] = {}

    def enter(self, transport: asyncio.Transport, left: Callable[[], None]) -> None:
        """`left` is called once, when it is no longer here."""
        self._here[transport] = left

    def leave(self, transport: asyncio.Transport) -> None:
        """It is somebody's now, or gone; harmless for one that is not here."""
        left = self._here.pop(transport, None)
        if left is not None:
            left()

    def clear(self) -> None:
        for transport in list(self._here):
            transport.abort()
            self.leave(transport)


async def listen(host: str, port: int, *, backlog: int = BACKLOG) -> socket.socket:
    """A non-blocking listening socket; an IPv6 wildcard takes IPv4 clients too. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


async def accept(host: str, port: int, protocol: Callable[[], asyncio.BaseProtocol]) -> tuple[asyncio.Server, int]:
    """Accept connections, each met by a new `protocol`. Returns what to close, and the port. Raises OSError."""
    listening = await listen(host, port)
    port = listening.getsockname()[1]
    # Two steps, the first without a pause: a cancellation would leave a socket that nobody knows of.
    acceptor = await asyncio.get_running_loop().create_server(
        protocol, sock=listening, backlog=BACKLOG, start_serving=False
    )
    try:
        await acceptor.start_serving()
    except BaseException:
        acceptor.close()
        raise
    return acceptor, port
