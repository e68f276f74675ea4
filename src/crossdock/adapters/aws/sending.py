"""The hot path's I/O: signed requests over aiohttp, sent again where that may help, to where the bucket is.

botocore would hash and copy every body, and spends ten times as much on a request (docs/decisions). What is sent and
what an answer means is in `requests.py`, `refusals.py` and `retrying.py`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, TypeVar

import aiohttp
from yarl import URL

from crossdock.adapters.aws.endpoint import S3Endpoint
from crossdock.adapters.aws.pieces import PiecesBody
from crossdock.adapters.aws.refusals import Refusal, Refused, read_late_refusal, read_refusal
from crossdock.adapters.aws.requests import S3Request
from crossdock.adapters.aws.retrying import Attempts, Patience, is_nobody_there, is_passing
from crossdock.ports.host import Clock
from crossdock.wire.sigv4 import Credentials, sign

T = TypeVar("T")

CONSENT_S = 5.0
"""How long a store may think about whether it wants a body."""
MAX_ANSWER_BYTES = 256 << 10
"""Of a body that is no object's."""
MAX_REGIONS = 10_000

_UNSENT = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add: a Content-Type would become the object's, an encoding change its bytes."""

_DOUBTFUL_STATUSES = (500, 502, 504)

# A certificate that is not trusted now will not be trusted the next moment.
_LASTING = (aiohttp.ClientSSLError, aiohttp.InvalidURL)


InDoubt = Callable[[], None]
"""Called after each attempt that may have been carried out without an answer that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """`headers` compare without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _nobody() -> None:
    """Nobody wants to know."""


async def _unread(response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
    return response


async def _read(response: aiohttp.ClientResponse) -> Answered:
    async with response:
        body = await _read_at_most(response, MAX_ANSWER_BYTES)
        if not response.content.at_eof():
            raise aiohttp.ClientPayloadError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    # S3 sends a 200 before it knows, and the error in the body.
    if (late := read_late_refusal(response.headers, body)) is not None:
        raise Refused(late)
    return Answered(status=response.status, headers=response.headers, body=body)


class S3Sender:
    """Sends for all sessions: connections are shared, credentials are each call's own.

    Raises Refused for what S3 answers with an error, else aiohttp's ClientError or TimeoutError.

    Args:
        stall_s: without any byte of a body being taken, before the connection is given up.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint: S3Endpoint,
        *,
        clock: Clock,
        patience: Patience,
        stall_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._clock = clock
        self._patience = patience
        self.stall_s = stall_s
        self._sleep = sleep
        self._chance = chance
        # Of buckets that are elsewhere than the endpoint says.
        self._regions: dict[str, str] = {}

    async def open(self, request: S3Request, signer: Credentials) -> aiohttp.ClientResponse:
        """The answer, its body unread: read it to its end, or close it."""
        return await self._persist(request, signer, _unread, in_doubt=_nobody)

    async def fetch(self, request: S3Request, signer: Credentials, *, in_doubt: InDoubt = _nobody) -> Answered:
        """The answer with its body, which is small."""
        return await self._persist(request, signer, _read, in_doubt=in_doubt)

    async def _persist(
        self,
        request: S3Request,
        signer: Credentials,
        take: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        *,
        in_doubt: InDoubt,
    ) -> T:
        attempts = Attempts(self._patience, is_under_way=request.is_under_way)
        invites, has_moved = False, False
        while True:
            try:
                return await take(await self._attempt(request, signer, invites=invites))
            except Refused as error:
                if not has_moved and self._learn_region(request, error):
                    has_moved = True
                    continue
                if error.refusal.status in _DOUBTFUL_STATUSES:
                    in_doubt()
                pause = self._pause(attempts, error.refusal, is_absent=is_nobody_there(error.refusal))
                if pause is None or not is_passing(error.refusal):
                    raise
            except (aiohttp.ClientError, TimeoutError) as error:
                is_unconnected = isinstance(error, aiohttp.ClientConnectorError)
                if not is_unconnected:
                    in_doubt()
                # A name that is not found is most often misspelt.
                is_absent = is_unconnected and not isinstance(error, aiohttp.ClientConnectorDNSError)
                pause = self._pause(attempts, None, is_absent=is_absent)
                if pause is None or isinstance(error, _LASTING):
                    raise
                # A store that answers before it has the body, and closes, may have told why in an answer that got
                # lost. Asked for its consent first (RFC 9110 §10.1.1), it says so before anything is sent.
                # One that never answers that is sent the body all the same, the next time.
                invites = bool(request.body) and not invites
            await self._sleep(pause)

    def _pause(self, attempts: Attempts, refusal: Refusal | None, *, is_absent: bool) -> float | None:
        return attempts.pause(refusal, is_absent=is_absent, now=self._clock.monotonic(), chance=self._chance)

    async def _attempt(self, request: S3Request, signer: Credentials, *, invites: bool) -> aiohttp.ClientResponse:
        region = self._region_of(request)
        address = self._endpoint.address(request.place, region=region)
        headers = {"Host": address.host, **request.headers}
        headers |= sign(
            method=request.method,
            path=address.path,
            query=request.query,
            headers=headers,
            credentials=signer,
            now=self._clock.now(),
            region=region,
            service="s3",
            payload_hash=request.payload_hash,
        )
        query = f"?{request.query}" if request.query else ""
        ask = partial(
            self._http.request,
            request.method,
            # Keys are exact: yarl would make one of `a//b` and another of `a/../b`.
            URL(f"{address.origin}{address.path}{query}", encoded=True),
            headers=headers,
            skip_auto_headers=_UNSENT,
            allow_redirects=False,
        )
        if request.body:
            return await self._with_body(ask, request.body, invites=invites)
        return await _accepted(await ask())

    async def _with_body(
        self, ask: Callable[..., Awaitable[aiohttp.ClientResponse]], pieces: Sequence[memoryview], *, invites: bool
    ) -> aiohttp.ClientResponse:
        body = PiecesBody(pieces, stall_s=self.stall_s)
        try:
            # aiohttp would wait for the consent without end, as some servers never give it.
            async with asyncio.timeout(min(CONSENT_S, self.stall_s) if invites else None) as consent:
                body.when_begun(lambda: consent.reschedule(None))
                response = await ask(data=body, expect100=invites)
            return await _accepted(response)
        except BaseException:
            body.abandon()
            raise

    def _region_of(self, request: S3Request) -> str:
        return self._regions.get(request.place.bucket, self._endpoint.region)

    def _learn_region(self, request: S3Request, refused: Refused) -> bool:
        """Whether the answer tells that the bucket is in another region than was asked, for all further requests."""
        region = refused.refusal.region
        if not region or region == self._region_of(request):
            return False
        if len(self._regions) == MAX_REGIONS:
            self._regions.clear()
        self._regions[request.place.bucket] = region
        return True


async def _accepted(response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
    """The same. Raises Refused for an error."""
    if response.status >= 300:
        await _refuse(response)
    return response


async def _refuse(response: aiohttp.ClientResponse) -> NoReturn:
    try:
        body = await _read_at_most(response, MAX_ANSWER_BYTES)
    except (aiohttp.ClientError, TimeoutError):
        body = b""
    finally:
        # Not all of the request may have been sent.
        response.close()
    raise Refused(read_refusal(response.status, response.headers, body))


async def _read_at_most(response: aiohttp.ClientResponse, size: int) -> bytes:
    body = b""
    while len(body) < size and (chunk := await response.content.read(size - len(body))):
        body += chunk
    return body
