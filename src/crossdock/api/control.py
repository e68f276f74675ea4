"""The control interface on `DIR/run/control.sock`, for the `crossdock` command of the same user."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from crossdock.cloud.accounts import Accounts, UnknownAccount, credentials_of
from crossdock.core.errors import CrossdockError
from crossdock.core.ingress import RESTRICTED, UNRESTRICTED
from crossdock.core.servers import Endpoint, FileProtocol, Server
from crossdock.operations.call import House
from crossdock.operations.socket_paths import bindable
from crossdock.ports.host import Sealer
from crossdock.ports.ingress import Ingress
from crossdock.ports.servers import ServerDirectory

_log = logging.getLogger(__name__)


Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""To a question that was posted. Raises CrossdockError, whose message is told."""


class NoQuestion(CrossdockError):
    """What was posted is no JSON object."""


@dataclass(slots=True, kw_only=True)
class ControlServer:
    """Answers `crossdock env`, `endpoints`, `explain` and `bucket`. Whoever can open the socket may ask."""

    directory: ServerDirectory
    ingress: Ingress
    accounts: Accounts
    house: House
    sealer: Sealer
    region: str
    api_url: str
    explain: Answer
    buckets: Answer
    _runner: web.AppRunner | None = None

    async def start(self, path: Path) -> None:
        """Listen; a socket that a killed process left there is replaced. Raises OSError."""
        app = web.Application()
        app.router.add_get("/endpoints", self._endpoints)
        app.router.add_get("/accounts/{account}/environment", self._environment)
        app.router.add_post("/explain", _answering(self.explain))
        app.router.add_post("/buckets", _answering(self.buckets))
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        listening = await asyncio.to_thread(_listen, path)
        try:
            await web.SockSite(self._runner, listening).start()
        except BaseException:
            listening.close()
            raise

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _endpoints(self, _request: web.Request) -> web.Response:
        """One object for every protocol of every server; port 0 = it was never open. Who may connect is as the security
        groups say at this moment."""
        known = {(one.server_id, one.protocol): one for one in await self.directory.endpoints()}
        return web.json_response(
            [
                _described(
                    known.get((server.server_id, protocol)) or _not_open_yet(server, protocol),
                    ingress=RESTRICTED if self.ingress.is_restricted(server) else UNRESTRICTED,
                )
                for server in await self.directory.servers()
                for protocol in server.protocols
            ]
        )

    async def _environment(self, request: web.Request) -> web.Response:
        try:
            credentials = await credentials_of(
                self.house.state, self.sealer, self.accounts, request.match_info["account"]
            )
        except UnknownAccount as error:
            return web.json_response({"message": str(error)}, status=404)
        return web.json_response(
            {
                "AWS_ACCESS_KEY_ID": credentials.access_key_id,
                "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
                "AWS_REGION": self.region,
                "AWS_DEFAULT_REGION": self.region,
                "AWS_ENDPOINT_URL": self.api_url,
            }
        )


def _answering(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await answer(await _question_of(request)))
        except CrossdockError as error:
            return web.json_response({"message": str(error)}, status=400)
        except Exception:
            # The task's boundary: what is not foreseen is logged, and still answered in words.
            _log.exception("%s failed", request.path)
            message = "the service failed while it looked that up: its log tells how"
            return web.json_response({"message": message}, status=500)

    return handle


async def _question_of(request: web.Request) -> Mapping[str, Any]:
    try:
        asked = await request.json()
    except (ValueError, LookupError, RecursionError) as error:  # LookupError: of a charset that nobody knows
        raise NoQuestion("the question is not JSON") from error
    if not isinstance(asked, dict):
        raise NoQuestion("the question must be a JSON object")
    return asked


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        # The directory is 0700 already; the socket's own mode is set on its file before anybody can connect.
        with bindable(path) as name:
            listening.bind(name)
        path.chmod(0o600)
        listening.listen()
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _not_open_yet(server: Server, protocol: FileProtocol) -> Endpoint:
    return Endpoint(
        server_id=server.server_id,
        account_id=server.account_id,
        region=server.region,
        state=server.state,
        protocol=protocol,
        host="",
        port=0,
    )


def _described(endpoint: Endpoint, *, ingress: str) -> dict[str, Any]:
    return {
        "serverId": endpoint.server_id,
        "accountId": endpoint.account_id,
        "region": endpoint.region,
        "state": endpoint.state,
        "protocol": endpoint.protocol,
        "host": endpoint.host,
        "port": endpoint.port,
        "passivePorts": list(endpoint.passive_ports),
        "ingress": ingress,
        "message": endpoint.message,
    }
