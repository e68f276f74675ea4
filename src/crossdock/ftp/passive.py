"""The shared passive ports: nine listeners that stay open, and the book that says whose connection each one is."""

import asyncio
import errno
import functools
import itertools
import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence

from crossdock.core.networks import Network, normal_address
from crossdock.core.ports_text import format_ports
from crossdock.core.proxy_protocol import ProxyHeader, expects_header
from crossdock.ftp.passive_book import REST_S, PassiveBook
from crossdock.ftp.port_shortage import PortShortage
from crossdock.ftp.proxied import HeaderWait
from crossdock.operations.listening import BACKLOG, listen

_log = logging.getLogger(__name__)

WAIT_S = 5.0
CLAIM_S = 60.0
_ACCEPTS_PER_TURN = 64
_MOST_QUEUED = BACKLOG + 1
"""Connections that the kernel holds for a listener: one more than was asked for."""
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_BROKEN_IN_QUEUE = (
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.EPERM,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENONET,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
)
"""What accept() says of the connection that it would have given; the next may be sound. Source: accept(2)."""
PAUSE_S = 0.5
EPISODE_S = 10.0
"""A lack of resources that comes within this time of the last is the same."""


class Expectation:
    """One data connection that a session expects, on `port`.

    End it with `withdraw`, whether the connection came or not; a socket that `connection` has handed over is the
    caller's to close.
    """

    def __init__(
        self, port: int, arrival: asyncio.Future[socket.socket], forget: Callable[[], None], *, claim_s: float
    ) -> None:
        self.port = port
        self._arrival = arrival
        self._forget = forget
        self._is_handed_over = False
        self._claim = asyncio.get_running_loop().call_later(claim_s, self.expire)
        arrival.add_done_callback(lambda _: self._claim.cancel())

    async def connection(self, timeout_s: float) -> socket.socket:
        """The connected socket, non-blocking. Raises TimeoutError when none comes in time, or none can come.

        From now on the port is kept for as long as that, whatever is left of its claim.
        """
        self._claim.cancel()
        if not self._arrival.done():
            await asyncio.wait((self._arrival,), timeout=timeout_s)
        if not self._arrival.done() or self._arrival.cancelled():
            raise TimeoutError
        self._is_handed_over = True
        return self._arrival.result()

    def withdraw(self) -> None:
        """Expect it no more; a connection that came and was not asked for is closed."""
        if not self._arrival.done():
            self.expire()
        elif not self._arrival.cancelled() and not self._is_handed_over:
            self._is_handed_over = True
            self._arrival.result().close()

    def expire(self) -> None:
        """Stop waiting for a connection that has not come."""
        if not self._arrival.done():
            self._arrival.cancel()
            self._forget()


class PassivePorts:
    """The open passive ports of one address.

    Args:
        wait_s: how long `expect` waits when every slot of a client's address is taken.
        rest_s: how long a slot rests that was given up unused.
        claim_s: how long a port is kept for a session whose connection does not come.
        pause_s: how long no connection is taken after one for which the host had no resources.
        balancers: networks whose connections begin with a PROXY protocol header.
    """

    def __init__(
        self,
        *,
        wait_s: float = WAIT_S,
        rest_s: float = REST_S,
        claim_s: float = CLAIM_S,
        pause_s: float = PAUSE_S,
        balancers: Sequence[Network] = (),
    ) -> None:
        self._balancers = balancers
        self._wait_s = wait_s
        self._rest_s = rest_s
        self._claim_s = claim_s
        self._pause_s = pause_s
        self._listeners: dict[int, socket.socket] = {}
        self._book = PassiveBook(())
        self._arrivals: dict[int, asyncio.Future[socket.socket]] = {}
        self._numbers = itertools.count(1)
        self._queues: dict[str, deque[asyncio.Event]] = {}
        self._shortage = PortShortage()
        self._lacked_at = -EPISODE_S

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(self._listeners)

    async def open(self, host: str, ports: Sequence[int], *, replaces: bool = False) -> Sequence[int]:
        """Listen on the ports; a port of 0 is chosen by the system. Returns those that another program has.

        In the place of each of those the system chooses another where it `replaces` them; else there are so many fewer.

        Raises:
            OSError: without an errno, its text naming the ports that cannot be had and what to do about it, when none
                can be had or one cannot for another reason; as it came when this machine has no such address.
        """
        loop = asyncio.get_running_loop()
        lost = list[int]()
        try:
            for port in ports:
                try:
                    listener = await listen(host, port)
                except OSError as error:
                    is_last_hope = port == ports[-1] and not self._listeners and not replaces
                    if error.errno != errno.EADDRINUSE or is_last_hope:
                        raise
                    lost.append(port)
                    if not replaces:
                        continue
                    listener = await listen(host, 0)
                self._listeners[listener.getsockname()[1]] = listener
        except OSError as error:
            self.close()
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise  # whatever the port
            named = (
                f"port {port}"
                if error.errno != errno.EADDRINUSE or not lost
                else f"ports {format_ports((*lost, port))}"
            )
            raise OSError(
                f"passive {named} on {host} cannot be used ({error.strerror or error}): "
                "stop what uses it, or give other ports with --passive-ports"
            ) from error
        self._book = PassiveBook(self.ports, rest_s=self._rest_s)
        for port, listener in self._listeners.items():
            loop.add_reader(listener, self._accept, port, listener)
        return lost

    def close(self) -> None:
        """Stop listening, and tell everybody who still expects a connection that none will come."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners.values():
            loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()
        for arrival in list(self._arrivals.values()):
            arrival.cancel()
        self._arrivals.clear()

    def newcomer(self) -> int:
        """A number for a session, unlike any other's."""
        return next(self._numbers)

    async def expect(self, session: int, address: str) -> Expectation | None:
        """Expect a connection from an address for a session, in place of what it expected before.

        Waits for its turn while all slots of that address are taken; None when that takes too long. A session that
        still has a slot need not wait. None, too, when the host lacks the resources to look what has come there.
        """
        port = None
        own = self._book.resting_port(session, address, self._now())
        if own is not None and own in self._listeners:
            # What has come for the claim before belongs to nobody, and must be gone before there is a new claim: a
            # client that closed it and asks again would have it served in place of its next one.
            if not self._accept(own, self._listeners[own], at_most=_MOST_QUEUED):
                return None
            port = self._book.claim(session, address, self._now())
        port = port or await self._claim(session, address)
        if port is None:
            self._shortage.noticed(address, self._now())
            return None
        arrival: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        self._arrivals[session] = arrival
        return Expectation(port, arrival, functools.partial(self._forget, session, address), claim_s=self._claim_s)

    def _forget(self, session: int, address: str) -> None:
        self._arrivals.pop(session, None)
        self._book.withdraw(session, self._now())
        self._wake(address)

    async def _claim(self, session: int, address: str) -> int | None:
        queue = self._queues.setdefault(address, deque())
        turn = asyncio.Event()
        queue.append(turn)
        deadline = self._now() + self._wait_s
        try:
            while True:
                is_first = queue[0] is turn
                if is_first and (port := self._book.claim(session, address, self._now())) is not None:
                    return port
                rest_end = self._book.next_rest_end(address, self._now()) if is_first else None
                wake_at = deadline if rest_end is None else min(deadline, rest_end)
                if self._now() >= deadline:
                    return None
                turn.clear()
                await _wait(turn, wake_at - self._now())
        finally:
            queue.remove(turn)
            if queue:
                queue[0].set()
            else:
                self._queues.pop(address, None)

    def _accept(self, port: int, listener: socket.socket, at_most: int = _ACCEPTS_PER_TURN) -> bool:
        """Take what is queued; False when the host has no resources for it."""
        for _ in range(at_most):
            try:
                connection, peer = listener.accept()
            except (BlockingIOError, InterruptedError):
                return True
            except OSError as error:
                if error.errno in _BROKEN_IN_QUEUE:
                    continue
                if error.errno not in _OUT_OF_RESOURCES:
                    raise
                if self._lacked_at + EPISODE_S <= self._now():  # not at every port and after every pause
                    _log.error("data connections cannot be accepted", extra={"reason": error.strerror, "port": port})
                self._lacked_at = self._now()
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                loop.call_later(self._pause_s, self._accept_again, port, listener)
                return False
            self._meet(connection, port, normal_address(peer[0]))
        return True

    def _accept_again(self, port: int, listener: socket.socket) -> None:
        if self._listeners.get(port) is listener:
            asyncio.get_running_loop().add_reader(listener, self._accept, port, listener)

    def _meet(self, connection: socket.socket, port: int, address: str) -> None:
        connection.setblocking(False)
        if not expects_header(address, self._balancers):
            self._deliver(connection, port, address)
            return

        # Another claim may be made before the header comes: a connection that is older than that is not for it.
        accepted_at = self._now()

        def met(header: ProxyHeader) -> None:
            source = header.source.host if header.source else address
            self._deliver(connection, port, source, accepted_at=accepted_at)

        HeaderWait(connection, met, timeout_s=self._wait_s)

    def _deliver(self, connection: socket.socket, port: int, address: str, *, accepted_at: float | None = None) -> None:
        session = self._book.arrive(port, address, self._now(), accepted_at=accepted_at)
        arrival = None if session is None else self._arrivals.pop(session, None)
        if arrival is None or arrival.done():
            connection.close()  # nobody expects it
            return
        arrival.set_result(connection)
        self._wake(address)

    def _wake(self, address: str) -> None:
        """Let the first of those who wait for a slot look again."""
        if queue := self._queues.get(address):
            queue[0].set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
