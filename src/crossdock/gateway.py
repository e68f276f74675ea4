"""Watches the servers there should be, and opens, changes and closes their endpoints accordingly.

One failing endpoint never touches another: each server is brought up, changed or drained in a task of its own.
"""

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.servers import ServerDirectory

_log = logging.getLogger(__name__)
PORTS_TO_TRY = 200
PIN_TAG = "crossdock:endpoint"


class Listener(Protocol):
    """An open endpoint of one server."""

    @property
    def port(self) -> int: ...

    @property
    def passive_ports(self) -> tuple[int, ...]: ...

    def update(self, server: Server) -> None:
        """Take over changed settings; sessions that are under way keep theirs."""

    async def close(self, *, drain_timeout_s: float) -> None:
        """Accept nobody more, let transfers finish for that long, then end them."""


class Edge(Protocol):
    """A file protocol that can be served."""

    async def open(self, server: Server, host: str, port: int) -> Listener:
        """Raises OSError when the port cannot be had."""


@dataclass(slots=True)
class _Running:
    server: Server
    listeners: dict[FileProtocol, tuple[Listener, Endpoint]]


class Gateway:
    """Brings what runs in line with what the directory says.

    `announce` is called with every endpoint that has just come up; `default_ports` gives each protocol its first port,
    0 = the system chooses.
    """

    def __init__(
        self,
        directory: ServerDirectory,
        edges: Mapping[FileProtocol, Edge],
        *,
        host: str,
        default_ports: Mapping[FileProtocol, int],
        drain_timeout_s: float,
        announce: Callable[[Endpoint], None],
        tasks: TaskSupervisor,
    ) -> None:
        self._directory = directory
        self._edges = edges
        self._host = host
        self._default_ports = default_ports
        self._drain_timeout_s = drain_timeout_s
        self._announce = announce
        self._tasks = tasks
        self._running: dict[str, _Running] = {}

    async def run(self) -> None:
        """Follow the directory until cancelled."""
        async for _ in self._directory.changes():
            await self.reconcile()

    async def reconcile(self) -> None:
        """Open, change and close once, as the directory says now."""
        wanted = {server.server_id: server for server in await self._directory.servers()}
        for server_id in [known for known in self._running if known not in wanted]:
            self._tasks.start(self._drain(self._running.pop(server_id)), name=f"drain {server_id}")
        for server in wanted.values():
            running = self._running.get(server.server_id)
            if server.is_wanted and running is None:
                await self._start(server)
            elif server.is_wanted and running is not None:
                await self._change(running, server)
            elif running is not None:
                del self._running[server.server_id]
                self._tasks.start(self._stop(running), name=f"stop {server.server_id}")
            elif server.state is not ServerState.OFFLINE:
                await self._directory.report(server.server_id, ServerState.OFFLINE, ())

    async def close(self) -> None:
        """Drain everything; what the servers' owners want stays as it is."""
        running = list(self._running.values())
        self._running.clear()
        await asyncio.gather(*(self._drain(server) for server in running))

    async def _start(self, server: Server) -> None:
        running = _Running(server=server, listeners={})
        endpoints = [await self._open(running, server, protocol) for protocol in server.protocols]
        state = _overall(endpoints)
        if running.listeners:
            self._running[server.server_id] = running
        if state is not server.state or running.listeners:
            await self._directory.report(server.server_id, state, endpoints)
        for endpoint in endpoints:
            if endpoint.state is ServerState.ONLINE:
                self._announce(endpoint)

    async def _change(self, running: _Running, server: Server) -> None:
        """Protocols may come and go; everything else is told to the listeners."""
        if running.server == server:
            return
        for protocol in [p for p in running.listeners if p not in server.protocols]:
            listener, _ = running.listeners.pop(protocol)
            self._tasks.start(listener.close(drain_timeout_s=self._drain_timeout_s), name=f"close {protocol}")
        endpoints = [
            running.listeners[protocol][1]
            if protocol in running.listeners
            else await self._open(running, server, protocol)
            for protocol in server.protocols
        ]
        added = [e for e in endpoints if e.protocol not in running.server.protocols and e.state is ServerState.ONLINE]
        running.server = server
        for listener, _ in running.listeners.values():
            listener.update(server)
        await self._directory.report(server.server_id, _overall(endpoints), endpoints)
        for endpoint in added:
            self._announce(endpoint)

    async def _open(self, running: _Running, server: Server, protocol: FileProtocol) -> Endpoint:
        edge = self._edges.get(protocol)
        if edge is None:
            return self._endpoint(server, protocol, state=ServerState.OFFLINE, message=f"{protocol} is not served yet")
        known = await self._directory.endpoints()
        busy: OSError | None = None
        host, port = self._host, 0
        for host, port, is_fixed in self._candidates(server, protocol, known):
            try:
                listener = await edge.open(server, host, port)
            except OSError as error:
                busy = error
                if is_fixed or error.errno != errno.EADDRINUSE:
                    break
                continue
            endpoint = self._endpoint(
                server,
                protocol,
                state=ServerState.ONLINE,
                host=host,
                port=listener.port,
                passive_ports=listener.passive_ports,
            )
            running.listeners[protocol] = (listener, endpoint)
            return endpoint
        message = _why_not(protocol, host, port, busy)
        _log.error("endpoint not opened", extra={"server_id": server.server_id, "reason": message})
        return self._endpoint(server, protocol, state=ServerState.START_FAILED, host=host, port=port, message=message)

    def _candidates(
        self, server: Server, protocol: FileProtocol, known: Sequence[Endpoint]
    ) -> Iterator[tuple[str, int, bool]]:
        """Addresses to try, and whether that one must be had or none.

        A pinned endpoint is taken as it is, then the one that this server had before. Else the first server of a
        protocol takes the default port and later ones the next free.
        """
        if pin := pinned_endpoint(server, protocol):
            yield (*pin, True)
            return
        own = [e for e in known if e.server_id == server.server_id and e.protocol is protocol and e.port]
        if own:
            yield own[0].host, own[0].port, True
            return
        first = self._default_ports[protocol]
        if first == 0:
            yield self._host, 0, True
            return
        taken = {e.port for e in known if e.server_id != server.server_id}
        if first not in taken:
            yield self._host, first, True
            return
        for port in range(first + 1, first + PORTS_TO_TRY):
            if port not in taken:
                yield self._host, port, False

    def _endpoint(
        self,
        server: Server,
        protocol: FileProtocol,
        *,
        state: ServerState,
        host: str = "",
        port: int = 0,
        passive_ports: tuple[int, ...] = (),
        message: str = "",
    ) -> Endpoint:
        return Endpoint(
            server_id=server.server_id,
            account_id=server.account_id,
            region=server.region,
            state=state,
            protocol=protocol,
            host=host or self._host,
            port=port,
            passive_ports=passive_ports,
            message=message,
        )

    async def _stop(self, running: _Running) -> None:
        await self._drain(running)
        server = await self._directory.server(running.server.server_id)
        if server is not None and not server.is_wanted:
            await self._directory.report(
                server.server_id,
                ServerState.OFFLINE,
                [
                    self._endpoint(
                        server,
                        protocol,
                        state=ServerState.OFFLINE,
                        host=endpoint.host,
                        port=endpoint.port,
                        passive_ports=endpoint.passive_ports,
                    )
                    for protocol, (_, endpoint) in running.listeners.items()
                ],
            )

    async def _drain(self, running: _Running) -> None:
        for listener, _ in running.listeners.values():
            await listener.close(drain_timeout_s=self._drain_timeout_s)


def pinned_endpoint(server: Server, protocol: FileProtocol) -> tuple[str, int] | None:
    """What the tag `crossdock:endpoint` (`ftp=HOST:PORT,sftp=HOST:PORT`) says for a protocol."""
    for part in server.tags.get(PIN_TAG, "").split(","):
        name, _, address = part.strip().partition("=")
        host, _, port = address.rpartition(":")
        if name.upper() == protocol and host and port.isdecimal():
            return host.strip("[]"), int(port)
    return None


def _overall(endpoints: Sequence[Endpoint]) -> ServerState:
    """ONLINE as soon as one endpoint accepts; START_FAILED when none does and one should."""
    states = {endpoint.state for endpoint in endpoints}
    for state in (ServerState.ONLINE, ServerState.START_FAILED):
        if state in states:
            return state
    return ServerState.OFFLINE


def _why_not(protocol: FileProtocol, host: str, port: int, error: OSError | None) -> str:
    if error is None:
        return f"no free port for {protocol} was found; pin one with the tag {PIN_TAG}={protocol.lower()}=HOST:PORT"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program: stop it, or pin another port "
            f"with the tag {PIN_TAG}={protocol.lower()}={host}:PORT, and start the server again"
        )
    return f"cannot listen on {host}:{port}: {os.strerror(error.errno) if error.errno else error}"
