"""The Runtime API as bytes on a socket, with a process that only takes notes."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from tests.fakes.patience import PATIENCE_S

from crossdock.adapters.host.functions.runtime_api import MAX_RESPONSE, RuntimeApi

SECRET = "5ec4e7"
NEXT = b"/2018-06-01/runtime/invocation/next"


class NotingEndpoint:
    """Implements `runtime_api.RuntimeEndpoint`."""

    def __init__(self) -> None:
        self.notes: list[object] = []
        self.asked = asyncio.Event()
        self.reply: Callable[[bytes], None] = lambda _: None

    def asks_for_work(self, reply: Callable[[bytes], None]) -> None:
        self.reply = reply
        self.asked.set()

    def answers(self, request_id: str, body: bytes, *, is_error: bool) -> bool:
        self.notes.append((request_id, body, is_error))
        return request_id == "r-1"

    def answers_too_much(self, request_id: str) -> bool:
        self.notes.append((request_id, "too much"))
        return True

    def fails_to_start(self, body: bytes) -> None:
        self.notes.append(body)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def request(self, method: str, path: bytes, body: bytes = b"", headers: bytes = b"", secret: str = SECRET) -> None:
        self.writer.write(
            b"%s /%s%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s"
            % (method.encode(), secret.encode(), path, headers, len(body), body)
        )

    async def status(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) if b"ength" in head else 0
        await self.reader.readexactly(length)
        return head.split(b" ", 2)[1].decode()


@pytest.fixture
async def endpoint() -> NotingEndpoint:
    return NotingEndpoint()


@pytest.fixture
async def client(endpoint: NotingEndpoint) -> AsyncIterator[Client]:
    api = RuntimeApi()
    await api.start()
    api.admit(SECRET, endpoint)
    client = Client(*await asyncio.open_connection("127.0.0.1", api.port))
    yield client
    client.writer.close()
    await api.close()


async def test_next_stays_open_until_there_is_work(client: Client, endpoint: NotingEndpoint):
    client.request("GET", NEXT)
    await endpoint.asked.wait()
    endpoint.reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert await client.status() == "200"


async def test_answers_and_errors_reach_the_process_on_one_connection(client: Client, endpoint: NotingEndpoint):
    client.request("POST", b"/2018-06-01/runtime/invocation/r-1/response", b"[1]")
    client.request("POST", b"/2018-06-01/runtime/invocation/r-1/error", b"{}")
    client.request("POST", b"/2018-06-01/runtime/init/error", b'"no"')
    assert [await client.status() for _ in range(3)] == ["202"] * 3
    assert endpoint.notes == [("r-1", b"[1]", False), ("r-1", b"{}", True), b'"no"']


async def test_an_answer_may_come_in_pieces(client: Client, endpoint: NotingEndpoint):
    client.writer.write(b"POST /%s/2018-06-01/runtime/invocation/r-1/resp" % SECRET.encode())
    await client.writer.drain()
    client.writer.write(b"onse HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    assert await client.status() == "100"
    client.writer.write(b"12")
    await client.writer.drain()
    client.writer.write(b"34")
    assert await client.status() == "202"
    assert endpoint.notes == [("r-1", b"1234", False)]


async def test_what_is_too_much_is_read_and_forgotten(client: Client, endpoint: NotingEndpoint):
    client.request("POST", b"/2018-06-01/runtime/invocation/r-1/response", b"x" * (MAX_RESPONSE + 1))
    client.request("POST", b"/2018-06-01/runtime/invocation/r-1/response", b"y")
    assert [await client.status() for _ in range(2)] == ["202", "202"]
    assert endpoint.notes == [("r-1", "too much"), ("r-1", b"y", False)]


@pytest.mark.parametrize(
    ("method", "path", "headers", "secret", "status"),
    [
        ("GET", NEXT, b"", "wrong", "403"),
        ("GET", NEXT, b"", "", "403"),
        ("POST", b"/2018-06-01/runtime/invocation/r-2/response", b"", SECRET, "400"),
        ("GET", b"/2018-06-01/runtime/other", b"", SECRET, "404"),
        ("GET", b"/1999-01-01/runtime/invocation/next", b"", SECRET, "404"),
        ("POST", NEXT, b"Transfer-Encoding: chunked\r\n", SECRET, "411"),
    ],
)
async def test_everything_else_is_refused_and_the_connection_closed(
    client: Client, method: str, path: bytes, headers: bytes, secret: str, status: str
):
    client.request(method, path, b"", headers, secret)
    assert await client.status() == status
    assert await client.reader.read() == b""


async def test_a_head_without_end_is_refused(client: Client):
    client.writer.write(b"GET /" + b"x" * 40_000)
    assert await client.status() == "431"


async def test_a_reply_to_a_client_that_is_gone_is_dropped(client: Client, endpoint: NotingEndpoint):
    client.request("GET", NEXT)
    await endpoint.asked.wait()
    client.writer.transport.abort()
    endpoint.reply(b"late")
    await asyncio.sleep(0)
    endpoint.reply(b"later")
