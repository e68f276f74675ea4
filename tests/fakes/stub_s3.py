"""An S3 that says what the test tells it to, on a loopback port: for what a real one does once in a year.

async with stub_s3() as stub:
    stub.then(error(503, "SlowDown"), ok(headers={"ETag": '"x"'}))
    async with stub.store() as store: ...
    stub.seen[0].method, .target, .headers, .body
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aiobotocore.session import AioSession
from aiohttp import web
from tests.fakes.closing import all_closed

from crossdock.adapters.aws.checksums import CRC64NVME
from crossdock.adapters.aws.connection import open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.aws.writing import AS_THE_BUCKET_SAYS
from crossdock.adapters.host.clock import SystemClock
from crossdock.cloud.s3.checksums import Algorithm
from crossdock.core.arns import parse_arn
from crossdock.core.object_writing import ObjectWritings
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials

WHEN = "Sun, 15 Mar 2026 00:47:00 GMT"
CREDENTIALS = TemporaryCredentials(
    access_key_id="ASIASTUB",
    secret_access_key="a secret of the tests",
    session_token="a token of the tests",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)
CALLER = AssumedRole(
    role_arn=parse_arn("arn:aws:iam::111111111111:role/files"), role_id="AROASTUB", session_name="user1.x@s-1"
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


def error(
    status: int, code: str, message: str = "no", *, region: str = "", headers: Mapping[str, str] | None = None
) -> Say:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R1</RequestId></Error>".encode()
    where = {"x-amz-bucket-region": region} if region else {}
    return ok(body, status=status, headers={"x-amz-request-id": "R1", **where, **(headers or {})})


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


@asynccontextmanager
async def connect(
    url: str,
    *,
    attempts: int = 1,
    read_timeout_s: float = 5.0,
    verify: bool | str = True,
    checksum: Algorithm | None = CRC64NVME,
    path_style: bool = True,
    credentials: TemporaryCredentials = CREDENTIALS,
    principal: AssumedRole | None = CALLER,
    writings: ObjectWritings = AS_THE_BUCKET_SAYS,
    **how: Any,
) -> AsyncIterator[AwsObjectStore]:
    """A store at that URL, of CALLER unless told; `how` is for the store."""
    connecting = open_s3(
        region="us-east-1",
        clock=SystemClock(),
        endpoint_url=url,
        path_style=path_style,
        verify=verify,
        checksum=checksum,
        writings=writings,
        # Nobody waits in a test: between attempts there is no pause.
        patience=Patience(attempts=attempts, throttled_s=0, failed_s=0),
        read_timeout_s=read_timeout_s,
        session=aws_session(),
    )
    async with connecting as connection:
        yield AwsObjectStore(connection, credentials, principal=principal, **how)


class StubS3:
    def __init__(self, scheme: str) -> None:
        self.seen: list[Seen] = []
        self.port = 0
        self._scheme = scheme
        self._script: deque[Say] = deque()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def then(self, *script: Say) -> None:
        self._script.extend(script)

    @property
    def is_done(self) -> bool:
        return not self._script

    def store(self, **how: Any) -> AbstractAsyncContextManager[AwsObjectStore]:
        """See `connect`."""
        return connect(self.url, **how)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if "Expect" in request.headers:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await request.read()
        self.seen.append(Seen(method=request.method, target=request.raw_path, headers=request.headers, body=body))
        return await self._script.popleft()(request)


@asynccontextmanager
async def stub_s3(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[StubS3]:
    stub = StubS3("http" if tls is None else "https")
    server = web.Server(stub.handle, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    stub.port = site.port
    try:
        yield stub
    finally:
        await runner.cleanup()
        await all_closed(stub.port)
