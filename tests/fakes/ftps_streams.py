"""A client of FTPS over asyncio's streams, which decides itself what of TLS it does and when.

    async with ftps_house() as house:
        client = await log_in(house)
        assert (await client.store("a", b"x"))[0] == 226

Its data connections resume the control connection's session, unless `resumes` is False.
"""

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from typing import cast

from tests.fakes.certificates import client_context
from tests.fakes.ftp_house import PATIENCE_S, FtpClient, FtpHouse, ftp_house, ftp_server, read_to_end
from tests.fakes.tls_client import TlsClient

from crossdock.core.servers import FileProtocol

FTP, FTPS = FileProtocol.FTP, FileProtocol.FTPS


class TlsStreams:
    """TLS over a reader and a writer. At the end of the stream, `ssl.SSLEOFError` when no close_notify came."""

    def __init__(self, tls: TlsClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tls = tls
        self.streams = reader
        self.writer = writer
        self._read = b""

    async def shake(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    self.tls.tls.do_handshake()
                except ssl.SSLWantReadError:
                    self._flush()
                    await self._more()
                else:
                    self._flush()
                    return

    def write(self, data: bytes) -> None:
        self.writer.write(self.tls.encrypted(data))

    def close_notify(self) -> None:
        self.writer.write(self.tls.closing())

    async def close(self) -> None:
        """As a well-behaved client does."""
        self.close_notify()
        self.writer.close()
        await self.writer.wait_closed()

    async def readline(self) -> bytes:
        while b"\n" not in self._read:
            if not (some := await self._some()):
                return b""
            self._read += some
        line, _, self._read = self._read.partition(b"\n")
        return line + b"\n"

    async def read(self, count: int = -1) -> bytes:
        """Everything up to the other side's close_notify."""
        found = bytearray(self._read)
        async with asyncio.timeout(PATIENCE_S):
            while some := await self._some():
                found += some
        return bytes(found)

    async def _some(self) -> bytes:
        while True:
            try:
                return self.tls.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                await self._more()
            except ssl.SSLZeroReturnError:
                return b""  # both sides have closed

    async def _more(self) -> None:
        if data := await self.streams.read(1 << 16):
            self.tls.incoming.write(data)
        else:
            self.tls.incoming.write_eof()

    def _flush(self) -> None:
        if data := self.tls.outgoing.read():
            self.writer.write(data)


class FtpsClient(FtpClient):
    """A control connection under TLS, and data connections under TLS (PROT P)."""

    def __init__(self, plain: FtpClient, context: ssl.SSLContext) -> None:
        super().__init__(plain.reader, plain.writer, plain.source, plain.host)
        self.context = context
        self.resumes = True
        self.control = TlsStreams(TlsClient(context), plain.reader, plain.writer)
        self.reader = cast(asyncio.StreamReader, self.control)

    def send(self, data: bytes) -> None:
        self.control.write(data)

    async def tls_data(self) -> TlsStreams:
        """A data connection that has not begun its handshake."""
        reader, writer = await self.data()
        session = self.control.tls.session_after_tickets() if self.resumes else None
        return TlsStreams(TlsClient(self.context, session), reader, writer)

    async def store(self, name: str, content: bytes) -> tuple[int, str]:
        data = await self.tls_data()
        code, text = await self.say(f"STOR {name}")
        if code == 150:
            await data.shake()
            data.write(content)
            await data.close()
            return await self.reply()
        return code, text

    async def fetch(self, command: str) -> tuple[int, bytes]:
        data = await self.tls_data()
        code, _ = await self.say(command)
        content = b""
        if code == 150:
            await data.shake()
            content = await data.read()
            await data.close()
            code, _ = await self.reply()
        return code, content

    async def begin_tls_upload(self, name: str = "a") -> TlsStreams:
        """An upload that has sent something and goes on."""
        data = await self.tls_data()
        assert (await self.say(f"STOR {name}"))[0] == 150
        await data.shake()
        data.write(b"x" * 100_000)
        await data.writer.drain()
        return data


def ftps_house(*protocols: FileProtocol, **options: object) -> AbstractAsyncContextManager[FtpHouse]:
    """A house for FTPS alone, or for what is given."""
    changes = cast(dict[str, object], options.pop("server", {}))
    server = ftp_server(protocols=protocols or (FTPS,), **changes)
    return ftp_house(server=server, **options)  # type: ignore[arg-type]


async def secure(house: FtpHouse, context: ssl.SSLContext | None = None, source: str = "127.0.0.1") -> FtpsClient:
    """A client that has said AUTH TLS and shaken hands."""
    plain = await hello(house, source)
    assert (await plain.say("AUTH TLS"))[0] == 234
    client = FtpsClient(plain, context or client_context())
    await client.control.shake()
    return client


async def log_in(house: FtpHouse, user: str = "user1", context: ssl.SSLContext | None = None) -> FtpsClient:
    """Its data connections are private."""
    client = await secure(house, context)
    await admit(client, user)
    return client


async def admit(client: FtpsClient, user: str = "user1") -> None:
    assert (await client.say(f"USER {user}"))[0] == 331
    assert (await client.say("PASS secret"))[0] == 230
    assert (await client.say("PBSZ 0"))[0] == 200
    assert (await client.say("PROT P"))[0] == 200


async def hello(house: FtpHouse, source: str = "127.0.0.1") -> FtpClient:
    """A client in the clear that has read the greeting."""
    client = await house.connect(source)
    assert (await client.reply())[0] == 220
    return client


async def was_cut(client: FtpClient) -> bool:
    """Whether a connection ends without another word."""
    try:
        return await read_to_end(client.reader) == b""
    except (ConnectionResetError, ssl.SSLEOFError):
        return True
