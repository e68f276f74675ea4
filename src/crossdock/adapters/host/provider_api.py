"""Asking an identity provider by HTTP, signed with Signature Version 4 as the server's invocation role."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from crossdock.core.exposure import is_loopback
from crossdock.core.provider_urls import signing_region
from crossdock.core.servers import Server
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.host import Clock
from crossdock.ports.provider_api import ApiAnswer, ApiUnreachable, InvocationRoles
from crossdock.transfer.identity_answers import MAX_ANSWER_BYTES
from crossdock.wire.sigv4 import Credentials, sign
from crossdock.wire.sigv4_canonical import EMPTY_SHA256

CONNECT_TIMEOUT_S = 10.0
SPARE = timedelta(minutes=3)
"""Credentials that expire sooner are not signed with: the clocks may differ, and a request takes its time."""
WORTH_ASSUMING_AGAIN = timedelta(minutes=1)
"""How long after a role was assumed a refusal may mean that it was made anew since. Each such question is another one
that has the password."""
FORBIDDEN = 403
_UNSENT = ("Accept-Encoding", "Content-Type", "User-Agent")
_HEADERS = {"Accept": "application/json", "User-Agent": "Crossdock"}

_RoleOf = tuple[str, str]

Trusted = Callable[[Server], Awaitable[ssl.SSLContext | bool]]
"""Whose certificates are believed, as aiohttp wants it told. Asked before each question that goes by TLS; raises
ApiUnreachable."""


async def by_this_machine(_server: Server) -> bool:
    """See `Trusted`."""
    return True


@dataclass(slots=True)
class _Held:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    credentials: TemporaryCredentials | None = None
    assumed_at: datetime | None = None


class SignedProviderApi:
    """See `ports.provider_api.ProviderApi`. An invocation role is assumed once for as long as its credentials last."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        roles: InvocationRoles,
        *,
        clock: Clock,
        timeout_s: float,
        trusted: Trusted = by_this_machine,
    ) -> None:
        self._http = http
        self._trusted = trusted
        self._roles = roles
        self._clock = clock
        self._timeout_s = timeout_s
        self._held: dict[_RoleOf, _Held] = {}

    async def get(self, server: Server, *, url: str, headers: Mapping[str, str]) -> ApiAnswer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._get(server, url, headers)
        except TimeoutError as error:
            raise ApiUnreachable(f"it did not answer within {self._timeout_s:g} s", is_silent=True) from error

    async def _get(self, server: Server, url: str, headers: Mapping[str, str]) -> ApiAnswer:
        trusted = await self._trusted(server) if _is_by_tls(url) else True
        credentials = await self._credentials(server)
        answer = await self._send(server, url, headers, credentials, trusted)
        if answer.status == FORBIDDEN and self._let_go_of(server, credentials):
            credentials = await self._credentials(server)
            answer = await self._send(server, url, headers, credentials, trusted)
        return answer

    def _let_go_of(self, server: Server, refused: TemporaryCredentials) -> bool:
        """Whether others may be worth more: the role may have been made anew since these were assumed."""
        held = self._held[_role_of(server)]
        if held.credentials is refused and held.assumed_at is not None:
            if self._clock.now() - held.assumed_at < WORTH_ASSUMING_AGAIN:
                return False
            held.credentials = None
        return True

    async def _credentials(self, server: Server) -> TemporaryCredentials:
        held = self._held.setdefault(_role_of(server), _Held())
        async with held.turn:
            found = held.credentials
            if found is not None and self._clock.now() < found.expires_at - SPARE:
                return found
            try:
                assumed = await self._roles.credentials(server)
            except AssumeRefused as error:
                role = server.identity_provider.invocation_role
                raise ApiUnreachable(f"the invocation role {role} cannot be assumed: {error}") from error
            held.credentials, held.assumed_at = assumed, self._clock.now()
            return assumed

    async def _send(
        self,
        server: Server,
        url: str,
        headers: Mapping[str, str],
        credentials: TemporaryCredentials,
        trusted: ssl.SSLContext | bool,
    ) -> ApiAnswer:
        target = URL(url, encoded=True)
        sent = {"Host": urlsplit(url).netloc, **_HEADERS, **headers}
        signed = sign(
            method="GET",
            path=target.raw_path,
            query=target.raw_query_string,
            headers=sent,
            credentials=Credentials(
                access_key_id=credentials.access_key_id,
                secret_access_key=credentials.secret_access_key,
                session_token=credentials.session_token,
            ),
            now=self._clock.now(),
            region=signing_region(url, server.region),
            service="execute-api",
            payload_hash=EMPTY_SHA256,
        )
        try:
            async with self._http.get(
                target,
                headers={**sent, **signed},
                skip_auto_headers=_UNSENT,
                allow_redirects=False,
                ssl=trusted,
                proxy=_proxy_for(url),
            ) as response:
                return ApiAnswer(status=response.status, body=await _read(response))
        except aiohttp.ClientConnectorCertificateError as error:
            raise ApiUnreachable(
                f"its certificate is not trusted ({error.certificate_error})",
                remedy="name the authority that has signed it in login.provider_ca_file",
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise ApiUnreachable(f"it cannot be reached ({error.os_error})", is_silent=True) from error
        except aiohttp.ClientError as error:
            raise ApiUnreachable(f"it broke off ({str(error) or type(error).__name__})", is_silent=True) from error


@asynccontextmanager
async def open_provider_api(
    roles: InvocationRoles, *, clock: Clock, timeout_s: float, trusted: Trusted = by_this_machine
) -> AsyncIterator[SignedProviderApi]:
    """Reaches nobody yet.

    Args:
        timeout_s: for an answer, with the role's assumption and the connection.
    """
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as http:
        yield SignedProviderApi(http, roles, clock=clock, timeout_s=timeout_s, trusted=trusted)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while chunk := await response.content.read(MAX_ANSWER_BYTES + 1 - len(body)):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            raise ApiUnreachable(f"its answer is larger than {MAX_ANSWER_BYTES} bytes")
    return body


def _role_of(server: Server) -> _RoleOf:
    return server.server_id, server.identity_provider.invocation_role


def _is_by_tls(url: str) -> bool:
    """On the whole way, or to the proxy."""
    return "https" in (urlsplit(url).scheme, urlsplit(_proxy_for(url) or "").scheme)


def _proxy_for(url: str) -> str | None:
    """As HTTPS_PROXY and its like tell every program; none on the way to this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)
