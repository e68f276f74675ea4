"""The HTTP server of the AWS APIs, with its health pages."""

from collections.abc import Callable

from aiohttp import web

from crossdock.api.endpoint import Endpoint

SHUTDOWN_S = 5.0


class ApiServer:
    """`is_ready` answers /readyz; the port is read back after the start, for 0 lets the system choose."""

    def __init__(self, endpoint: Endpoint, *, is_ready: Callable[[], bool]) -> None:
        self._endpoint = endpoint
        self._is_ready = is_ready
        self._runner: web.ServerRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Raises OSError when the address cannot be had."""
        # Bodies are read by the endpoint, which bounds them itself; paths are never normalised: S3 keys are exact.
        server = web.Server(self._handle, access_log=None, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method in ("GET", "HEAD") and "Authorization" not in request.headers:
            if request.raw_path == "/livez":
                return web.Response(text="ok\n")
            if request.raw_path == "/readyz":
                return web.Response(text="ok\n") if self._is_ready() else web.Response(text="starting\n", status=503)
        return await self._endpoint.handle(request)
