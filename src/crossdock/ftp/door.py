"""An open control port, and the servers that are reached through it.

FTP and FTPS of one server share a port, as at AWS: AUTH TLS tells them apart. Several servers may share one too, when
their owners pin them to it: a client names the one it wants with HOST (RFC 7151), and meets the oldest without.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from crossdock.core.ids import ServerId
from crossdock.core.logins import Refusal
from crossdock.core.networks import Network
from crossdock.core.proxy_protocol import expects_header
from crossdock.core.servers import Server
from crossdock.files.limits import Admittance, LoginLimits
from crossdock.ftp import replies
from crossdock.ftp.activities import Place, Surroundings
from crossdock.ftp.connection import ControlConnection
from crossdock.ftp.control_session import ControlSession
from crossdock.ftp.passive import PassivePorts
from crossdock.ftp.replies import Reply
from crossdock.ftp.words import Draining
from crossdock.operations.listening import Lobby, accept
from crossdock.operations.tasks import came_true
from crossdock.ports.ingress import Ingress

_log = logging.getLogger(__name__)

CUT_GRACE_S = 10.0
"""How long sessions that were cut may still take to commit or discard."""
PARTING_S = 2.0
"""Of it, what clients have to read that their transfer was aborted and the server is stopped, before they are cut."""


class ControlDoor:
    """Implements `connection.Door`. `closed` is called when the last server has left."""

    def __init__(
        self,
        *,
        passive: PassivePorts,
        limits: LoginLimits,
        ingress: Ingress,
        balancers: Sequence[Network],
        header_timeout_s: float,
        is_implicit: bool,
        unread_timeout_s: float,
        closed: Callable[[], None],
    ) -> None:
        self.passive = passive
        self.is_implicit = is_implicit
        self.unread_timeout_s = unread_timeout_s
        self.port = 0
        self.lobby = Lobby()
        self._limits = limits
        self._balancers = balancers
        self._header_timeout_s = header_timeout_s
        self._ingress = ingress
        self._closed = closed
        self._tenants: dict[ServerId, Surroundings] = {}
        self._sessions: dict[ControlSession, Admittance] = {}
        self._somebody_left = asyncio.Event()
        self._acceptor: asyncio.Server | None = None
        self._removals = 0

    @property
    def is_accepting(self) -> bool:
        return self._acceptor is not None

    async def open(self, host: str, port: int) -> None:
        """Accept clients; port 0 is chosen by the system. Raises OSError."""
        self._acceptor, self.port = await accept(host, port, lambda: ControlConnection(self))

    # Who is reached here.

    def add(self, surroundings: Surroundings) -> None:
        """A protocol of a server; of one that is here already, a further one."""
        server_id = surroundings.server.server_id
        here = self._tenants.get(server_id)
        protocols = surroundings.protocols | (here.protocols if here else frozenset())
        self._tenants[server_id] = replace(surroundings, protocols=protocols)
        # By age and not by who came first: a server that was stopped and started again is the one it was.
        self._tenants = dict(sorted(self._tenants.items(), key=lambda tenant: tenant[1].server.age))

    def update(self, server: Server) -> None:
        """Take over changed settings; sessions that are under way keep theirs."""
        self._tenants[server.server_id] = replace(self._tenants[server.server_id], server=server)

    async def remove(self, place: Place, *, drain_timeout_s: float) -> None:
        """Let nobody more in there, let transfers finish for that long, then end them."""
        server_id, protocol = place
        rest = self._tenants[server_id].protocols - {protocol}
        if rest:
            self._tenants[server_id] = replace(self._tenants[server_id], protocols=rest)
        else:
            del self._tenants[server_id]
        if not self._tenants and self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
            self.lobby.clear()
        self._removals += 1
        try:
            await self._drain(drain_timeout_s)
        finally:
            self._removals -= 1
            if not self._tenants and not self._removals:
                self._closed()

    async def _drain(self, drain_timeout_s: float) -> None:
        # Those who are there: the place may be opened again meanwhile, and others come. Also whoever moved to a place
        # after it was closed, which no other drain finds.
        leaving = {session for session in self._sessions if not self.serves(session.place)}

        async def have_left(timeout_s: float) -> bool:
            return await came_true(lambda: leaving.isdisjoint(self._sessions), self._somebody_left, timeout_s=timeout_s)

        for session in leaving:
            session.tell(Draining())
        if not await have_left(drain_timeout_s):
            for session in leaving & self._sessions.keys():
                session.hurry("the server was stopped")
            if await have_left(PARTING_S):
                return
            for session in leaving & self._sessions.keys():
                session.cut("the server was stopped")
            if not await have_left(CUT_GRACE_S - PARTING_S):
                _log.warning(
                    "ftp sessions outlive their server", extra={"sessions": len(leaving & self._sessions.keys())}
                )

    # What a connection asks.

    def header_timeout_s(self, address: str) -> float | None:
        return self._header_timeout_s if expects_header(address, self._balancers) else None

    def let_wait(self, address: str, transport: asyncio.Transport) -> bool:
        admittance = self._limits.acquire(address, is_shared=True)
        if isinstance(admittance, Refusal):
            _refused(self._tenants, address, admittance.reason)
            transport.abort()
            return False
        self.lobby.enter(transport, admittance.release)
        return True

    def receive(self, address: str) -> tuple[Surroundings, Admittance] | Reply | None:
        first = next((one for one in self._tenants.values() if self._lets_in(one, address)), None)
        if first is None:
            _refused(self._tenants, address, "no ingress rule")
            return None
        admittance = self._limits.acquire(address)
        if isinstance(admittance, Refusal):
            _refused([first.server.server_id], address, admittance.reason)
            return replies.TOO_MANY_CONNECTIONS
        return first, admittance

    def enter(self, session: ControlSession, admittance: Admittance) -> None:
        self._sessions[session] = admittance

    def leave(self, session: ControlSession) -> None:
        self._sessions.pop(session).release()
        self._somebody_left.set()

    def named(self, hostname: str, address: str) -> Surroundings | None:
        """None also when several have the name, for a password must not go to the wrong one."""
        wanted = hostname.lower().rstrip(".")
        found = [one for one in self._tenants.values() if wanted and one.server.hostname == wanted]
        return found[0] if len(found) == 1 and self._lets_in(found[0], address) else None

    def serves(self, place: Place) -> bool:
        server_id, protocol = place
        tenant = self._tenants.get(server_id)
        return tenant is not None and protocol in tenant.protocols

    def _lets_in(self, tenant: Surroundings, address: str) -> bool:
        return any(
            self._ingress.admits(tenant.server, address, protocol=protocol, port=self.port)
            for protocol in tenant.protocols
        )


def _refused(server_ids: Iterable[ServerId], address: str, reason: str) -> None:
    """Whose client it was to be nobody knows where several servers share the port."""
    told = {"server_id": ", ".join(server_ids), "source_ip": address, "reason": reason}
    _log.info("ftp connection refused", extra=told)
