"""Answers on their way out: ready bytes, or an object streamed from its reader."""

from datetime import datetime
from email.utils import format_datetime

from aiohttp import web

from crossdock.operations.streams import ObjectBody
from crossdock.wire.http import HttpResponse

CHUNK_BYTES = 1 << 20


async def send(
    request: web.BaseRequest, response: HttpResponse, body: ObjectBody | None, *, now: datetime
) -> web.StreamResponse:
    """Send an answer, dated by the service's clock; a streamed body is always closed.

    A failure after the first byte can only be shown by ending the connection early: the length was announced, so the
    client sees that bytes are missing.
    """
    try:
        if body is None:
            return await _send_bytes(request, response, now)
        return await _send_object(request, response, body, now)
    finally:
        if body is not None:
            await body.reader.close()


async def _send_bytes(request: web.BaseRequest, response: HttpResponse, now: datetime) -> web.StreamResponse:
    answer = _begun(response, now)
    if request.method != "HEAD" and response.status not in (204, 304):
        answer.content_length = len(response.body)
    await answer.prepare(request)
    if response.body and request.method != "HEAD":
        await answer.write(response.body)
    await answer.write_eof()
    return answer


async def _send_object(
    request: web.BaseRequest, response: HttpResponse, body: ObjectBody, now: datetime
) -> web.StreamResponse:
    answer = _begun(response, now)
    answer.content_length = body.size
    await answer.prepare(request)
    left = body.size
    if request.method != "HEAD" and left:
        async for chunk in body.reader.chunks():
            piece = chunk[:left]
            await answer.write(piece)
            left -= len(piece)
            if not left:
                break
    await answer.write_eof()
    return answer


def _begun(response: HttpResponse, now: datetime) -> web.StreamResponse:
    answer = web.StreamResponse(status=response.status, headers=response.headers)
    # Clients correct their own clock by it, and compare it with the time of what they wrote.
    answer.headers["Date"] = format_datetime(now, usegmt=True)
    return answer
