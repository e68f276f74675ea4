"""An API Gateway on loopback with `AWS_IAM` authorisation: it verifies signatures, and answers what the test says.

async with provider_gateway() as gateway:
    gateway.say(200, {"Role": ROLE})
    ...
    gateway.heard[0].username, .query, .headers

The signature is worked out again by botocore, which shares nothing with what is tested.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.fakes.closing import all_closed
from tests.fakes.logins import SERVER

from crossdock.core.servers import IdentityProviderChoice, IdentityProviderType, Server
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.provider_api import ApiAnswer, ApiUnreachable

INVOCATION_ROLE = "arn:aws:iam::111111111111:role/invocation"
CREDENTIALS = TemporaryCredentials(
    access_key_id="ASIAINVOCATION",
    secret_access_key="the invocation role's secret",
    session_token="the/invocation+role's=token",
    expires_at=datetime(2030, 1, 1, tzinfo=UTC),
)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([a-z0-9-]+)/execute-api/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)
_PATH = re.compile(r"(?P<stage>.*)/servers/(?P<server>[^/]+)/users/(?P<user>[^/]+)/config")

Secrets = Callable[[str, str], Awaitable[str | None]]
"""The secret of an access key with its session token; None for a pair that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """`raw_path` is as it came; `region` is the one of the signature."""

    method: str
    raw_path: str
    server_id: str
    username: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    region: str


def gateway_server(url: str, *, methods: str = "", server: Server = SERVER) -> Server:
    choice = IdentityProviderChoice(
        kind=IdentityProviderType.API_GATEWAY,
        url=url,
        invocation_role=INVOCATION_ROLE,
        sftp_authentication_methods=methods,
    )
    return replace(server, identity_provider=choice)


async def only_invocation(access_key_id: str, session_token: str) -> str | None:
    return secret_in(CREDENTIALS, access_key_id, session_token)


def secret_in(known: TemporaryCredentials, access_key_id: str, session_token: str) -> str | None:
    is_known = (access_key_id, session_token) == (known.access_key_id, known.session_token)
    return known.secret_access_key if is_known else None


class Gateway:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.heard: list[Heard] = []
        self.refused: list[str] = []
        self.url = ""
        self.answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
        self.say(200, {})

    def say(self, status: int, body: Any, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def answer(_: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=status, body=content, headers=headers)

        self.answer = answer

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        reason, region = await self._verified(request)
        if reason:
            self.refused.append(reason)
            return web.json_response({"message": reason}, status=403)
        path, _, query = request.raw_path.partition("?")
        found = _PATH.fullmatch(path)
        if found is None:
            return web.json_response({"message": "Missing Authentication Token"}, status=403)
        self.heard.append(
            Heard(
                method=request.method,
                raw_path=path,
                server_id=found["server"],
                username=unquote(found["user"]),
                query=dict(parse_qsl(query, strict_parsing=True)),
                headers=request.headers,
                region=region,
            )
        )
        return await self.answer(request)

    async def _verified(self, request: web.BaseRequest) -> tuple[str, str]:
        """Why the signature does not hold, and the region that it is for."""
        claim = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if claim is None:
            return "Missing Authentication Token", ""
        key_id, region, signed, signature = claim.groups()
        names = signed.split(";")
        token = request.headers.get("X-Amz-Security-Token", "")
        secret = await self._secrets(key_id, token)
        if secret is None:
            return "The security token included in the request is invalid.", region
        if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
            return "headers that must be signed are not", region
        if any(name in request.headers and name.lower() not in names for name in ("Password", "PasswordBase64")):
            return "the password is not signed", region
        again = AWSRequest(
            method=request.method,
            url=f"{request.scheme}://{request.host}{request.raw_path}",
            headers={name: request.headers[name] for name in names},
        )
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(key_id, secret, token), "execute-api", region)
        expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        return ("" if expected == signature else "The request signature we calculated does not match"), region


@asynccontextmanager
async def provider_gateway(
    *, secrets: Secrets = only_invocation, tls: ssl.SSLContext | None = None, stage: str = "/prod"
) -> AsyncIterator[Gateway]:
    gateway = Gateway(secrets)
    runner = web.ServerRunner(web.Server(gateway.handle), shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        gateway.url = f"https://localhost:{port}{stage}" if tls else f"http://127.0.0.1:{port}{stage}"
        yield gateway
    finally:
        await runner.cleanup()
    await all_closed(port)


@dataclass(slots=True)
class ScriptedRoles:
    """Implements `ports.provider_api.InvocationRoles`."""

    credentials_of: TemporaryCredentials = CREDENTIALS
    refusal: str = ""
    asked: int = 0

    async def credentials(self, server: Server) -> TemporaryCredentials:
        self.asked += 1
        await asyncio.sleep(0)  # so that another may ask meanwhile
        if self.refusal:
            raise AssumeRefused(self.refusal)
        return self.credentials_of


@dataclass(slots=True)
class ScriptedApi:
    """Implements `ports.provider_api.ProviderApi`."""

    answer: ApiAnswer | ApiUnreachable = field(default_factory=lambda: ApiAnswer(status=200, body=b"{}"))
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    async def get(self, server: Server, *, url: str, headers: Mapping[str, str]) -> ApiAnswer:
        self.asked.append((url, headers))
        if isinstance(self.answer, ApiUnreachable):
            raise self.answer
        return self.answer
