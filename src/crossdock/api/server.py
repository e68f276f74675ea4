"""The HTTP server of the AWS APIs, with its health pages."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from crossdock.api.answers import SERVER
from crossdock.api.connections import ApiConnection
from crossdock.api.endpoint import Endpoint
from crossdock.wire.routing import bucket_in_host

SHUTDOWN_S = 5.0
BACKLOG = 1024


class ApiServer:
    """`is_ready` answers /readyz; the port is read back after the start, for 0 lets the system choose."""

    def __init__(self, endpoint: Endpoint, *, is_ready: Callable[[], bool]) -> None:
        self._endpoint = endpoint
        self._is_ready = is_ready
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Raises OSError when the address cannot be had."""
        server = web.Server(self._handle)
        settings = self._endpoint.settings
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: ApiConnection(
                server,
                refuse=self._endpoint.refuse,
                limit=settings.connections,
                idle_s=settings.idle_timeout_s,
            ),
            host,
            port,
            reuse_address=True,
            backlog=BACKLOG,
        )
        self._server = server
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Accept nothing more; what is under way may end within a few seconds."""
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            self._server.pre_shutdown()
            await self._server.shutdown(SHUTDOWN_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._is_for_us(request) and request.raw_path == "/livez":
            return _health(is_good=True)
        if self._is_for_us(request) and request.raw_path == "/readyz":
            return _health(is_good=self._is_ready())
        return await self._endpoint.handle(request)

    def _is_for_us(self, request: web.BaseRequest) -> bool:
        """Not for an object that has the name of a health page."""
        is_plain = request.method in ("GET", "HEAD") and "Authorization" not in request.headers
        host = request.headers.get("Host", "").partition(":")[0].lower()
        return is_plain and bucket_in_host(host, self._endpoint.settings.virtual_hosts) is None


def _health(*, is_good: bool) -> web.Response:
    text, status = ("ok\n", 200) if is_good else ("not ready\n", 503)
    return web.Response(text=text, status=status, headers={"Server": SERVER, "Cache-Control": "no-store"})
