"""Answers on real sockets: whole, or visibly cut; and no client holds the service."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from tests.fakes.http_client import ask, connect, plain

from crossdock.api.answers import SLICE_BYTES, ClientGone, send
from crossdock.api.connections import ApiConnection
from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.streams import ObjectBody
from crossdock.ports.objects import FileRegion, ObjectInfo
from crossdock.wire.http import HttpResponse

NOW = datetime(2026, 3, 15, 0, 47, 12, 345678, tzinfo=UTC)
MIB = 1 << 20


class FakeReader:
    """See `ports.objects.ObjectReader`: these files, then these chunks; an error among them is raised in its turn."""

    def __init__(self, *, files: Sequence[bytes] = (), chunks: Sequence[bytes | FileError] = ()) -> None:
        self._files = list(files)
        self._chunks = chunks
        self._fds: list[int] = []
        self.is_closed = False

    @property
    def info(self) -> ObjectInfo:
        return ObjectInfo(place=ObjectPlace(bucket="box", key="key"), size=0, etag="", modified_at=NOW)

    async def region(self) -> FileRegion | None:
        if not self._files:
            return None
        content = self._files.pop(0)
        fd = os.memfd_create("region")
        self._fds.append(fd)
        os.write(fd, b"before" + content)
        return FileRegion(fd=fd, offset=6, size=len(content))

    async def chunks(self):
        for chunk in self._chunks:
            if isinstance(chunk, FileError):
                raise chunk
            yield chunk

    async def close(self) -> None:
        self.is_closed = True
        while self._fds:
            os.close(self._fds.pop())


class Served:
    """A server that gives every request the same answer."""

    def __init__(self, response: HttpResponse, body: ObjectBody | None, *, stall_s: float, is_last: bool) -> None:
        self._response = response
        self._body = body
        self._how = {"stall_s": stall_s, "is_last": is_last}
        self.port = 0
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await send(request, self._response, self._body, now=NOW, **self._how)
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self.ended.set()

    async def end(self) -> BaseException | None:
        async with asyncio.timeout(10):
            await self.ended.wait()
        return self.failure


@asynccontextmanager
async def serve(reader=None, *, size=0, response=None, stall_s=5.0, is_last=False):
    body = ObjectBody(reader=reader, offset=0, size=size) if reader is not None else None
    served = Served(response or HttpResponse(status=200), body, stall_s=stall_s, is_last=is_last)
    server = web.Server(served.handle)
    listener = await asyncio.get_running_loop().create_server(
        lambda: ApiConnection(server, refuse=lambda error: HttpResponse(status=error.status), limit=10, idle_s=10),
        "127.0.0.1",
        0,
    )
    served.port = listener.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        listener.close()
        await server.shutdown(1)


async def test_bytes_are_sent_with_their_length_and_the_services_own_date():
    response = HttpResponse(status=403, headers=(("x-amz-request-id", "id"),), body=b"<Error/>")
    async with serve(response=response) as served:
        answer = await ask(served.port, plain("GET", "/"))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (403, b"<Error/>", "8")
    assert answer.headers["date"] == "Sun, 15 Mar 2026 00:47:12 GMT"
    assert answer.headers["server"] == "Crossdock"
    assert answer.headers["x-amz-request-id"] == "id"


@pytest.mark.parametrize("status", [200, 204, 304, 404])
async def test_nothing_is_sent_where_there_is_nothing(status):
    async with serve(response=HttpResponse(status=status)) as served, connect(served.port) as wire:
        for _ in range(2):
            await wire.send(plain("GET", "/"))
            answer = await wire.answer()
            assert (answer.status, answer.body) == (status, b"")


async def test_a_head_answers_headers_alone():
    response = HttpResponse(status=200, headers=(("Content-Length", "1234567"), ("ETag", '"x"')))
    async with serve(response=response) as served, connect(served.port) as wire:
        for _ in range(2):
            await wire.send(plain("HEAD", "/"))
            answer = await wire.answer("HEAD")
            assert (answer.status, answer.headers["content-length"], answer.body) == (200, "1234567", b"")


async def test_an_error_of_a_head_has_no_body():
    response = HttpResponse(status=404, body=b"<Error/>")
    async with serve(response=response) as served, connect(served.port) as wire:
        await wire.send(plain("HEAD", "/"))
        assert (await wire.answer("HEAD")).status == 404
        await wire.send(plain("GET", "/"))
        assert (await wire.answer()).body == b"<Error/>"


FORMS = {
    "a file": {"files": [os.urandom(3 * MIB + 7)]},
    "two files": {"files": [os.urandom(MIB), os.urandom(5)]},
    "chunks": {"chunks": [os.urandom(MIB), os.urandom(MIB), b"end"]},
    "a file and chunks": {"files": [os.urandom(2 * MIB)], "chunks": [b"the ", b"end"]},
    "nothing": {},
}


@pytest.mark.parametrize("form", FORMS)
async def test_an_object_is_sent_whole_and_its_reader_closed(form):
    parts = FORMS[form]
    content = b"".join([*parts.get("files", ()), *parts.get("chunks", ())])
    reader = FakeReader(**parts)
    async with serve(reader, size=len(content)) as served:
        answer = await ask(served.port, plain("GET", "/"))
        assert (answer.status, answer.headers["content-length"]) == (200, str(len(content)))
        assert answer.body == content
        assert await served.end() is None
    assert reader.is_closed


async def test_a_head_of_an_object_reads_nothing():
    reader = FakeReader(chunks=[Unavailable("never asked")])
    async with serve(reader, size=10) as served:
        answer = await ask(served.port, plain("HEAD", "/"), "HEAD")
        assert (answer.status, answer.headers["content-length"]) == (200, "10")
    assert reader.is_closed


@pytest.mark.parametrize(
    ("reader", "size"),
    [
        (FakeReader(chunks=[b"half", Unavailable("the disk failed")]), 8),
        (FakeReader(files=[b"half"], chunks=[Unavailable("the disk failed")]), 8),
        (FakeReader(chunks=[b"half"]), 8),
    ],
    ids=["a failing chunk", "a failure after a file", "an early end"],
)
async def test_an_object_that_fails_on_its_way_is_visibly_cut(reader, size, caplog):
    async with serve(reader, size=size) as served, connect(served.port) as wire:
        await wire.send(plain("GET", "/"))
        got = await wire.ends()
        assert b"Content-Length: 8" in got or got == b""
        assert not got.endswith(b"halfhalf")
        assert isinstance(await served.end(), ClientGone)
    assert reader.is_closed
    assert [record.levelname for record in caplog.records if record.name == "crossdock.api.answers"] == ["ERROR"]


async def test_a_file_that_is_shorter_than_it_said_is_visibly_cut():
    class Shrinking(FakeReader):
        async def region(self) -> FileRegion | None:
            region = await super().region()
            assert region is not None
            return FileRegion(fd=region.fd, offset=region.offset, size=region.size + 100)

    async with serve(Shrinking(files=[b"content"]), size=107) as served, connect(served.port) as wire:
        await wire.send(plain("GET", "/"))
        assert not (await wire.ends()).endswith(b"content" + bytes(100))
        assert isinstance(await served.end(), ClientGone)


@pytest.mark.parametrize("form", ["files", "chunks"])
async def test_a_client_that_does_not_read_is_cut_off(form):
    big = bytes(64 * MIB) if form == "files" else bytes(MIB)
    reader = FakeReader(**{form: [big] if form == "files" else [big] * 64})
    async with serve(reader, size=64 * MIB, stall_s=0.3) as served, connect(served.port) as wire:
        wire.writer.transport.pause_reading()
        await wire.send(plain("GET", "/"))
        assert isinstance(await served.end(), ClientGone)
    assert reader.is_closed


async def test_a_client_that_does_not_read_small_answers_is_cut_off():
    response = HttpResponse(status=200, body=bytes(MIB))
    async with serve(response=response, stall_s=0.3) as served, connect(served.port) as wire:
        wire.writer.transport.pause_reading()
        await wire.send(plain("GET", "/") * 30)
        while not isinstance(served.failure, ClientGone):
            served.ended.clear()
            await served.end()


@pytest.mark.parametrize("form", ["files", "chunks"])
async def test_a_client_that_leaves_lets_go_of_the_object(form):
    big = bytes(64 * MIB) if form == "files" else bytes(MIB)
    reader = FakeReader(**{form: [big] if form == "files" else [big] * 64})
    async with serve(reader, size=64 * MIB) as served:
        async with connect(served.port) as wire:
            await wire.send(plain("GET", "/"))
            await wire.reader.readexactly(SLICE_BYTES)
            wire.reset()
        assert isinstance(await served.end(), ConnectionError)
    assert reader.is_closed


async def test_the_last_answer_closes_the_connection():
    response = HttpResponse(status=400, body=b"no")
    async with serve(response=response, is_last=True) as served, connect(served.port) as wire:
        await wire.send(plain("PUT", "/", {"Content-Length": "1000"}))
        answer = await wire.answer()
        assert (answer.body, answer.headers["connection"]) == (b"no", "close")
        assert await wire.ends() == b""


async def test_a_body_that_nobody_wants_is_dropped_and_the_connection_goes_on():
    async with serve(response=HttpResponse(status=403, body=b"no")) as served, connect(served.port) as wire:
        for _ in range(2):
            await wire.send(plain("PUT", "/", body=bytes(3 * MIB)))
            assert (await wire.answer()).status == 403


async def test_a_client_that_leaves_while_its_body_is_dropped_keeps_nobody_waiting():
    async with serve(response=HttpResponse(status=403)) as served:
        async with connect(served.port) as wire:
            await wire.send(plain("PUT", "/", {"Content-Length": "1000"}))
            assert (await wire.answer()).status == 403
        assert await served.end() is None
