"""Bodies that are read whole: what is asked of every service, and the XML documents of S3.

All of them together are bounded, and so is the time that one may take: a client that sends slowly holds memory.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from aiohttp import web

from crossdock.api.authenticate import Authenticated
from crossdock.api.bodies import Invitation, read_chunk
from crossdock.api.refusals import busy, too_large
from crossdock.cloud.s3.checksums import ALGORITHMS, Digests, check_value, read_claims
from crossdock.wire.aws_chunked import open_decoder
from crossdock.wire.http import Headers
from crossdock.wire.sigv4 import Flavour, check_payload

MIN_BYTES_PER_S = 16 << 10
"""A slower client is cut off in the end, once its body has taken longer than the time-out besides."""


class Share:
    """What one request holds of the memory for bodies."""

    def __init__(self, memory: "BodyMemory") -> None:
        self._memory = memory
        self.size = 0

    def grow(self, count: int, flavour: Flavour) -> None:
        """Raises ServiceError when all requests together would hold too much."""
        if self._memory.used + count > self._memory.limit:
            raise busy(flavour)
        self._memory.used += count
        self.size += count


class BodyMemory:
    """How many bytes of bodies are held at once, over all requests."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """For as long as a request and what was parsed of it are alive."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used -= share.size


async def read_document(
    request: web.BaseRequest,
    *,
    max_bytes: int,
    share: Share,
    invitation: Invitation,
    stall_s: float,
    flavour: Flavour,
) -> bytes:
    """The whole body.

    Raises:
        ServiceError: it is too large, too slow or cut short, or there is no memory for it now.
    """
    if (request.content_length or 0) > max_bytes:
        raise too_large(flavour, max_bytes)
    invitation.give()
    clock = asyncio.get_running_loop().time
    began_at = clock()
    body = bytearray()
    while True:
        left_s = began_at + stall_s + len(body) / MIN_BYTES_PER_S - clock()
        chunk = await read_chunk(request.content, stall_s=min(stall_s, left_s), flavour=flavour)
        if not chunk:
            return bytes(body)
        if len(body) + len(chunk) > max_bytes:
            raise too_large(flavour, max_bytes)
        share.grow(len(chunk), flavour)
        body += chunk


def decode_s3_document(body: bytes, headers: Headers, who: Authenticated, *, has_checksum: bool) -> bytes:
    """What the body of an S3 call says, once it is as it was signed and sent.

    Args:
        has_checksum: whether `x-amz-checksum-…` is of this body; CompleteMultipartUpload's is of the object.

    Raises:
        ServiceError: wrong hash, chunk signature, framing, MD5 or checksum.
    """
    trailers: Mapping[str, str] = {}
    payload_hash = who.claim.payload_hash if who.claim is not None else headers.get("x-amz-content-sha256", "")
    decoder = open_decoder(headers, payload_hash, who.signature)
    if decoder is not None:
        body = b"".join(decoder.feed(body))
        decoder.check_finished()
        trailers = decoder.trailers
    elif who.claim is not None:
        check_payload(who.claim, sha256(body).hexdigest())
    if has_checksum:
        _check_sums(body, headers, trailers)
    return body


def _check_sums(body: bytes, headers: Headers, trailers: Mapping[str, str]) -> None:
    said = {algorithm.member: headers.get(algorithm.header) for algorithm in ALGORITHMS.values()}
    claims = read_claims({**said, "ContentMD5": headers.get("content-md5")}).with_trailers(trailers)
    digests = Digests([claims.algorithm] if claims.algorithm is not None else [])
    digests.update(body)
    claims.check_md5(digests)
    if claims.algorithm is not None and claims.value is not None:
        check_value(claims.algorithm, claims.value, digests.text(claims.algorithm))
