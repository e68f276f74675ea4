"""The SFTP edge as the gateway sees it: opens an endpoint for a server, changes it, drains it."""

from crossdock.core.errors import CrossdockError
from crossdock.core.networks import parse_network
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.limits import LoginLimits
from crossdock.files.login import Admission
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.guests import Rooms
from crossdock.ports.host import Clock
from crossdock.ports.host_keys import HostKeys
from crossdock.ports.ingress import Ingress
from crossdock.settings import SftpSettings
from crossdock.sftp.door import SshDoor
from crossdock.sftp.rooms import SshRooms


class SftpEdge:
    """Opens endpoints for SFTP, each on a port of its own.

    `allow_append` and `rename_directories` are FTP's settings of these names. `elsewhere` is where clients are served,
    if not in this process.
    """

    passive_ports: tuple[int, ...] = ()

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
        rename_directories: bool = False,
        elsewhere: Rooms | None = None,
    ) -> None:
        self._limits = limits
        self._ingress = ingress
        self._settings = settings or SftpSettings()
        self._balancers = tuple(parse_network(cidr) for cidr in self._settings.proxy_protocol_from)
        self._tasks = tasks
        self._here = SshRooms(
            admission=admission,
            host_keys=host_keys,
            tasks=tasks,
            clock=clock,
            settings=self._settings,
            allow_append=allow_append,
            rename_directories=rename_directories,
        )
        self._rooms: Rooms = elsewhere or self._here

    async def open(self, server: Server, protocol: FileProtocol, host: str, port: int) -> "SftpListener":
        """Raises OSError when the port cannot be had; without an errno, and with a sentence, for a host key."""
        try:
            await self._here.check(server)
        except CrossdockError as error:
            raise OSError(str(error)) from error
        if self._rooms is self._here:
            self._here.prepare()
        door = SshDoor(
            server,
            rooms=self._rooms,
            settings=self._settings,
            limits=self._limits,
            ingress=self._ingress,
            balancers=self._balancers,
            tasks=self._tasks,
        )
        await door.open(host, port)
        return SftpListener(door)

    def close(self) -> None:
        """Let the threads go, when every listener is closed."""
        self._here.close()


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
