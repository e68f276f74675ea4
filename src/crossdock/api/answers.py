"""Answers on their way out: ready bytes, or an object streamed from its reader, by the kernel where it lies in a file.

No client holds more of the service's memory than a chunk, nor longer than the time-out: one that does not read is
cut off.
"""

import asyncio
import logging
import os
from datetime import datetime
from email.utils import format_datetime

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from crossdock.core.errors import FileError
from crossdock.operations.streams import ObjectBody
from crossdock.ports.objects import FileRegion
from crossdock.wire.http import HttpResponse

SLICE_BYTES = 1 << 20
"""What a client must take within the time-out."""

LINGER_S = 5.0
"""How long a body that nobody wants is read and dropped."""

SERVER = "Crossdock"

_log = logging.getLogger(__name__)


class ClientGone(ConnectionError):
    """The client left or does not read; the connection is of no more use."""


async def send(
    request: web.BaseRequest,
    response: HttpResponse,
    body: ObjectBody | None,
    *,
    now: datetime,
    stall_s: float,
    is_last: bool = False,
) -> web.StreamResponse:
    """Send an answer, dated by the service's clock; a streamed body is always closed.

    A failure after the first byte can only be shown by ending the connection early: the length was announced, so the
    client sees that bytes are missing.

    Args:
        is_last: close the connection after it and do not wait for the rest of the request, which nobody sends.

    Raises:
        ClientGone: the answer was not sent, or not whole.
    """
    try:
        answer = _begun(request, response, body, now)
        if is_last:
            answer.force_close()
        async with asyncio.timeout(stall_s):
            await answer.prepare(request)
        if body is not None and request.method != "HEAD":
            await _send_object(request, answer, body, stall_s)
        async with asyncio.timeout(stall_s):
            await answer.write_eof()
        if is_last or not await _is_all_read(request):
            request.protocol.force_close()
        return answer
    except TimeoutError as error:
        raise _cut(request, "the client does not read") from error
    except FileError as error:
        _log.error("an object could not be sent to its end", extra={"reason": str(error)})
        raise _cut(request, "the store failed") from error
    finally:
        if body is not None:
            await body.reader.close()


def _begun(
    request: web.BaseRequest, response: HttpResponse, body: ObjectBody | None, now: datetime
) -> web.StreamResponse:
    if body is None:
        answer: web.StreamResponse = web.Response(
            status=response.status, headers=response.headers, body=response.body or None
        )
    else:
        answer = web.StreamResponse(status=response.status, headers=response.headers)
        answer.content_length = body.size
    # Clients correct their own clock by it, and compare it with the time of what they wrote.
    answer.headers["Date"] = format_datetime(now, usegmt=True)
    answer.headers["Server"] = SERVER
    return answer


async def _send_object(request: web.BaseRequest, answer: web.StreamResponse, body: ObjectBody, stall_s: float) -> None:
    """The bytes of the body. Raises TimeoutError, FileError, ClientGone."""
    left = body.size
    while left and (region := await body.reader.region()) is not None:
        await _send_region(request, region, stall_s)
        left -= region.size
    if left:
        async for chunk in body.reader.chunks():
            async with asyncio.timeout(stall_s):
                await answer.write(chunk)
            left -= len(chunk)
    if left:
        _log.error("an object ended early", extra={"missing_bytes": left})
        raise _cut(request, "the object ended early")


async def _send_region(request: web.BaseRequest, region: FileRegion, stall_s: float) -> None:
    loop = asyncio.get_running_loop()
    with os.fdopen(region.fd, "rb", buffering=0, closefd=False) as file:
        for start in range(0, region.size, SLICE_BYTES):
            transport = request.transport
            if transport is None or transport.is_closing():
                raise ClientGone("the connection was closed")
            count = min(SLICE_BYTES, region.size - start)
            async with asyncio.timeout(stall_s):
                sent = await loop.sendfile(transport, file, region.offset + start, count)
            if sent != count:
                raise _cut(request, "a file ended early")


async def _is_all_read(request: web.BaseRequest) -> bool:
    """Read and drop what is left of the body, so that its client comes to read the answer; False if it goes on."""
    try:
        async with asyncio.timeout(LINGER_S):
            while not request.content.at_eof():
                await request.content.readany()
    except (TimeoutError, OSError, RequestPayloadError):
        return False
    return True


def _cut(request: web.BaseRequest, why: str) -> ClientGone:
    """End the connection without waiting for a client that may never read what is still to be sent."""
    if request.transport is not None:
        request.transport.abort()
    return ClientGone(why)
