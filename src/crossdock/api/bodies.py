"""Request bodies as they arrive: streamed, decoded, measured and checked, never held whole."""

import asyncio
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Protocol

from aiohttp import StreamReader

from crossdock.core.errors import ServiceError
from crossdock.wire.aws_chunked import AwsChunkedDecoder
from crossdock.wire.sigv4 import Claim, check_payload

READ_BYTES = 256 << 10


class Hash(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class RequestBody:
    """A body that an operation reads (`operations.streams.BodyStream`).

    The client is told to go on (`100 Continue`) only when the operation begins to read, that is after it was allowed:
    a refused upload does not travel.
    """

    def __init__(
        self,
        content: StreamReader,
        *,
        length: int,
        claim: Claim | None,
        decoder: AwsChunkedDecoder | None,
        invite: Callable[[], None],
        stall_s: float,
    ) -> None:
        self._content = content
        self._claim = claim
        self._decoder = decoder
        self._invite = invite
        self._stall_s = stall_s
        self._length = length

    @property
    def length(self) -> int:
        return self._length

    @property
    def trailers(self) -> dict[str, str]:
        return dict(self._decoder.trailers) if self._decoder else {}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._invite()
        received = 0
        digest: Hash | None = sha256() if self._is_hashed else None
        while chunk := await self._read():
            for piece in self._decoder.feed(chunk) if self._decoder else (chunk,):
                received += len(piece)
                if self._length >= 0 and received > self._length:
                    raise incomplete_body("more bytes were sent than announced")
                if digest is not None:
                    digest.update(piece)
                yield bytes(piece)
        if self._length >= 0 and received != self._length:
            raise incomplete_body(f"{received} of {self._length} bytes were sent")
        if self._decoder is not None:
            self._decoder.check_finished()
        if self._claim is not None and digest is not None:
            check_payload(self._claim, digest.hexdigest())

    @property
    def _is_hashed(self) -> bool:
        return self._decoder is None and self._claim is not None and len(self._claim.payload_hash) == 64

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._stall_s):
                return await self._content.read(READ_BYTES)
        except TimeoutError as error:
            raise ServiceError(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period.",
            ) from error
        except ConnectionError as error:
            raise incomplete_body("the connection was closed") from error


def incomplete_body(detail: str) -> ServiceError:
    return ServiceError(
        "IncompleteBody",
        f"You did not provide the number of bytes specified by the Content-Length HTTP header: {detail}.",
    )


async def read_whole(content: StreamReader, *, max_bytes: int, invite: Callable[[], None], stall_s: float) -> bytes:
    """A body of an operation that is not streamed. Raises ServiceError when it is too large or stalls."""
    invite()
    chunks: list[bytes] = []
    size = 0
    try:
        while True:
            async with asyncio.timeout(stall_s):
                chunk = await content.read(READ_BYTES)
            if not chunk:
                return b"".join(chunks)
            size += len(chunk)
            if size > max_bytes:
                raise ServiceError(
                    "RequestEntityTooLargeException", f"The body may be {max_bytes} bytes at most.", status=413
                )
            chunks.append(chunk)
    except TimeoutError as error:
        raise ServiceError("RequestTimeout", "The request's body did not arrive in time.", status=408) from error
    except ConnectionError as error:
        raise incomplete_body("the connection was closed") from error
