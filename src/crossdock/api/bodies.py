"""Request bodies as they arrive: objects streamed, decoded, measured and checked, never held whole."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestPayloadError

from crossdock.api.refusals import incomplete_body, missing_length, timed_out
from crossdock.wire.aws_chunked import AwsChunkedDecoder
from crossdock.wire.sigv4 import Claim, Flavour, check_payload
from crossdock.wire.sigv4_claims import STREAMING, UNSIGNED_PAYLOAD

READ_BYTES = 256 << 10


class Invitation:
    """Tells a client that waits with its body to send it (RFC 9110 §10.1.1); does nothing for others.

    Given only when the body is wanted, that is after the request was allowed: a refused upload does not travel.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        expects = request.headers.get("Expect", "").lower() == "100-continue"
        # RFC 9110 §10.1.1: of a client of HTTP/1.0 the expectation is ignored.
        self._is_due = expects and request.version >= (1, 1)

    @property
    def is_due(self) -> bool:
        """The client still waits: perhaps it will never send the body, and the connection is of no more use."""
        return self._is_due

    def give(self) -> None:
        if self._is_due:
            self._is_due = False
            if self._request.transport is not None:
                self._request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def read_chunk(content: StreamReader, *, stall_s: float, flavour: Flavour) -> bytes:
    """The next bytes, none at the end.

    Raises:
        ServiceError: RequestTimeout, nothing came for too long; IncompleteBody, the connection ended.
    """
    try:
        async with asyncio.timeout(stall_s):
            return await content.read(READ_BYTES)
    except TimeoutError as error:
        raise timed_out(flavour) from error
    except (OSError, RequestPayloadError) as error:
        raise incomplete_body("the connection was closed, or the body's framing is wrong") from error


class RequestBody:
    """A body that an operation of S3 reads (`operations.streams.BodyStream`). It can be read once.

    Args:
        length: the object's, -1 when the client did not say.
        claim: the request's signature; None for an unsigned request.
    """

    def __init__(
        self,
        content: StreamReader,
        *,
        length: int,
        claim: Claim | None,
        decoder: AwsChunkedDecoder | None,
        invitation: Invitation,
        stall_s: float,
    ) -> None:
        self._content = content
        self._claim = claim
        self._decoder = decoder
        self._invitation = invitation
        self._stall_s = stall_s
        self._length = length

    @property
    def length(self) -> int:
        return self._length

    @property
    def trailers(self) -> dict[str, str]:
        return dict(self._decoder.trailers) if self._decoder else {}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._invitation.give()
        received = 0
        claim = self._claim
        # Whoever signed a word instead of a hash signed chunks, or nothing.
        digest = None if claim is None or claim.payload_hash in (UNSIGNED_PAYLOAD, *STREAMING) else sha256()
        while chunk := await read_chunk(self._content, stall_s=self._stall_s, flavour="s3"):
            for piece in self._decoder.feed(chunk) if self._decoder else (chunk,):
                received += len(piece)
                if digest is not None:
                    digest.update(piece)
                yield bytes(piece)
        if self._decoder is not None:
            self._decoder.check_finished()
        if self._length >= 0 and received != self._length:
            raise incomplete_body(f"{received} of {self._length} bytes were sent")
        if claim is not None and digest is not None:
            check_payload(claim, digest.hexdigest())


def announced_length(request: web.BaseRequest) -> int:
    """The length of a body, -1 when it comes in HTTP's own chunks.

    Raises:
        ServiceError: MissingContentLength, it says neither.
    """
    if request.content_length is not None:
        return request.content_length
    if request.headers.get("Transfer-Encoding"):
        return -1
    raise missing_length()
