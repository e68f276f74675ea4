"""Follows the directory of servers.

Every server has a berth, and every berth a task of its own that brings it in line with its owner's wish: whatever one
server's endpoints do, other servers never wait for it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.gateway.berth import Berth
from crossdock.gateway.edges import Edge
from crossdock.gateway.openings import Objection, Openings
from crossdock.operations.pauses import longer
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.servers import ServerDirectory

_log = logging.getLogger(__name__)
RETRY_S = 0.5
MAX_RETRY_S = 30.0


def _no_objection(_server: Server, _protocol: FileProtocol, _host: str) -> str:
    return ""


class Gateway:
    """Brings what runs in line with what the directory says.

    Args:
        default_ports: each protocol's first port, 0 = the system chooses.
        announce: called with every endpoint that has just come up.
        objection: see `Openings`.
        retry_s: how soon work is tried again that failed because the directory did not answer; then twice as long, and
            so on.
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
        objection: Objection = _no_objection,
        retry_s: float = RETRY_S,
    ) -> None:
        self._directory = directory
        self._openings = Openings(edges, host=host, default_ports=default_ports, objection=objection)
        self._drain_timeout_s = drain_timeout_s
        self._announce = announce
        self._tasks = tasks
        self._retry_s = retry_s
        self._berths: dict[str, Berth] = {}
        self._drains: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()
        self._is_closing = False

    async def prepare(self) -> None:
        """Say of every server that it accepts nobody yet, for a crash may have left it ONLINE.

        Called before anybody can ask.
        """
        known = await self._directory.endpoints()
        for server in await self._directory.servers():
            is_coming = server.is_wanted and self._openings.can_serve(server.protocols)
            state = ServerState.STARTING if is_coming else ServerState.OFFLINE
            await self._directory.report(server.server_id, state, _as(state, _of(server, known)))

    async def run(self) -> None:
        """Follow the directory until cancelled. What fails is logged and tried again."""
        async for _ in self._directory.changes():
            delay_s = self._retry_s
            while not await self._looked(delay_s):
                await asyncio.sleep(delay_s)
                delay_s = longer(delay_s, MAX_RETRY_S)

    async def reconcile(self) -> None:
        """Look at the directory now; return when every server is in line with it, or has failed to be once."""
        await self._look()
        await asyncio.gather(*(berth.settled.wait() for berth in list(self._berths.values())))

    async def close(self) -> None:
        """Drain everything; what the servers' owners want stays as it is."""
        self._is_closing = True
        berths = list(self._berths.values())
        keepers = [berth.keeper for berth in berths if berth.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for berth in berths:
            berth.settled.set()
        open_berths = [berth for berth in berths if berth.listeners]
        for berth in open_berths:
            await self._shut(berth, list(berth.listeners))
        for berth in open_berths:
            await self._tell_end(berth, ServerState.STOPPING)
        if self._drains:
            await asyncio.wait(self._drains)
        for berth in open_berths:
            await self._tell_end(berth, ServerState.OFFLINE)

    async def _looked(self, delay_s: float) -> bool:
        try:
            await self._look()
        except Exception:
            # The boundary of the gateway's task: it goes on whatever happens.
            _log.exception("cannot see which servers there should be; trying again", extra={"in_s": delay_s})
            return False
        return True

    async def _look(self) -> None:
        # One at a time: an older view that is worked on after a newer one would undo it.
        async with self._looking:
            servers = {server.server_id: server for server in await self._directory.servers()}
            known = await self._directory.endpoints()
            if self._is_closing:
                return
            for server_id in [one for one in self._berths if one not in servers]:
                gone = self._berths.pop(server_id)
                gone.is_deleted = True
                gone.ring()
            new = [server for server_id, server in servers.items() if server_id not in self._berths]
            coming = [server for server in servers.values() if server.is_wanted and not self._was_wanted(server)]
            self._openings.plan(coming, known=known, servers=servers.values())
            for berth in self._berths.values():
                berth.see(servers[berth.server.server_id])
            for server in new:
                berth = self._berths[server.server_id] = Berth(server)
                berth.ring()
                berth.keeper = self._tasks.start(self._keep(berth), name=f"server {server.server_id}")

    def _was_wanted(self, server: Server) -> bool:
        berth = self._berths.get(server.server_id)
        return berth is not None and berth.server.is_wanted

    async def _keep(self, berth: Berth) -> None:
        """One server's task: bring it in line whenever the bell rings, until it is deleted."""
        delay_s = self._retry_s
        try:
            while not berth.is_deleted or berth.listeners:
                await berth.bell.wait()
                berth.bell.clear()
                try:
                    await self._bring_in_line(berth)
                    delay_s = self._retry_s
                except Exception:
                    # The boundary of this server's task.
                    extra = {"server_id": berth.server.server_id, "in_s": delay_s}
                    _log.exception("server not in line with its owner's wish; trying again", extra=extra)
                    berth.must_tell = True
                    asyncio.get_running_loop().call_later(delay_s, berth.bell.set)
                    delay_s = longer(delay_s, MAX_RETRY_S)
                if not berth.bell.is_set():
                    berth.settled.set()
        finally:
            # It may have been deleted while it was about to open, and the bell have rung for nothing.
            self._openings.forget(berth.server.server_id)
            berth.settled.set()

    async def _bring_in_line(self, berth: Berth) -> None:
        server = berth.server
        if berth.is_deleted:
            await self._shut(berth, list(berth.listeners))
        elif server.is_wanted:
            await self._serve(berth, server)
        else:
            await self._withdraw(berth, server)

    async def _serve(self, berth: Berth, server: Server) -> None:
        """Protocols may come and go; everything else is told to the listeners that are open."""
        # What must not be opened now must not stay open either; the attempt to open it says why.
        others = [one.served for one in self._berths.values() if one.served is not None and one is not berth]
        closing = [
            one
            for one in berth.listeners
            if one not in server.protocols
            or self._openings.objection(server, one, berth.endpoints[one].host)
            or self._openings.is_outcast(server, one, others)
        ]
        berth.served = server  # before anything is awaited: of two that take one name, the second finds it taken
        await self._shut(berth, closing)
        for listener in berth.listeners.values():
            listener.update(server)
        known = await self._directory.endpoints()
        missing = [protocol for protocol in server.protocols if protocol not in berth.listeners]
        if not berth.listeners and server.state is not ServerState.STARTING and self._openings.can_serve(missing):
            starting = _as(ServerState.STARTING, _of(server, known))
            if not await self._tell(berth, server, ServerState.STARTING, starting):
                return
        for protocol in missing:  # one after the other: FTPS takes the port that FTP has got
            servers = [other.server for other in self._berths.values()]
            endpoint, opened = await self._openings.open(server, protocol, known=known, servers=servers)
            berth.endpoints[protocol] = endpoint
            if opened is not None:
                berth.listeners[protocol] = opened
        self._openings.forget(server.server_id)
        endpoints = [berth.endpoints[protocol] for protocol in server.protocols]
        if not await self._tell(berth, server, _overall(endpoints), endpoints):
            return
        for endpoint in endpoints:
            if endpoint.protocol in berth.listeners and endpoint.protocol not in berth.announced:
                berth.announced.add(endpoint.protocol)
                _say(self._announce, endpoint)

    async def _withdraw(self, berth: Berth, server: Server) -> None:
        """STOPPING while transfers finish, then OFFLINE; the end of the last rings again."""
        self._openings.forget(server.server_id)
        await self._shut(berth, list(berth.listeners))
        state = ServerState.STOPPING if berth.draining else ServerState.OFFLINE
        known = {endpoint.protocol: endpoint for endpoint in _of(server, await self._directory.endpoints())}
        known.update(berth.endpoints)
        endpoints = [known.get(p) or self._openings.blank(server, p) for p in server.protocols]
        await self._tell(berth, server, state, _as(state, endpoints))

    async def _shut(self, berth: Berth, protocols: Iterable[FileProtocol]) -> None:
        """Begin to close endpoints; transfers go on in tasks of their own."""
        for protocol in protocols:
            listener = berth.listeners.pop(protocol)
            berth.announced.discard(protocol)
            self._openings.release((berth.server.server_id, protocol))
            drain = self._tasks.start(
                listener.close(drain_timeout_s=self._drain_timeout_s),
                name=f"drain {protocol} of {berth.server.server_id}",
            )
            self._drains.add(drain)
            drain.add_done_callback(self._drains.discard)
            berth.draining.add(drain)
            drain.add_done_callback(berth.drained)
        # Let them stop accepting, so that what is opened next can have their ports.
        await asyncio.sleep(0)

    async def _tell(self, berth: Berth, server: Server, state: ServerState, endpoints: Sequence[Endpoint]) -> bool:
        """Report what the directory does not know yet; False when the owner wishes otherwise by now: a look follows."""
        if not berth.must_tell and berth.told == (state, endpoints):
            return True
        berth.must_tell, berth.told = False, None
        if not await self._directory.report(server.server_id, state, endpoints, is_wanted=server.is_wanted):
            return False
        berth.told = (state, endpoints)
        return True

    async def _tell_end(self, berth: Berth, state: ServerState) -> None:
        server = berth.server
        endpoints = _as(state, [one for one in berth.endpoints.values() if one.state is ServerState.ONLINE])
        try:
            await self._directory.report(server.server_id, state, endpoints, is_wanted=server.is_wanted)
        except Exception:
            # Nothing may keep the service from ending; its next start says what is so.
            _log.exception("cannot note that a server ended", extra={"server_id": server.server_id})


def _say(announce: Callable[[Endpoint], None], endpoint: Endpoint) -> None:
    try:
        announce(endpoint)
    except OSError as error:
        _log.warning("cannot announce an endpoint", extra={"server_id": endpoint.server_id, "reason": str(error)})


def _of(server: Server, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return [endpoint for endpoint in endpoints if endpoint.server_id == server.server_id]


def _as(state: ServerState, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return [replace(endpoint, state=state, message="") for endpoint in endpoints]


def _overall(endpoints: Sequence[Endpoint]) -> ServerState:
    """ONLINE as soon as one endpoint accepts; START_FAILED when none does and one should."""
    states = {endpoint.state for endpoint in endpoints}
    for state in (ServerState.ONLINE, ServerState.START_FAILED):
        if state in states:
            return state
    return ServerState.OFFLINE
