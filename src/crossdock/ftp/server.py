"""The FTP edge as the gateway sees it: opens an endpoint for a protocol of a server, changes it, drains it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from crossdock.core.ids import Entropy
from crossdock.core.networks import parse_network
from crossdock.core.ports_text import format_ports
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.limits import LoginLimits
from crossdock.files.session import Admit
from crossdock.ftp.activities import Surroundings
from crossdock.ftp.addresses import passive_overrides
from crossdock.ftp.door import ControlDoor
from crossdock.ftp.passive import PassivePorts
from crossdock.ftp.passive_sharing import PassiveSharing, SharedPorts
from crossdock.ftp.tls import KeyRing
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads
from crossdock.ports.certificates import CertificateUnavailable, ServerCertificates
from crossdock.ports.host import Clock
from crossdock.ports.ingress import Ingress
from crossdock.settings import FtpSettings, LoginSettings

_log = logging.getLogger(__name__)

PASSIVE_PORTS = 9
"""How many the system chooses when none are given; AWS has 8192 to 8200."""
UNREAD_TIMEOUT_S = 60.0
POOL_THREADS = 4
HANDSHAKE_THREADS = 2
"""More would let a crowd of strangers take every core."""


class FtpEdge:
    """Opens endpoints for FTP and FTPS.

    `passive_ports` are shared by all endpoints on an address and stay open while there is one; none given = the system
    chooses nine, and they stay the same for as long as this object lives. Those that it chose before, and that are only
    to stay the same where they can, are `kept_passive_ports`. `passive_ip` is the setting of that name.
    """

    def __init__(
        self,
        *,
        admit: Admit,
        limits: LoginLimits,
        certificates: ServerCertificates,
        ingress: Ingress,
        tasks: TaskSupervisor,
        clock: Clock,
        entropy: Entropy,
        passive_ports: Sequence[int] = (),
        kept_passive_ports: Sequence[int] = (),
        passive_ip: Mapping[str, str] | None = None,
        ftp: FtpSettings | None = None,
        login: LoginSettings | None = None,
        unread_timeout_s: float = UNREAD_TIMEOUT_S,
    ) -> None:
        self._admit = admit
        self._limits = limits
        self._keys = KeyRing(certificates)
        self._ingress = ingress
        self._tasks = tasks
        self._clock = clock
        self._entropy = entropy
        self._passive_overrides = passive_overrides(passive_ip or {})
        self._ftp = ftp or FtpSettings()
        self._balancers = tuple(parse_network(cidr) for cidr in self._ftp.proxy_protocol_from)
        self._login = login or LoginSettings()
        self._unread_timeout_s = unread_timeout_s
        self._pool = Threads(POOL_THREADS, name="ftp-data")
        self._handshakes = Threads(HANDSHAKE_THREADS, name="ftp-tls")
        self._passive = PassiveSharing(
            passive_ports or kept_passive_ports or (0,) * PASSIVE_PORTS,
            are_kept=not passive_ports,
            balancers=self._balancers,
            claim_s=self._ftp.data_connect_timeout_s,
        )
        self.passive_ports = tuple(passive_ports)
        self._doors: dict[tuple[str, int], ControlDoor] = {}
        self._opening = asyncio.Lock()

    async def open(self, server: Server, protocol: FileProtocol, host: str, port: int) -> "FtpListener":
        """A further protocol, or server, on a port that is open already shares it.

        Raises OSError when the port cannot be had; without an errno, and with a sentence, for passive ports or a
        certificate.
        """
        if protocol is FileProtocol.FTPS:
            try:
                await self._keys.current(server)
            except CertificateUnavailable as error:
                raise OSError(str(error)) from error
        async with self._opening:
            is_implicit = protocol is FileProtocol.FTPS and server.is_tls_implicit
            door = self._doors.get((host, port))
            if door is None or not door.is_accepting:
                door = await self._open_door(server, host, port, is_implicit=is_implicit)
            if door.is_implicit is not is_implicit:
                raise OSError(f"port {port} on {host} cannot serve implicit TLS and the rest at the same time")
            door.add(self._surroundings(server, protocol, door.passive))
        return FtpListener(door, server, protocol, self._keys)

    def close(self) -> None:
        """Let the threads go, when every listener is closed."""
        self._pool.shutdown(wait=False)
        self._handshakes.shutdown(wait=False)

    async def _open_door(self, server: Server, host: str, port: int, *, is_implicit: bool) -> ControlDoor:
        shared = await self._passive.acquire(host)
        if shared.lost:
            reason = _without_lost(shared)
            _log.warning("passive ports are missing", extra={"server_id": server.server_id, "reason": reason})

        def closed() -> None:
            if self._doors.get((host, door.port)) is door:
                del self._doors[host, door.port]
            self._passive.release(shared)

        door = ControlDoor(
            passive=shared.passive,
            limits=self._limits,
            ingress=self._ingress,
            balancers=self._balancers,
            header_timeout_s=self._login.pre_login_timeout_s,
            is_implicit=is_implicit,
            unread_timeout_s=self._unread_timeout_s,
            closed=closed,
        )
        try:
            await door.open(host, port)
        except BaseException:
            self._passive.release(shared)
            raise
        self._doors[host, door.port] = door
        return door

    def _surroundings(self, server: Server, protocol: FileProtocol, passive: PassivePorts) -> Surroundings:
        return Surroundings(
            server=server,
            protocols=frozenset({protocol}),
            admit=self._admit,
            passive=passive,
            passive_overrides=self._passive_overrides,
            keys=self._keys,
            pool=self._pool,
            handshakes=self._handshakes,
            tasks=self._tasks,
            clock=self._clock,
            entropy=self._entropy,
            ftp=self._ftp,
            login=self._login,
        )


def _without_lost(shared: SharedPorts) -> str:
    """What became of the ports that another program has, and what to do about it."""
    lost, open_ports = format_ports(shared.lost), format_ports(shared.passive.ports)
    return (
        f"port {lost} on {shared.address}, for data connections, is in use by another program: {open_ports} are open "
        "instead. Stop what uses it and start the server again, or give other ports with --passive-ports"
    )


class FtpListener:
    """One protocol of one server at a door."""

    def __init__(self, door: ControlDoor, server: Server, protocol: FileProtocol, keys: KeyRing) -> None:
        self._door = door
        self._keys = keys
        self._place = (server.server_id, protocol)
        self._is_open = True

    @property
    def port(self) -> int:
        return self._door.port

    @property
    def passive_ports(self) -> tuple[int, ...]:
        return self._door.passive.ports

    def update(self, server: Server) -> None:
        """Take over changed settings; sessions that are under way keep theirs."""
        self._door.update(server)

    async def close(self, *, drain_timeout_s: float) -> None:
        """Accept nobody more, let transfers finish for that long, then end them."""
        if self._is_open:
            self._is_open = False
            server_id, protocol = self._place
            if protocol is FileProtocol.FTPS:
                self._keys.forget(server_id)
            await self._door.remove(self._place, drain_timeout_s=drain_timeout_s)
