"""A file protocol without sockets, and a directory of servers that a test can disturb.

bench = make_bench()
server_id = await bench.server()
await bench.gateway.reconcile()
assert await bench.ports() == {server_id: 2121}
"""

import asyncio
import errno
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.fakes.clock import FakeClock
from tests.fakes.patience import PATIENCE_S
from tests.fakes.transfer import TransferApi, make_transfer_api

from crossdock.core.errors import Unavailable
from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.gateway import Edge, Gateway
from crossdock.gateway.openings import Objection
from crossdock.operations.tasks import TaskSupervisor
from crossdock.transfer.directory import StateServerDirectory

PASSIVE = (8192, 8193)
HOST = "127.0.0.1"
DEFAULT_PORTS = {FileProtocol.FTP: 2121, FileProtocol.FTPS: 2121, FileProtocol.SFTP: 2222}


@dataclass(slots=True)
class Machine:
    """What several edges share: which ports are in use, by the edges' listeners or by other programs.

    `shared` has the addresses on which listeners are, once for each.
    """

    busy: set[int] = field(default_factory=set)
    shared: list[tuple[str, int]] = field(default_factory=list)
    chosen: "itertools.count[int]" = field(default_factory=lambda: itertools.count(40001))


@dataclass(slots=True, eq=False)
class FakeListener:
    """Implements `gateway.Listener`; a transfer is under way until `finish`, when `has_transfer`."""

    machine: Machine
    server: Server
    host: str
    port: int
    passive_ports: tuple[int, ...]
    has_transfer: bool
    updates: list[Server] = field(default_factory=list)
    is_accepting: bool = True
    is_closed: bool = False
    drain_timeout_s: float | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def update(self, server: Server) -> None:
        self.updates.append(server)

    def finish(self) -> None:
        self.finished.set()

    async def close(self, *, drain_timeout_s: float) -> None:
        self.is_accepting = False
        self.machine.shared.remove((self.host, self.port))
        if (self.host, self.port) not in self.machine.shared:
            self.machine.busy.discard(self.port)
        self.drain_timeout_s = drain_timeout_s
        if self.has_transfer:
            await self.finished.wait()
        self.is_closed = True


@dataclass(slots=True)
class FakeEdge:
    """Implements `gateway.Edge`. Raises `error` when set; waits for `slow` before it has the port.

    A port that it has open on a host is open for a further protocol or server.
    """

    machine: Machine
    passive_ports: tuple[int, ...] = ()
    error: Exception | None = None
    slow: asyncio.Event | None = None
    has_transfers: bool = False
    opened: list[FakeListener] = field(default_factory=list)
    tried: list[tuple[str, int]] = field(default_factory=list)

    async def open(self, server: Server, protocol: FileProtocol, host: str, port: int) -> FakeListener:
        self.tried.append((host, port))
        if self.slow is not None:
            await self.slow.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if port in self.machine.busy and (host, port) not in self.machine.shared:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        bound = port or next(self.machine.chosen)
        self.machine.busy.add(bound)
        self.machine.shared.append((host, bound))
        listener = FakeListener(self.machine, server, host, bound, self.passive_ports, self.has_transfers)
        self.opened.append(listener)
        return listener


class DisturbedDirectory:
    """The real directory; as many of its next calls fail as `failures` says.

    `on_report` runs before each report, `on_endpoints` before what is known of endpoints is read.
    """

    def __init__(self, directory: StateServerDirectory) -> None:
        self._directory = directory
        self.failures = 0
        self.failed = 0
        self.on_report: Callable[[ServerState], Awaitable[None]] | None = None
        self.on_endpoints: Callable[[], Awaitable[None]] | None = None
        self.reported: list[tuple[str, ServerState, bool]] = []

    def _perhaps_fail(self) -> None:
        if self.failures:
            self.failures -= 1
            self.failed += 1
            raise Unavailable("the state does not answer")

    async def servers(self) -> Sequence[Server]:
        self._perhaps_fail()
        return await self._directory.servers()

    async def server(self, server_id: str) -> Server | None:
        return await self._directory.server(server_id)

    def changes(self) -> AsyncIterator[None]:
        return self._directory.changes()

    async def endpoints(self) -> Sequence[Endpoint]:
        if self.on_endpoints is not None:
            await self.on_endpoints()
        return await self._directory.endpoints()

    async def report(
        self, server_id: str, state: ServerState, endpoints: Sequence[Endpoint], *, is_wanted: bool | None = None
    ) -> bool:
        self._perhaps_fail()
        if self.on_report is not None:
            await self.on_report(state)
        taken = await self._directory.report(server_id, state, endpoints, is_wanted=is_wanted)
        self.reported.append((server_id, state, taken))
        return taken


@dataclass(slots=True, kw_only=True)
class Bench:
    """A gateway on fake edges, whose servers are made and changed through the Transfer API."""

    api: TransferApi
    directory: DisturbedDirectory
    machine: Machine
    ftp: FakeEdge
    sftp: FakeEdge
    gateway: Gateway
    tasks: TaskSupervisor
    announced: list[Endpoint]

    async def server(self, **settings: object) -> str:
        """A new FTP server's id; each is younger than the one before."""
        clock = self.api.operations.house.clock
        assert isinstance(clock, FakeClock)
        clock.advance(1)
        return await self.api.server(**settings)

    async def endpoint(self, server_id: str, protocol: str = "FTP") -> Endpoint:
        return next(
            one for one in await self.directory.endpoints() if (one.server_id, one.protocol) == (server_id, protocol)
        )

    async def state(self, server_id: str) -> str:
        return str((await self.api.described(server_id))["State"])

    async def ports(self) -> dict[str, int]:
        return {one.server_id: one.port for one in await self.directory.endpoints()}

    async def ask(self, operation: str, server_id: str, **params: object) -> None:
        await self.api.call(operation, ServerId=server_id, **params)

    async def do(self, operation: str, server_id: str, **params: object) -> None:
        """Call, and let the gateway answer."""
        await self.ask(operation, server_id, **params)
        await self.gateway.reconcile()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """The gateway's own task runs, as in the service."""
        task = self.tasks.start(self.gateway.run(), name="gateway")
        try:
            yield
        finally:
            assert not task.done(), "the gateway must follow for as long as the service lives"
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def no_objection(_server: Server, _protocol: FileProtocol, _host: str) -> str:
    return ""


def make_bench(
    *,
    before: Bench | None = None,
    default_ports: Mapping[FileProtocol, int] = DEFAULT_PORTS,
    host: str = HOST,
    without: Sequence[FileProtocol] = (),
    objection: Objection = no_objection,
) -> Bench:
    """`before` = the same servers and state after a restart, on a machine where nothing of it listens any more."""
    api = before.api if before else make_transfer_api()
    directory = DisturbedDirectory(api.directory)
    machine, tasks = Machine(), TaskSupervisor()
    ftp, sftp = FakeEdge(machine, passive_ports=PASSIVE), FakeEdge(machine)
    edges: dict[FileProtocol, Edge] = {FileProtocol.FTP: ftp, FileProtocol.FTPS: ftp, FileProtocol.SFTP: sftp}
    announced: list[Endpoint] = []
    gateway = Gateway(
        directory,
        {protocol: edge for protocol, edge in edges.items() if protocol not in without},
        host=host,
        default_ports=default_ports,
        drain_timeout_s=30,
        announce=announced.append,
        tasks=tasks,
        objection=objection,
        retry_s=0,
    )
    return Bench(
        api=api,
        directory=directory,
        machine=machine,
        ftp=ftp,
        sftp=sftp,
        gateway=gateway,
        tasks=tasks,
        announced=announced,
    )


async def until(is_so: Callable[[], Awaitable[bool]], *, timeout_s: float = PATIENCE_S) -> None:
    """Let other tasks run until something is so."""
    async with asyncio.timeout(timeout_s):
        while not await is_so():  # noqa: ASYNC110 - what is awaited is spread over several objects
            await asyncio.sleep(0)


def of_task(server_id: str, do: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Runs only in the server's own task."""

    async def run() -> None:
        task = asyncio.current_task()
        if task is not None and task.get_name() == f"server {server_id}":
            await do()

    return run
