"""An SFTP edge on loopback over S3 in memory, with logins as they are in the house, and asyncssh as its client.

    async with sftp_house() as house:
        async with house.client(password="secret") as conn:
            ...

Users are `user1` and `user2`: `secret` is their password and `CLIENT_KEY` their key. Home is `/bucket/home`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import asyncssh
from tests.fakes import patience
from tests.fakes.blocks import make_pool
from tests.fakes.clock import FakeClock
from tests.fakes.closing import all_closed
from tests.fakes.filesystems import make_s3
from tests.fakes.host_keys import MemoryHostKeys, host_keys
from tests.fakes.house import CountingEntropy
from tests.fakes.ingress import OnlyNamedGroups
from tests.fakes.logins import IDENTITY, SERVER, MemoryAssumer, MemoryLog, answer
from tests.fakes.object_store import MemoryS3
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.core.logins import LoginAttempt, Password
from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.files.limits import LoginLimits
from crossdock.files.login import Admission
from crossdock.files.login_check import LoginCheck
from crossdock.files.session_limits import SessionLimits
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.authority import IdentityAnswer
from crossdock.ports.guests import Rooms
from crossdock.ports.ingress import Ingress
from crossdock.settings import SftpSettings
from crossdock.sftp.server import SftpEdge, SftpListener

PATIENCE_S = 20.0
eventually = partial(patience.eventually, patience_s=PATIENCE_S)
CLIENT_KEY = asyncssh.generate_private_key("ssh-ed25519")
RSA_KEY = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
STRANGE_KEY = asyncssh.generate_private_key("ssh-ed25519")


def key_line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()


def sftp_server(methods: str = "", **changes: Any) -> Server:
    provider = replace(SERVER.identity_provider, sftp_authentication_methods=methods)
    return replace(SERVER, protocols=(FileProtocol.SFTP,), identity_provider=provider, **changes)


@dataclass
class Directory:
    """Implements `ports.servers.ServerDirectory` for one server, which a test may change."""

    known: Server

    async def servers(self) -> list[Server]:
        return [self.known]

    async def server(self, server_id: str) -> Server | None:
        return self.known if self.known.server_id == server_id else None

    async def changes(self) -> AsyncIterator[None]:
        yield None

    async def endpoints(self) -> list[Endpoint]:
        return []

    async def report(self, server_id: str, state: ServerState, endpoints: object, **more: object) -> bool:
        raise NotImplementedError


@dataclass
class Provider:
    """Implements `ports.authority.IdentityProvider`. `gate`, when set, is waited for."""

    asked: list[LoginAttempt] = field(default_factory=list)
    gate: asyncio.Event | None = None
    failure: Exception | None = None

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        self.asked.append(attempt)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if attempt.username not in ("user1", "user2"):
            return answer(None, "no such user")
        if isinstance(attempt.credential, Password):
            return answer(IDENTITY if attempt.credential.value == "secret" else None, "no")
        return answer(replace(IDENTITY, public_keys=(key_line(CLIENT_KEY), key_line(RSA_KEY))))


@dataclass
class SftpHouse:
    edge: SftpEdge
    listener: SftpListener
    directory: Directory
    provider: Provider
    host_keys: MemoryHostKeys
    s3: MemoryS3
    log: MemoryLog
    limits: LoginLimits
    tasks: TaskSupervisor

    @asynccontextmanager
    async def client(self, username: str = "user1", **options: Any) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A client that has logged in; by the key, unless `options` of `asyncssh.connect` say otherwise."""
        given = {"client_keys": [CLIENT_KEY]} if "password" not in options else {"client_keys": None}
        options = given | options
        async with (
            asyncio.timeout(PATIENCE_S),
            asyncssh.connect(
                "127.0.0.1", self.listener.port, username=username, known_hosts=None, config=None, **options
            ) as conn,
        ):
            yield conn

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    def update(self, server: Server) -> None:
        self.directory.known = server
        self.listener.update(server)

    async def everybody_left(self) -> None:
        await eventually(lambda: not self.limits.connections)


@asynccontextmanager
async def sftp_house(
    *,
    server: Server | None = None,
    settings: SftpSettings | None = None,
    ingress: Ingress | None = None,
    total: int = 100,
    per_address: int = 100,
    elsewhere: Rooms | None = None,
) -> AsyncIterator[SftpHouse]:
    server = server or sftp_server()
    clock, s3, log = FakeClock(), make_s3(), MemoryLog()
    directory, provider, tasks = Directory(server), Provider(), TaskSupervisor()
    limits = LoginLimits(per_address=per_address, total=total)

    async def no_wait(_seconds: float) -> None:
        await asyncio.sleep(0)

    admission = Admission(
        servers=directory,
        check=LoginCheck(
            provider=provider,
            assumer=MemoryAssumer(clock=clock, s3=s3),
            entropy=CountingEntropy(),
            concurrent=64,
            timeout_s=30,
        ),
        log=log,
        clock=clock,
        blocks=make_pool(),
        limits=SessionLimits(per_server=100, per_user=0),
        sleep=no_wait,
        failure_delay_s=1.0,
        resumable=resumable_uploads(clock=clock),
    )
    keys = MemoryHostKeys({server.server_id: host_keys()})
    edge = SftpEdge(
        admission=admission,
        limits=limits,
        host_keys=keys,
        ingress=ingress or OnlyNamedGroups(),
        tasks=tasks,
        clock=clock,
        settings=settings,
        elsewhere=elsewhere,
    )
    listener = await edge.open(server, FileProtocol.SFTP, "127.0.0.1", 0)
    house = SftpHouse(edge, listener, directory, provider, keys, s3, log, limits, tasks)
    try:
        yield house
    finally:
        await listener.close(drain_timeout_s=0)
        await eventually(lambda: not limits.connections)
        await all_closed(listener.port)
        await tasks.close()
        edge.close()
