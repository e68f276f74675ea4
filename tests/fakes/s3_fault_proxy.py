"""An HTTP proxy between a store and an S3 that does one bad thing to one of the calls, or to all of a kind.

    async with s3_fault_proxy("127.0.0.1", port) as proxy:
        proxy.begin(Fault(Deed.STALL, call=3))              # the third request from now on, once
        proxy.begin(Fault(Deed.ERROR, kind="UploadPart"))   # every request of that kind
    proxy.begin(Fault(Deed.ANSWER, kind="GetObject", answer=answer(403, "AccessDenied")))
        proxy.calls                                          # what passed or should have: ["PutObject", …]

The store signs for the proxy's address, and the S3 believes the Host header that it is sent. For tests that are no
coroutines, `s3_fault_proxy_beside` runs it in a thread.
"""

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from tests.fakes.closing import cut

_CHUNK = 256 << 10
_SLOW_CHUNK = 32 << 10
_SLOW_S = 0.002
_NO_LINGERING = struct.pack("ii", 1, 0)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)


class Deed(Enum):
    ERROR = auto()
    """500 instead of an answer; S3 hears nothing."""
    SLOW_DOWN = auto()
    """503 likewise."""
    RESET = auto()
    """The connection breaks before S3 hears anything."""
    RESET_AFTER = auto()
    """S3 does what it was asked, and the connection breaks before its answer."""
    STALL = auto()
    """S3 hears nothing, and the client hears nothing."""
    CUT_BODY = auto()
    """S3 gets half of the request and sees the connection end."""
    CUT_ANSWER = auto()
    """The client gets half of the answer and sees the connection end in order."""
    SLOW = auto()
    """All arrives, little by little."""
    ANSWER = auto()
    """The fault's own answer; S3 hears nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Befalls the request of that number, counted from 1 since `begin`, or else so many `times` one of that kind."""

    deed: Deed
    call: int = 0
    kind: str = ""
    answer: bytes = b""
    times: float = inf


class Cut(Exception):
    """The connection is to end here."""


def kind_of(head: bytes) -> str:
    """S3's name of the operation, for those that a store makes."""
    method, target, _ = head.split(b" ", 2)
    _, _, query = target.partition(b"?")
    names = {pair.partition(b"=")[0] for pair in query.split(b"&")}
    copies = b"\r\nx-amz-copy-source:" in head.lower()
    match method:
        case b"POST" if target == b"/":
            return "AssumeRole"
        case b"POST":
            return "CreateMultipartUpload" if b"uploads" in names else "CompleteMultipartUpload"
        case b"PUT" if b"uploadId" in names:
            return "UploadPartCopy" if copies else "UploadPart"
        case b"PUT":
            return "CopyObject" if copies else "PutObject"
        case b"DELETE":
            return "AbortMultipartUpload" if b"uploadId" in names else "DeleteObject"
        case b"HEAD":
            return "HeadObject"
    return "ListObjectsV2" if b"list-type" in names else "ListMultipartUploads" if b"uploads" in names else "GetObject"


class S3FaultProxy:
    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.calls: list[str] = []
        self._strikes = 0
        self._upstream = (host, port)
        self._fault: Fault | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def has_struck(self) -> bool:
        """Since `begin`."""
        return self._strikes > 0

    def begin(self, fault: Fault | None) -> None:
        self._fault = fault
        self.calls.clear()
        self._strikes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._serve(reader, writer))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        """Break off what is under way."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_s3, to_s3 = await asyncio.open_connection(*self._upstream, limit=_CHUNK)
        except OSError:
            writer.close()
            return
        try:
            while await self._pass_call(reader, writer, from_s3, to_s3):
                pass
        except (Cut, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (to_s3, writer):
                each.close()

    async def _pass_call(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_s3: asyncio.StreamReader,
        to_s3: asyncio.StreamWriter,
    ) -> bool:
        """One request and its answer. False when the client has nothing more to ask."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        deed = self._deed_for(kind_of(head))
        size = _size_of(head)
        match deed:
            case Deed.ERROR | Deed.SLOW_DOWN | Deed.ANSWER:
                await _drop(reader, size, expects=b"100-continue" in head.lower())
                writer.write(_ERRORS[deed] if self._fault is None or deed is not Deed.ANSWER else self._fault.answer)
                await writer.drain()
                raise Cut
            case Deed.RESET:
                _reset(writer)
                raise Cut
            case Deed.STALL:
                # Until the client gives up.
                while await reader.read(_CHUNK):
                    pass
                raise Cut
        to_s3.write(head)
        cut_at = size // 2 if deed is Deed.CUT_BODY else None
        sending = asyncio.get_running_loop().create_task(_relay(reader, to_s3, size, deed=deed, cut_at=cut_at))
        try:
            await self._pass_answer(from_s3, writer, deed, is_head=head.startswith(b"HEAD"))
            if not sending.done():
                raise Cut
            await sending
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, Cut, OSError, asyncio.IncompleteReadError):
                await sending
        return True

    async def _pass_answer(
        self, from_s3: asyncio.StreamReader, writer: asyncio.StreamWriter, deed: Deed | None, *, is_head: bool
    ) -> None:
        head = await from_s3.readuntil(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 1"):
            writer.write(head)
            head = await from_s3.readuntil(b"\r\n\r\n")
        if deed is Deed.RESET_AFTER:
            _reset(writer)
            raise Cut
        has_body = not is_head and not head.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304"))
        size = _size_of(head) if has_body else 0
        if deed is Deed.CUT_ANSWER and not size:
            writer.write(head[: len(head) // 2])
            await writer.drain()
            raise Cut
        writer.write(head)
        if has_body and _CHUNKED.search(head):
            await _relay_chunks(from_s3, writer)
        else:
            cut_at = size // 2 if deed is Deed.CUT_ANSWER else None
            await _relay(from_s3, writer, size, deed=deed, cut_at=cut_at)

    def _deed_for(self, kind: str) -> Deed | None:
        self.calls.append(kind)
        fault = self._fault
        if fault is None or (kind != fault.kind if fault.kind else len(self.calls) != fault.call):
            return None
        if self._strikes >= fault.times:
            return None
        self._strikes += 1
        return fault.deed


REQUEST_ID = "4442587FB7D0A2F9"


def answer(status: int, code: str, *, message: str = "so it is", headers: str = "", has_body: bool = True) -> bytes:
    """An error as S3 sends it; HeadObject's has no body."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode() if has_body else b""
    told = f"Content-Type: application/xml\r\nx-amz-request-id: {REQUEST_ID}\r\n{headers}Connection: close\r\n"
    return f"HTTP/1.1 {status} {code}\r\n{told}Content-Length: {len(body)}\r\n\r\n".encode() + body


_ERRORS = {Deed.ERROR: answer(500, "InternalError"), Deed.SLOW_DOWN: answer(503, "SlowDown")}


def _size_of(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


async def _drop(reader: asyncio.StreamReader, size: int, *, expects: bool) -> None:
    while size and not expects:
        chunk = await reader.read(min(size, _CHUNK))
        if not chunk:
            raise Cut
        size -= len(chunk)


async def _relay(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, size: int, *, deed: Deed | None, cut_at: int | None
) -> None:
    passed = 0
    while passed < size:
        if passed == cut_at:
            sink.close()
            raise Cut
        end = size if cut_at is None else cut_at
        chunk = await source.read(min(end - passed, _SLOW_CHUNK if deed is Deed.SLOW else _CHUNK))
        if not chunk:
            sink.close()
            raise Cut
        sink.write(chunk)
        await sink.drain()
        passed += len(chunk)
        if deed is Deed.SLOW:
            await asyncio.sleep(_SLOW_S)  # this is what being slow is
    if size == 0 and cut_at == 0:
        sink.close()
        raise Cut


async def _relay_chunks(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while True:
        line = await source.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        sink.write(line + await source.readexactly(size + 2))
        await sink.drain()
        if not size:
            return


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    cut(writer)


@asynccontextmanager
async def s3_fault_proxy(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[S3FaultProxy]:
    proxy = S3FaultProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_CHUNK, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()


@contextmanager
def s3_fault_proxy_beside(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> Iterator[S3FaultProxy]:
    """The same in a thread of its own."""
    started, stop = threading.Event(), asyncio.Event()
    running: list[tuple[asyncio.AbstractEventLoop, S3FaultProxy]] = []

    async def serve() -> None:
        async with s3_fault_proxy(host, port, tls=tls) as proxy:
            running.append((asyncio.get_running_loop(), proxy))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    loop, proxy = running[0]
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
