"""An SSH server whose `sftp` subsystem is a conversation of a few lines, and asyncssh's client beside it.

    async with ssh_house() as house:
        client = await house.connect()
        channel = await client.channel()
        channel.write(b"...")
        assert await channel.read(3) == b"..."

`house.sessions` are the server's halves of the channels, in the order in which they came. With `is_fast=False` the
bytes take asyncssh's way, to compare.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_CHANNEL_OPEN, MSG_CHANNEL_REQUEST
from asyncssh.packet import Boolean, SSHPacket, String, UInt32
from tests.fakes.closing import all_closed

from crossdock.sftp.fast_path import FastPath, FastPaths
from crossdock.sftp.fast_pipe import FastPipe
from crossdock.sftp.pipe import Chunk, Pipe

PATIENCE_S = 20.0
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")


@dataclass
class Echo:
    """Implements `sftp.pipe.Conversation`: says what it hears, unless it `is_silent`."""

    pipe: Pipe
    heard: bytearray = field(default_factory=bytearray)
    is_silent: bool = False
    has_ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, data: memoryview) -> None:
        self.heard += data
        if not self.is_silent:
            self.pipe.send([bytes(data)])
        self.changed.set()

    def ended(self) -> None:
        self.has_ended = True
        self.pipe.close()

    def lost(self, reason: str) -> None: ...

    async def until_heard(self, size: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < size:
                self.changed.clear()
                await self.changed.wait()


class PlainPipe:
    """Implements `sftp.pipe.Pipe` by asyncssh's own means, as far as comparing needs it."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._chan = chan

    def send(self, chunks: Sequence[Chunk]) -> None:
        self._chan.write(b"".join(chunks))

    async def drained(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self._chan.exit(0)

    def lost(self) -> None: ...


class ServerSession(asyncssh.SSHServerSession[bytes]):
    chan: asyncssh.SSHServerChannel[bytes]
    pipe: Any
    echo: Echo

    def __init__(self, login: "Login") -> None:
        self._login = login
        self.strays = 0  # bytes that asyncssh brought, though they should have taken the fast path
        self.lost_by: list[Exception | None] = []

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.chan = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        path = self._login.path()
        self.pipe = PlainPipe(self.chan) if path is None else path.pipe(self.chan)
        self.echo = Echo(self.pipe)
        if isinstance(self.pipe, FastPipe):
            self.pipe.attach(self.echo)
        self._login.house.sessions.append(self)
        self._login.house.changed.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.strays += len(data)
        self.echo.received(memoryview(data))

    def eof_received(self) -> bool:
        self.echo.ended()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_by.append(exc)
        self.pipe.lost()
        self.echo.changed.set()
        self._login.house.changed.set()


class Login(asyncssh.SSHServer):
    """One connection to the server."""

    conn: asyncssh.SSHServerConnection

    def __init__(self, house: "House") -> None:
        self.house = house
        self._paths: list[FastPath | None] = []

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.conn = conn
        self.house.logins.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.house.ends.append(exc)
        self.house.changed.set()

    def begin_auth(self, username: str) -> bool:
        return False

    def path(self) -> FastPath | None:
        if not self._paths:
            self._paths.append(self.house.paths.take_over(self.conn) if self.house.is_fast else None)
        return self._paths[0]

    def session_requested(self) -> ServerSession:
        return ServerSession(self)


class ClientChannel(asyncssh.SSHClientSession[bytes]):
    """The client's half of a channel."""

    chan: asyncssh.SSHClientChannel[bytes]

    def __init__(self) -> None:
        self.got = bytearray()
        self.has_ended = False
        self.status: int | None = None
        self.losses: list[Exception | None] = []
        self._changed = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.chan = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.got += data
        self._changed.set()

    def eof_received(self) -> bool:
        self.has_ended = True
        return True

    def exit_status_received(self, status: int) -> None:
        self.status = status

    def connection_lost(self, exc: Exception | None) -> None:
        self.losses.append(exc)
        self._changed.set()

    def write(self, data: bytes) -> None:
        self.chan.write(data)

    async def read(self, size: int) -> bytes:
        """The next `size` bytes, or fewer at the end."""
        await self._until(lambda: len(self.got) >= size or bool(self.losses))
        data = bytes(self.got[:size])
        del self.got[:size]
        return data

    async def closed(self) -> Exception | None:
        """What ended the channel, if it was not closed in peace."""
        await self._until(lambda: bool(self.losses))
        return self.losses[0]

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class RawChannel:
    """A client's channel packet by packet: `send` sends whatever one likes, `got` are the answers' kinds and bodies."""

    _NUMBER = 77

    def __init__(self, conn: asyncssh.SSHClientConnection) -> None:
        self.got: list[tuple[int, bytes]] = []
        self.is_open = False
        self.changed = asyncio.Event()
        self._conn = conn
        conn._channels[self._NUMBER] = self  # type: ignore[assignment]

    async def open(self, *, window: int = 1 << 20) -> None:
        """Open a channel. The server's number of it is to be 0."""
        numbers = UInt32(self._NUMBER) + UInt32(window) + UInt32(32768)
        self._conn.send_packet(MSG_CHANNEL_OPEN, String("session"), numbers)
        await self.until(lambda: self.is_open)

    def begin(self) -> None:
        """Ask for the subsystem, and wait for nothing."""
        self.send(MSG_CHANNEL_REQUEST, String("subsystem"), Boolean(False), String("sftp"))

    def send(self, kind: int, *body: bytes, number: int = 0) -> None:
        self._conn.send_packet(kind, UInt32(number), *body)

    @property
    def data(self) -> bytes:
        return b"".join(body[4:] for kind, body in self.got if kind == MSG_CHANNEL_DATA)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def process_open_confirmation(self, number: int, window: int, size: int, packet: SSHPacket) -> None:
        assert number == 0
        self.is_open = True
        self.changed.set()

    def process_packet(self, kind: int, seq: int, packet: SSHPacket) -> bool:
        self.got.append((kind, packet.get_remaining_payload()))
        self.changed.set()
        return True

    def log_received_packet(self, *args: Any) -> None: ...

    def process_connection_close(self, exc: Exception | None) -> None:
        del self._conn._channels[self._NUMBER]


@dataclass
class Client:
    conn: asyncssh.SSHClientConnection

    async def channel(self, **options: Any) -> ClientChannel:
        chan, session = await self.conn.create_session(ClientChannel, subsystem="sftp", encoding=None, **options)
        del chan
        assert isinstance(session, ClientChannel)
        return session


@dataclass
class House:
    is_fast: bool
    paths: FastPaths
    port: int = 0
    sessions: list[ServerSession] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    ends: list[Exception | None] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[asyncssh.SSHClientConnection] = field(default_factory=list)

    async def connect(self, **options: Any) -> Client:
        conn = await asyncssh.connect(
            "127.0.0.1", self.port, known_hosts=None, username="user1", client_keys=None, config=None, **options
        )
        self.clients.append(conn)
        return Client(conn)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, looking again whenever a session began or ended."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def ssh_house(*, is_fast: bool = True, **options: Any) -> AsyncIterator[House]:
    """`options` are those of `asyncssh.listen`."""
    house = House(is_fast, FastPaths())
    options = {"compression_algs": ["none"], "window": 256 << 10} | options
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Login(house),
        server_host_keys=[HOST_KEY],
        encoding=None,
        line_editor=False,
        config=None,
        **options,
    )
    house.port = server.get_port()
    try:
        yield house
    finally:
        server.close()
        for conn in house.clients:
            conn.abort()
        await within(asyncio.gather(*(conn.wait_closed() for conn in house.clients)))
        await house.until(lambda: len(house.ends) == len(house.logins))
        await server.wait_closed()
        await all_closed(house.port)


async def within(waiting: Awaitable[Any]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return await waiting
