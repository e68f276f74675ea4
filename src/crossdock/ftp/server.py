"""The FTP edge as the gateway sees it: opens an endpoint for a server, changes it, drains it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from crossdock.core.ids import Entropy
from crossdock.core.logins import Refusal
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.limits import Admittance, LoginLimits
from crossdock.files.session import Admit
from crossdock.ftp import replies
from crossdock.ftp.activities import Surroundings
from crossdock.ftp.connection import ControlConnection
from crossdock.ftp.passive import BACKLOG, PassivePorts, listen
from crossdock.ftp.replies import Reply
from crossdock.ftp.words import Draining
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.host import Clock
from crossdock.settings import FtpSettings, LoginSettings

_log = logging.getLogger(__name__)

PASSIVE_PORTS = 9
"""How many the system chooses when none are given; AWS has 8192 to 8200."""
UNREAD_TIMEOUT_S = 60.0
POOL_THREADS = 4
CUT_GRACE_S = 10.0
"""How long sessions that were cut may still take to commit or discard."""


@dataclass(slots=True)
class _SharedPorts:
    """The passive ports of one address, and how many endpoints use them."""

    passive: PassivePorts
    chosen: tuple[int, ...] = ()
    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class FtpEdge:
    """Opens FTP endpoints.

    `passive_ports` are shared by all endpoints on an address and stay open while there is one; none given = the system
    chooses nine, and keeps them for as long as this object lives.
    """

    def __init__(
        self,
        *,
        admit: Admit,
        limits: LoginLimits,
        tasks: TaskSupervisor,
        clock: Clock,
        entropy: Entropy,
        passive_ports: Sequence[int] = (),
        ftp: FtpSettings | None = None,
        login: LoginSettings | None = None,
        unread_timeout_s: float = UNREAD_TIMEOUT_S,
    ) -> None:
        self._admit = admit
        self._limits = limits
        self._tasks = tasks
        self._clock = clock
        self._entropy = entropy
        self._passive_ports = tuple(passive_ports) or (0,) * PASSIVE_PORTS
        self._ftp = ftp or FtpSettings()
        self._login = login or LoginSettings()
        self._unread_timeout_s = unread_timeout_s
        self._pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="ftp-data")
        self._shared: dict[str, _SharedPorts] = {}

    async def open(self, server: Server, host: str, port: int) -> "FtpListener":
        """Raises OSError when the port cannot be had; without an errno, and with a sentence, for a passive port."""
        shared = await self._share(host)
        surroundings = Surroundings(
            server=server,
            protocol=FileProtocol.FTP,
            admit=self._admit,
            passive=shared.passive,
            pool=self._pool,
            tasks=self._tasks,
            clock=self._clock,
            entropy=self._entropy,
            ftp=self._ftp,
            login=self._login,
            unread_timeout_s=self._unread_timeout_s,
        )
        listener = FtpListener(surroundings, self._limits, lambda: self._release(shared))
        try:
            await listener.start(host, port)
        except OSError:
            self._release(shared)
            raise
        return listener

    def close(self) -> None:
        """Let the threads go, when every listener is closed."""
        self._pool.shutdown(wait=False)

    async def _share(self, host: str) -> _SharedPorts:
        shared = self._shared.setdefault(host, _SharedPorts(PassivePorts()))
        async with shared.lock:
            if not shared.users:
                await shared.passive.open(host, shared.chosen or self._passive_ports)
                shared.chosen = shared.passive.ports
            shared.users += 1
        return shared

    def _release(self, shared: _SharedPorts) -> None:
        shared.users -= 1
        if not shared.users:
            shared.passive.close()


class FtpListener:
    """One server's open control port, and the connections that came through it."""

    def __init__(self, surroundings: Surroundings, limits: LoginLimits, release: Callable[[], None]) -> None:
        self._surroundings = surroundings
        self._limits = limits
        self._release = release
        self._connections: dict[ControlConnection, Admittance] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._acceptor: asyncio.Server | None = None
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def passive_ports(self) -> tuple[int, ...]:
        return self._surroundings.passive.ports

    async def start(self, host: str, port: int) -> None:
        """Accept clients; port 0 is chosen by the system. Raises OSError."""
        listening = await listen(host, port)
        self._port = listening.getsockname()[1]
        self._acceptor = await asyncio.get_running_loop().create_server(
            self._connection, sock=listening, backlog=BACKLOG
        )

    def update(self, server: Server) -> None:
        """Take over changed settings; sessions that are under way keep theirs."""
        self._surroundings = replace(self._surroundings, server=server)

    async def close(self, *, drain_timeout_s: float) -> None:
        """Accept nobody more, let transfers finish for that long, then end them."""
        if self._acceptor is None:
            return
        self._acceptor.close()
        self._acceptor = None
        for connection in list(self._connections):
            connection.tell(Draining())
        if not await self._emptied(drain_timeout_s):
            for connection in list(self._connections):
                connection.cut()
            if not await self._emptied(CUT_GRACE_S):
                _log.warning("ftp sessions outlive their server", extra={"sessions": len(self._connections)})
        self._release()

    def _connection(self) -> ControlConnection:
        return ControlConnection(self._surroundings, enter=self._enter, left=self._leave)

    def _enter(self, connection: ControlConnection, address: str) -> Reply | None:
        if self._acceptor is None:
            return replies.SHUTTING_DOWN
        admittance = self._limits.acquire(address)
        if isinstance(admittance, Refusal):
            _log.info("ftp connection refused", extra={"source_ip": address, "reason": admittance.reason})
            return replies.TOO_MANY_CONNECTIONS
        self._connections[connection] = admittance
        self._is_empty.clear()
        return None

    def _leave(self, connection: ControlConnection) -> None:
        admittance = self._connections.pop(connection, None)
        if admittance is not None:
            admittance.release()
        if not self._connections:
            self._is_empty.set()

    async def _emptied(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._is_empty.wait()
        except TimeoutError:
            return False
        return True
