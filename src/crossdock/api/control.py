"""The control interface on `DIR/run/control.sock`, for the `crossdock` command of the same user."""

import asyncio
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from crossdock.cloud.accounts import Accounts, UnknownAccount, credentials_of
from crossdock.core.servers import Endpoint
from crossdock.operations.call import House
from crossdock.ports.host import Sealer
from crossdock.ports.servers import ServerDirectory


@dataclass(slots=True, kw_only=True)
class ControlServer:
    """Answers the questions of `crossdock env` and `crossdock endpoints`. Whoever can open the socket may ask."""

    directory: ServerDirectory
    accounts: Accounts
    house: House
    sealer: Sealer
    region: str
    api_url: str
    _runner: web.AppRunner | None = None

    async def start(self, path: Path) -> None:
        app = web.Application()
        app.router.add_get("/endpoints", self._endpoints)
        app.router.add_get("/accounts/{account}/environment", self._environment)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await asyncio.to_thread(path.unlink, missing_ok=True)
        # The directory is 0700 already; the socket itself must not be open for an instant either.
        mask = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, str(path)).start()
        finally:
            os.umask(mask)

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _endpoints(self, _request: web.Request) -> web.Response:
        return web.json_response([_described(endpoint) for endpoint in await self.directory.endpoints()])

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


def _described(endpoint: Endpoint) -> dict[str, Any]:
    names = {"server_id": "serverId", "account_id": "accountId", "passive_ports": "passivePorts"}
    return {names.get(name, name): value for name, value in asdict(endpoint).items()}
