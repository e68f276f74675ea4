"""An S3 that says what the test tells it to, on a loopback port: for what a real one does once in a year.

async with stub_s3() as stub:
    stub.then(error(503, "SlowDown"), ok(headers={"ETag": '"x"'}))
    async with stub.store() as store: ...
    stub.seen[0].method, .target, .headers, .body
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from aiobotocore.session import AioSession
from aiohttp import web

from crossdock.adapters.aws.connection import open_s3
from crossdock.adapters.aws.copying import MAX_COPY
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.ports.functions import TemporaryCredentials

WHEN = "Sun, 15 Mar 2026 00:47:00 GMT"
CREDENTIALS = TemporaryCredentials(
    access_key_id="ASIASTUB",
    secret_access_key="a secret of the tests",
    session_token="a token of the tests",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)


@lru_cache
def aws_session() -> AioSession:
    """One for all tests: reading S3's model is most of the cost of a client."""
    return AioSession()


Say = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def ok(body: bytes = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> Say:
    async def say(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Last-Modified": WHEN, "Date": WHEN, **(headers or {})})

    return say


def error(status: int, code: str, message: str = "no") -> Say:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R1</RequestId></Error>".encode()
    return ok(body, status=status, headers={"x-amz-request-id": "R1"})


def breaks_after(content: bytes, *, size: int, headers: Mapping[str, str] | None = None, status: int = 200) -> Say:
    """Announces `size` bytes, sends `content` and ends the connection."""

    async def say(request: web.BaseRequest) -> web.StreamResponse:
        answer = await _begin(request, content, size, headers or {}, status)
        assert request.transport is not None
        request.transport.close()
        return answer

    return say


def stalls_after(content: bytes, *, size: int) -> Say:
    """Announces `size` bytes, sends `content` and nothing more."""

    async def say(request: web.BaseRequest) -> web.StreamResponse:
        await _begin(request, content, size, {}, 200)
        return await says_nothing(request)

    return say


async def _begin(
    request: web.BaseRequest, content: bytes, size: int, headers: Mapping[str, str], status: int
) -> web.StreamResponse:
    answer = web.StreamResponse(status=status, headers={"Last-Modified": WHEN, "ETag": '"x"', **headers})
    answer.content_length = size
    await answer.prepare(request)
    await answer.write(content)
    return answer


async def hangs_up(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def says_nothing(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class StubS3:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.port = 0
        self._script: deque[Say] = deque()

    def then(self, *script: Say) -> None:
        self._script.extend(script)

    @property
    def is_done(self) -> bool:
        return not self._script

    @asynccontextmanager
    async def store(
        self, *, attempts: int = 1, read_timeout_s: float = 5.0, max_copy: int = MAX_COPY
    ) -> AsyncIterator[AwsObjectStore]:
        connecting = open_s3(
            region="us-east-1",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            path_style=True,
            max_attempts=attempts,
            read_timeout_s=read_timeout_s,
            session=aws_session(),
        )
        async with connecting as connection:
            yield AwsObjectStore(connection, CREDENTIALS, max_copy=max_copy)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(Seen(method=request.method, target=request.raw_path, headers=request.headers, body=body))
        return await self._script.popleft()(request)


@asynccontextmanager
async def stub_s3() -> AsyncIterator[StubS3]:
    stub = StubS3()
    server = web.Server(stub.handle, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.port = site.port
    try:
        yield stub
    finally:
        await runner.cleanup()
