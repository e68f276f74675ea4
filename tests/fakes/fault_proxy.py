"""A TCP proxy between an FTP client and a server that does one bad thing, at one point of one connection.

    async with fault_proxy("127.0.0.1", control=2121, data=(8192, 8193), host="127.0.2.1", source="127.0.3.1") as proxy:
        proxy.begin(Fault(Channel.DATA, Way.UP, AfterBytes(1000), Deed.RST))
        …                       # a client that connects to 127.0.2.1, on the same ports
        assert proxy.has_struck

It listens on another loopback address under the server's own port numbers, so EPSV needs no rewriting; and it connects
from one address, as a client does. That is a third one, lest the system choose a port there that is to be listened on.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.fakes.closing import cut

_CHUNK = 64 << 10
_SLOW_BYTES = 4096
_SLOW_S = 0.002
_STALL_S = 0.3
_NO_LINGERING = struct.pack("ii", 1, 0)


class Channel(Enum):
    CONTROL = auto()
    DATA = auto()


class Way(Enum):
    """UP is from the client to the server."""

    UP = auto()
    DOWN = auto()


class Deed(Enum):
    FIN = auto()
    RST = auto()
    STALL = auto()
    """Nothing passes any more, either way, until the client gives up."""
    SLOW = auto()
    """Everything passes from there on, little by little."""


@dataclass(frozen=True, slots=True)
class AfterBytes:
    count: int

    def place_in(self, chunk: bytes, passed: bytearray, total: int) -> int | None:
        return self.count - total if self.count <= total + len(chunk) else None


@dataclass(frozen=True, slots=True)
class AfterLines:
    count: int

    def place_in(self, chunk: bytes, passed: bytearray, total: int) -> int | None:
        place, missing = 0, self.count - passed.count(b"\n")
        while missing > 0:
            place = chunk.find(b"\n", place) + 1
            if place == 0:
                return None
            missing -= 1
        return place


@dataclass(frozen=True, slots=True)
class AtReply:
    """Just before a reply with this code, or just after it."""

    code: bytes
    is_before: bool

    def place_in(self, chunk: bytes, passed: bytearray, total: int) -> int | None:
        if passed and not passed.endswith(b"\n"):
            return None
        place = 0 if chunk.startswith(self.code) else chunk.find(b"\n" + self.code) + 1
        if place == 0 and not chunk.startswith(self.code):
            return None
        return place if self.is_before else chunk.index(b"\n", place) + 1


@dataclass(frozen=True, slots=True)
class Fault:
    """`takes_all`: it befalls every connection of the client, the control connection first."""

    channel: Channel
    way: Way
    point: AfterBytes | AfterLines | AtReply
    deed: Deed
    takes_all: bool = False


@dataclass(eq=False, slots=True)
class Link:
    """A client's connection and the one to the server that continues it."""

    channel: Channel
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_stalled: bool = False
    is_slow: bool = False
    passed: dict[Way, bytearray] = field(default_factory=lambda: {Way.UP: bytearray(), Way.DOWN: bytearray()})
    total: dict[Way, int] = field(default_factory=lambda: {Way.UP: 0, Way.DOWN: 0})

    def close(self) -> None:
        for writer in (self.client, self.server):
            writer.close()

    def reset(self) -> None:
        for writer in (self.client, self.server):
            connection: socket.socket = writer.get_extra_info("socket")
            with suppress(OSError):  # it may be closed already
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
            cut(writer)


class FaultProxy:
    def __init__(self, target: str, control: int, host: str, source: str) -> None:
        self.host = host
        self._source = source
        self.has_struck = False
        self._target = target
        self._control = control
        self._fault: Fault | None = None
        self._links: set[Link] = set()
        self._is_quiet = asyncio.Event()

    def begin(self, fault: Fault | None) -> None:
        """What will happen to the next client."""
        self._fault = fault
        self.has_struck = False

    async def end(self) -> None:
        """The client has gone: wait until all is closed."""
        if self._links:
            self._is_quiet.clear()
            await self._is_quiet.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        channel = Channel.CONTROL if port == self._control else Channel.DATA
        try:
            from_server, to_server = await asyncio.open_connection(self._target, port, local_addr=(self._source, 0))
        except OSError:
            cut(writer)
            return
        link = Link(channel, writer, to_server)
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump(link, Way.UP, reader, to_server), self._pump(link, Way.DOWN, from_server, writer)
            )
        except OSError:
            link.reset()
        finally:
            link.close()
            self._links.discard(link)
            if not self._links:
                self._is_quiet.set()

    async def _pump(self, link: Link, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            place = self._place_in(chunk, link, way)
            if place is not None and self._fault is not None:
                await self._pass(chunk[:place], link, way, sink)
                chunk = chunk[place:]
                self._strike(link, self._fault)
            if link.is_stalled:
                await asyncio.sleep(_STALL_S)  # this is what standing still is
                raise ConnectionResetError
            await self._pass(chunk, link, way, sink)
        if sink.can_write_eof() and not sink.is_closing():
            sink.write_eof()

    def _place_in(self, chunk: bytes, link: Link, way: Way) -> int | None:
        fault = self._fault
        if fault is None or self.has_struck or (fault.channel, fault.way) != (link.channel, way):
            return None
        return fault.point.place_in(chunk, link.passed[way], link.total[way])

    async def _pass(self, chunk: bytes, link: Link, way: Way, sink: asyncio.StreamWriter) -> None:
        if link.channel is Channel.CONTROL:
            link.passed[way] += chunk
        link.total[way] += len(chunk)
        while chunk:
            count = _SLOW_BYTES if link.is_slow else len(chunk)
            sink.write(chunk[:count])
            await sink.drain()
            chunk = chunk[count:]
            if link.is_slow:
                await asyncio.sleep(_SLOW_S)  # this is what being slow is

    def _strike(self, struck: Link, fault: Fault) -> None:
        self.has_struck = True
        links = sorted(self._links, key=lambda link: link.channel.value) if fault.takes_all else [struck]
        for link in links:
            match fault.deed:
                case Deed.FIN:
                    link.close()
                case Deed.RST:
                    link.reset()
                case Deed.STALL:
                    link.is_stalled = True
                case Deed.SLOW:
                    link.is_slow = True


@asynccontextmanager
async def fault_proxy(
    target: str, *, control: int, data: Sequence[int], host: str, source: str
) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(target, control, host, source)
    servers: list[asyncio.Server] = []
    try:
        for port in (control, *data):
            servers.append(await asyncio.start_server(proxy.serve, host, port))
        yield proxy
    finally:
        for server in servers:
            server.close()
        await proxy.end()
