"""An FTP edge on loopback over S3 in memory, and a client that is as bad as a test wants it.

    async with ftp_house() as house:
        client = await house.log_in()
        assert await client.say("PWD") == (257, …)

Users are `user1` to `user3` with the password `secret`; everybody's home is `/home/<user>` of the bucket `home`.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.fakes.blocks import MemorySpill
from tests.fakes.certificates import OWN_CERTIFICATES
from tests.fakes.clock import START, FakeClock
from tests.fakes.closing import cut
from tests.fakes.house import CountingEntropy
from tests.fakes.ingress import OnlyNamedGroups
from tests.fakes.object_store import MemoryS3
from tests.fakes.patience import PATIENCE_S, eventually
from tests.fakes.resumable_uploads import resumable_uploads
from tests.fakes.two_s3s import Apart

from crossdock.core.arns import role_arn
from crossdock.core.homes import HomeDirectory, PathHome
from crossdock.core.ids import AccountId, ServerId
from crossdock.core.logins import LoginAttempt, Password, Refusal
from crossdock.core.principals import AssumedRole
from crossdock.core.servers import (
    EndpointType,
    FileProtocol,
    IdentityProviderChoice,
    IdentityProviderType,
    InterruptedUploads,
    Server,
    ServerState,
)
from crossdock.files.blocks import BlockPool
from crossdock.files.limits import LoginLimits
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.recorded import RecordedFileSystem
from crossdock.files.resuming import Resuming
from crossdock.files.session import Session
from crossdock.files.session_log import SessionLog
from crossdock.files.unfinished import UnfinishedOfUser, UnfinishedUploads
from crossdock.ftp.server import FtpEdge, FtpListener
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.certificates import ServerCertificates
from crossdock.ports.ingress import Ingress
from crossdock.ports.resumable_uploads import ResumableUploads, UploadOwner
from crossdock.ports.state import JsonValue
from crossdock.settings import FtpSettings, LoginSettings

SOME = bytes(range(256)) * 40


def ftp_server(**changes: object) -> Server:
    facts: dict[str, object] = {
        "server_id": ServerId("s-0123456789abcdef0"),
        "account_id": AccountId("111111111111"),
        "region": "us-east-1",
        "protocols": (FileProtocol.FTP,),
        "endpoint_type": EndpointType.VPC,
        "identity_provider": IdentityProviderChoice(kind=IdentityProviderType.AWS_LAMBDA),
        "state": ServerState.ONLINE,
    }
    return Server(**(facts | changes))  # type: ignore[arg-type]


@dataclass
class RememberedLog:
    """Implements `ports.authority.TransferLog`."""

    events: list[tuple[str, Mapping[str, JsonValue]]] = field(default_factory=list)

    def record(self, server: Server, stream: str, event: Mapping[str, JsonValue]) -> None:
        self.events.append((stream, event))

    def activities(self) -> list[JsonValue]:
        return [event["activity-type"] for _, event in self.events]


@dataclass
class Doorkeeper:
    """Admits users; `admit` is what the edge is given. `gate`, when set, is waited for.

    Where buckets `are_apart`, each lies in an S3 of its own.
    """

    s3: MemoryS3
    log: RememberedLog
    stages: bool = True
    are_apart: bool = False
    home: HomeDirectory | None = None
    actions: frozenset[str] | None = None
    gate: asyncio.Event | None = None
    failure: Exception | None = None
    attempts: list[LoginAttempt] = field(default_factory=list)
    server: Server = field(default_factory=lambda: ftp_server())
    resumable: ResumableUploads = field(default_factory=resumable_uploads)
    unfinished: UnfinishedUploads = field(default_factory=UnfinishedUploads)

    async def admit(self, attempt: LoginAttempt) -> Session | Refusal:
        self.attempts.append(attempt)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if attempt.username not in ("user1", "user2", "user3") or attempt.credential != Password("secret"):
            return Refusal(reason="no")
        session_id = f"{len(self.attempts):016x}"
        server = self.server
        log = SessionLog(log=self.log, server=server, username=attempt.username, session_id=session_id)
        home = self.home or PathHome(root=f"/home/{attempt.username}")
        store, resuming = self.s3.store(actions=self.actions, stages=self.stages), None
        if self.are_apart:
            store = Apart(self.s3, store.allows)
        if server.interrupted_uploads is InterruptedUploads.RESUME:
            owner = UploadOwner(server_id=server.server_id, username=attempt.username, role_arn="r")
            resuming = Resuming(self.resumable, owner=owner, store=store, metadata={}, clock=FakeClock())
        files = ObjectFileSystem(
            home=home,
            store=store,
            metadata={},
            blocks=BlockPool(budget=64 << 20, spill=MemorySpill()),
            kept=server.interrupted_uploads,
            resuming=resuming,
            unfinished=UnfinishedOfUser(self.unfinished, attempt.username),
        )
        return Session(
            session_id=session_id,
            server=server,
            username=attempt.username,
            source_ip=attempt.source_ip,
            protocol=attempt.protocol,
            home=home,
            principal=AssumedRole(role_arn=role_arn("111111111111", "r"), role_id="AROA", session_name="s"),
            expires_at=START,
            filesystem=RecordedFileSystem(files, home=home, log=log),
            log=log,
        )


@dataclass
class FtpHouse:
    edge: FtpEdge
    listeners: list[FtpListener]
    s3: MemoryS3
    log: RememberedLog
    door: Doorkeeper
    limits: LoginLimits
    tasks: TaskSupervisor
    clients: list["FtpClient"] = field(default_factory=list)

    @property
    def listener(self) -> FtpListener:
        return self.listeners[0]

    @property
    def port(self) -> int:
        return self.listener.port

    async def connect(self, source: str = "127.0.0.1", host: str = "127.0.0.1") -> "FtpClient":
        """A client that has not read the greeting."""
        reader, writer = await asyncio.open_connection(host, self.port, local_addr=(source, 0), limit=1 << 20)
        client = FtpClient(reader, writer, source, host)
        self.clients.append(client)
        return client

    async def log_in(self, user: str = "user1", source: str = "127.0.0.1", host: str = "127.0.0.1") -> "FtpClient":
        client = await self.connect(source, host)
        assert (await client.reply())[0] == 220
        assert (await client.say(f"USER {user}"))[0] == 331
        assert (await client.say("PASS secret"))[0] == 230
        return client

    def content(self, key: str) -> bytes:
        return self.s3.content("home", key)

    def names(self) -> list[str]:
        """The keys of everything stored."""
        return self.s3.keys("home")

    async def kept_nothing(self) -> None:
        """Wait until everybody left, and see that no trace of an upload is there."""
        await self.everybody_left()
        assert self.names() == ["user1/", "user2/", "user3/"]
        assert not self.s3.staged
        assert not self.s3.uploads

    async def everybody_left(self) -> None:
        """Wait until no connection is counted any more."""
        await eventually(lambda: not self.limits.connections)


def pass_time(seconds: float) -> None:
    """Let the loop's clock, and so every timer of the edge, jump ahead; nobody waits."""
    loop = asyncio.get_running_loop()
    ahead = getattr(loop, "ahead", 0.0) + seconds
    loop.ahead = ahead  # type: ignore[attr-defined]
    loop.time = lambda: type(loop).time(loop) + ahead  # type: ignore[method-assign]


async def turns(count: int = 20) -> None:
    """Let the loop turn that often."""
    for _ in range(count):
        await asyncio.sleep(0)


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        return await reader.read(-1)


class FtpClient:
    """A control connection, line by line."""

    patience_s = PATIENCE_S

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str, host: str = "127.0.0.1"
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.source = source
        self.host = host
        self._data: list[asyncio.StreamWriter] = []

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def say(self, command: str) -> tuple[int, str]:
        self.send(f"{command}\r\n".encode())
        return await self.reply()

    async def reply(self) -> tuple[int, str]:
        """The next reply, its lines joined by LF; (0, "") at the end of the connection."""
        async with asyncio.timeout(self.patience_s):
            line = await self.reader.readline()
            if not line:
                return 0, ""
            code, lines = line[:3], [line]
            while lines[-1][:4] != code + b" ":
                lines.append(await self.reader.readline())
        return int(code), b"".join(lines).decode().replace("\r\n", "\n")

    async def passive(self) -> int:
        """The port of a new expectation."""
        code, text = await self.say("EPSV")
        assert code == 229, text
        return int(text.split("|||")[1].split("|")[0])

    async def data(self, source: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A data connection to a new port."""
        return await self.connect_data(await self.passive(), source)

    async def connect_data(
        self, port: int, source: str | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.host, port, local_addr=(source or self.source, 0))
        self._data.append(writer)
        return reader, writer

    async def store(self, name: str, content: bytes, *, verb: str = "STOR") -> tuple[int, str]:
        """Upload, and return the last reply."""
        _, data = await self.data()
        self.send(f"{verb} {name}\r\n".encode())
        code, text = await self.reply()
        if code == 150:
            data.write(content)
            await data.drain()
            data.close()
            await data.wait_closed()
            return await self.reply()
        data.close()
        return code, text

    async def fetch(self, command: str) -> tuple[int, bytes]:
        """What a RETR, LIST, NLST or MLSD sends, and the last reply's code."""
        reader, data = await self.data()
        code, _ = await self.say(command)
        content = b""
        if code == 150:
            content = await read_to_end(reader)
            code, _ = await self.reply()
        data.close()
        return code, content

    async def begin_upload(self, name: str = "a") -> asyncio.StreamWriter:
        """An upload that has sent something and goes on."""
        _, data = await self.data()
        assert (await self.say(f"STOR {name}"))[0] == 150
        data.write(b"x" * 100_000)
        await data.drain()
        return data

    async def rest(self) -> bytes:
        """Everything that is said until the connection ends."""
        return await read_to_end(self.reader)

    def close(self) -> None:
        """Close the control connection."""
        self.writer.close()

    def abandon(self) -> None:
        """Close everything."""
        for writer in (self.writer, *self._data):
            cut(writer)

    def reset(self) -> None:
        """Vanish as a process does that is killed with data unread."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        cut(self.writer)


@asynccontextmanager
async def ftp_house(
    *,
    server: Server | None = None,
    host: str = "127.0.0.1",
    stages: bool = True,
    ftp: FtpSettings | None = None,
    login: LoginSettings | None = None,
    total: int = 10_000,
    per_address: int = 1000,
    unread_timeout_s: float = PATIENCE_S,
    certificates: ServerCertificates = OWN_CERTIFICATES,
    ingress: Ingress | None = None,
    passive_ip: Mapping[str, str] | None = None,
    passive_ports: Sequence[int] = (),
    kept_passive_ports: Sequence[int] = (),
) -> AsyncIterator[FtpHouse]:
    s3, log = MemoryS3(), RememberedLog()
    s3.add_bucket("home")
    for user in ("user1", "user2", "user3"):
        s3.add("home", f"{user}/")
    server = server or ftp_server()
    door = Doorkeeper(s3, log, stages, server=replace(server, protocols=(FileProtocol.FTP,)))
    limits = LoginLimits(per_address=per_address, total=total)
    tasks = TaskSupervisor()
    edge = FtpEdge(
        admit=door.admit,
        limits=limits,
        certificates=certificates,
        ingress=ingress or OnlyNamedGroups(),
        tasks=tasks,
        clock=FakeClock(),
        entropy=CountingEntropy(),
        passive_ip=passive_ip,
        passive_ports=passive_ports,
        kept_passive_ports=kept_passive_ports,
        ftp=ftp or FtpSettings(data_connect_timeout_s=PATIENCE_S),
        login=login or LoginSettings(),
        unread_timeout_s=unread_timeout_s,
    )
    listeners: list[FtpListener] = []
    for protocol in server.protocols:
        port = listeners[0].port if listeners else 0
        listeners.append(await edge.open(server, protocol, host, port))
    house = FtpHouse(edge, listeners, s3, log, door, limits, tasks)
    try:
        yield house
    finally:
        for client in house.clients:
            client.abandon()
        for listener in house.listeners:
            await listener.close(drain_timeout_s=0)
        assert limits.connections == 0, "a connection was never given back"
        await tasks.close()
        edge.close()
