"""The SFTP edge as the gateway sees it: opens an endpoint for a server, changes it, drains it."""

import logging
from functools import cached_property

from crossdock.core.errors import CrossdockError
from crossdock.core.networks import parse_network
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.limits import LoginLimits
from crossdock.files.login import Admission
from crossdock.files.ssh_login import SshLogin
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads
from crossdock.ports.host import Clock
from crossdock.ports.host_keys import HostKeys
from crossdock.ports.ingress import Ingress
from crossdock.settings import SftpSettings
from crossdock.sftp.conversation import Means
from crossdock.sftp.door import SshDoor
from crossdock.sftp.fast_reliance import fast_paths
from crossdock.sftp.ssh_client import Surroundings
from crossdock.sftp.ssh_options import Offers

POOL_THREADS = 4


class SftpEdge:
    """Opens endpoints for SFTP, each on a port of its own.

    `allow_append` is FTP's setting of that name: uploads may go on at the end of a file.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        limits: LoginLimits,
        host_keys: HostKeys,
        ingress: Ingress,
        tasks: TaskSupervisor,
        clock: Clock,
        settings: SftpSettings | None = None,
        allow_append: bool = False,
    ) -> None:
        # What asyncssh says at INFO is a line for each of its steps; of what it says below, some is the client's.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        self._admission = admission
        self._limits = limits
        self._host_keys = host_keys
        self._ingress = ingress
        self._settings = settings or SftpSettings()
        self._balancers = tuple(parse_network(cidr) for cidr in self._settings.proxy_protocol_from)
        self._pool = Threads(POOL_THREADS, name="sftp-data")
        self._means = Means(pool=self._pool, tasks=tasks, clock=clock, allow_append=allow_append)

    async def open(self, server: Server, protocol: FileProtocol, host: str, port: int) -> "SftpListener":
        """Raises OSError when the port cannot be had; without an errno, and with a sentence, for a host key."""
        offers = Offers(self._host_keys, self._settings)
        try:
            await offers.current(server)
        except CrossdockError as error:
            raise OSError(str(error)) from error
        door = SshDoor(
            server,
            offers=offers,
            surroundings=self._surroundings,
            login_for=self._login_for,
            limits=self._limits,
            ingress=self._ingress,
            balancers=self._balancers,
        )
        await door.open(host, port)
        return SftpListener(door)

    @cached_property
    def _surroundings(self) -> Surroundings:
        """Not before there is a server: to look whether asyncssh is what the fast path relies on takes a while."""
        paths = fast_paths() if self._settings.fast_path else None
        return Surroundings(means=self._means, settings=self._settings, paths=paths)

    def close(self) -> None:
        """Let the threads go, when every listener is closed."""
        self._pool.shutdown(wait=False)

    def _login_for(self, server: Server, address: str) -> SshLogin:
        return SshLogin(admission=self._admission, server=server, source_ip=address)


class SftpListener:
    """See `gateway.edges.Listener`."""

    def __init__(self, door: SshDoor) -> None:
        self._door = door
        self._is_open = True

    @property
    def port(self) -> int:
        return self._door.port

    @property
    def passive_ports(self) -> tuple[int, ...]:
        return ()

    def update(self, server: Server) -> None:
        """Take over changed settings; sessions that are under way keep theirs."""
        self._door.update(server)

    async def close(self, *, drain_timeout_s: float) -> None:
        """Accept nobody more, let transfers finish for that long, then end them."""
        if self._is_open:
            self._is_open = False
            await self._door.close(drain_timeout_s=drain_timeout_s)
