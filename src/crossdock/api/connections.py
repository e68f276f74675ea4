"""Connections of HTTP clients: how many there are, how long they may say nothing, and what is no HTTP at all."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from crossdock.api.answers import SERVER
from crossdock.api.heads import MAX_HEADERS, MAX_LINE_BYTES
from crossdock.api.refusals import bad_request, busy, internal_error, too_large_head
from crossdock.core.errors import ServiceError
from crossdock.wire.http import HttpResponse
from crossdock.wire.sigv4 import Flavour

_log = logging.getLogger(__name__)

Refuse = Callable[[ServiceError], HttpResponse]

S3_FLAVOUR: Flavour = "s3"
"""Nobody can tell for which service it was meant."""


class ApiConnection(RequestHandler):
    """aiohttp's conversation with one client, with AWS's words for what is no request.

    Args:
        limit: connections at once; one more is told so and closed.
        idle_s: how long a client may take for a request's head, and be silent between requests.
    """

    __slots__ = ("_limit", "_refuse", "_server")

    def __init__(self, server: web.Server, *, refuse: Refuse, limit: int, idle_s: float) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # none at all; aiohttp asks whether there is one
            keepalive_timeout=idle_s,
            # `answers.send` reads bodies to their end; aiohttp would not notice that a client has left meanwhile.
            lingering_time=0,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            # Objects are kept as they come.
            auto_decompress=False,
        )
        self._server = server
        self._refuse = refuse
        self._limit = limit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._server.connections) < self._limit:
            super().connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            _log.warning("too many connections", extra={"limit": self._limit})
            transport.write(_as_bytes(self._refuse(busy(S3_FLAVOUR))))
            transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What the parser refuses, and what `Endpoint.handle` could not send. The connection is closed after it."""
        if isinstance(exc, ConnectionError):
            # The client has left, or was cut off: whoever reads the connection's end knows.
            raise exc
        if request.writer.output_size > 0:
            _log.error("an answer was cut short", exc_info=exc)
            raise ConnectionAbortedError("an answer that has begun cannot become another")
        if status < 500:
            # The exception tells the client's bytes, among which may be a signature.
            _log.debug("not an HTTP request", extra={"source_ip": request.remote, "reason": type(exc).__name__})
            response = self._refuse(too_large_head() if isinstance(exc, LineTooLong) else bad_request())
        else:
            _log.error("request failed", exc_info=exc)
            response = self._refuse(internal_error(S3_FLAVOUR))
        answer = web.Response(status=response.status, headers=response.headers, body=response.body)
        answer.headers["Server"] = SERVER
        answer.force_close()
        return answer


def _as_bytes(response: HttpResponse) -> bytes:
    """An answer outside any request."""
    headers = (*response.headers, ("Content-Length", str(len(response.body))), ("Connection", "close"))
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}", f"Server: {SERVER}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body
