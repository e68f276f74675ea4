"""An open SSH port of one server, and the clients that are there."""

import asyncio
import logging
from collections.abc import Sequence

from crossdock.core.logins import Refusal
from crossdock.core.networks import Network
from crossdock.core.proxy_protocol import expects_header
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.limits import Admittance, LoginLimits
from crossdock.operations.listening import Lobby, accept
from crossdock.operations.tasks import TaskSupervisor, came_true
from crossdock.ports.guests import Arrived, Guest, Rooms
from crossdock.ports.ingress import Ingress
from crossdock.settings import SftpSettings
from crossdock.sftp.arrival import Arrival, HeaderRule
from crossdock.sftp.ssh_refusal import Farewells

_log = logging.getLogger(__name__)

CUT_GRACE_S = 10.0
"""How long sessions that were cut may still take to commit or discard."""

NO_INGRESS = "no ingress rule"
NO_VOUCHER = (
    "SftpMode demands the header of a load balancer, and nothing says whose counts: name the balancer in "
    "sftp.proxy_protocol_from, or give the server a security group that admits it"
)


class SshDoor:
    """Implements `arrival.ArrivalDoor`."""

    def __init__(
        self,
        server: Server,
        *,
        rooms: Rooms,
        settings: SftpSettings,
        limits: LoginLimits,
        ingress: Ingress,
        balancers: Sequence[Network],
        tasks: TaskSupervisor,
    ) -> None:
        self.port = 0
        self.lobby = Lobby()
        self._farewells = Farewells(self.lobby)
        self._server = server
        self._rooms = rooms
        self._settings = settings
        self._limits = limits
        self._ingress = ingress
        self._balancers = balancers
        self._tasks = tasks
        self._acceptor: asyncio.Server | None = None
        self._coming: set[asyncio.Task[bool]] = set()
        self._clients: dict[Guest, Admittance] = {}
        self._somebody_left = asyncio.Event()

    async def open(self, host: str, port: int) -> None:
        """Accept clients; port 0 is chosen by the system. Raises OSError."""
        self._acceptor, self.port = await accept(host, port, lambda: Arrival(self))

    def update(self, server: Server) -> None:
        """Take over changed settings; who is there keeps theirs."""
        self._server = server

    async def close(self, *, drain_timeout_s: float) -> None:
        """Accept nobody more, let transfers finish for that long, then end them."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        self.lobby.clear()
        for task in self._coming:
            task.cancel()
        for client in list(self._clients):
            client.drain()
        if not await self._left(drain_timeout_s):
            for client in list(self._clients):
                client.cut("the server was stopped")
            if not await self._left(CUT_GRACE_S):
                _log.warning("sftp sessions outlive their server", extra={"sessions": len(self._clients)})

    # What an arrival asks.

    def header_rule(self, address: str) -> HeaderRule | None:
        settings = self._settings
        must = self._server.needs_proxy_header
        if not must and not expects_header(address, self._balancers):
            return None
        return HeaderRule(
            timeout_s=settings.login_timeout_s,
            is_optional=settings.proxy_protocol_optional and not must,
            is_version_2=must,
        )

    def let_wait(self, address: str, transport: asyncio.Transport) -> bool:
        is_named = expects_header(address, self._balancers)
        # Whoever only says to be a balancer is looked at now: what it says of others comes when it likes.
        if not is_named and not self._lets_in(address, transport, balancer=address):
            return False
        admittance = self._limits.acquire(address, is_shared=is_named)
        if isinstance(admittance, Refusal):
            self._turn_away(transport, address, admittance.reason)
            return False
        self.lobby.enter(transport, admittance.release)
        return True

    def receive(self, address: str, transport: asyncio.Transport, seen: bytes, *, balancer: str = "") -> None:
        if self._acceptor is None:
            transport.abort()
            return
        if not self._lets_in(address, transport, balancer=balancer):
            return
        admittance = self._limits.acquire(address)
        if isinstance(admittance, Refusal):
            self._tell_refusal(address, admittance.reason)
            self._farewells.too_many(transport)
            return
        arrived = Arrived(
            server=self._server, address=address, is_proxied=bool(balancer), transport=transport, seen=seen
        )
        task = self._tasks.start(self._let_in(arrived, admittance), name="ssh arrival")
        self._coming.add(task)
        task.add_done_callback(lambda task: self._arrived(task, transport, admittance))

    def _lets_in(self, address: str, transport: asyncio.Transport, *, balancer: str) -> bool:
        """Whether the rules do; of a load balancer that only the server trusts, they are about the balancer itself.

        As at AWS, whose security groups see the balancer: only what they keep to the balancer makes its word good.
        """
        only_by_server = bool(balancer) and not expects_header(balancer, self._balancers)
        asked = balancer if only_by_server else address
        if only_by_server and not self._ingress.is_restricted(self._server):
            self._turn_away(transport, asked, NO_VOUCHER)
            return False
        if not self._ingress.admits(self._server, asked, protocol=FileProtocol.SFTP, port=self.port):
            self._turn_away(transport, asked, NO_INGRESS)
            return False
        return True

    def _turn_away(self, transport: asyncio.Transport, address: str, reason: str) -> None:
        """As a firewall would: whoever may not come here learns nothing."""
        self._tell_refusal(address, reason)
        transport.abort()

    def _tell_refusal(self, address: str, reason: str) -> None:
        extra = {"server_id": self._server.server_id, "source_ip": address, "reason": reason}
        _log.info("ssh connection refused", extra=extra)

    async def _let_in(self, arrived: Arrived, admittance: Admittance) -> bool:
        """Whether the connection is a client's from now on, who leaves when it ends."""
        guest = await self._rooms.receive(arrived, self._leave)
        if guest is None:
            return False
        self._clients[guest] = admittance
        return True

    def _arrived(self, task: "asyncio.Task[bool]", transport: asyncio.Transport, admittance: Admittance) -> None:
        """Whoever did not get in is sent away, for whatever reason."""
        self._coming.discard(task)
        if task.cancelled() or task.exception() is not None or not task.result():
            transport.abort()
            admittance.release()

    def _leave(self, client: Guest) -> None:
        self._clients.pop(client).release()
        self._somebody_left.set()

    async def _left(self, timeout_s: float) -> bool:
        return await came_true(lambda: not self._clients, self._somebody_left, timeout_s=timeout_s)
