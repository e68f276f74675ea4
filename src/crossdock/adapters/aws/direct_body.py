"""The rest of an answer's body, straight from its connection: aiohttp would copy every byte of it once more.

aiohttp sends the request and reads the head. Then the connection's bytes come here, in pieces as large as one `recv`
gives, until the body has ended; aiohttp has the connection back then, for the next request.
"""

import asyncio
from collections import deque

import aiohttp
from aiohttp.client_proto import ResponseHandler

RECEIVED_BYTES = 1 << 20
"""At once. asyncio's own 256 KiB are many pieces, and what a piece costs on its way through the layers is most of what
a download costs in Python."""
MOST_WAITING = 3 << 20
"""Of a body whose client is slower than S3; no more of it is read then."""
PAUSE_S = 5.0
"""For which a connection waits for such a client. All sessions share the connections: who stops taking a file must not
hold one for long."""


class DirectBody(asyncio.Protocol):
    """Made by `take_over`. To close the answer before the end closes the connection.

    A body of at most `MOST_WAITING` is taken whole, whether anybody reads it or not. One that is larger is given up
    when nobody does for `pause_s`, and then ends early.
    """

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        protocol: ResponseHandler,
        transport: asyncio.Transport,
        *,
        stall_s: float,
        pause_s: float,
    ) -> None:
        self._response = response
        self._transport = transport
        self._aiohttp = protocol
        self._stall_s = stall_s
        self._pause_s = pause_s
        self._left = int(response.headers["Content-Length"])
        self._heard = 0.0
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._pause: asyncio.TimerHandle | None = None
        self._failure: aiohttp.ClientError | None = None
        self._reader: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """What aiohttp has read of the body comes first."""
        came = self._response.content.read_nowait()
        # So that it does not wait for bytes either: its timer would give up a connection that serves well.
        self._aiohttp.pause_reading()
        self._transport.set_protocol(self)
        self._transport.resume_reading()
        self.data_received(came)

    async def read(self) -> bytes:
        """The next piece, at most `RECEIVED_BYTES`; nothing at the end.

        Raises aiohttp's ClientError when that comes too early, TimeoutError when nothing comes for too long.
        """
        while not self._pieces:
            if not self._left:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._more()
        piece = self._pieces.popleft()
        self._waiting -= len(piece)
        if self._end_pause():
            self._heard = asyncio.get_running_loop().time()
            self._transport.resume_reading()
        return piece

    def data_received(self, data: bytes) -> None:
        if self._failure is not None:
            return
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        is_too_much = len(data) > self._left
        piece = data[: self._left] if is_too_much else data
        self._left -= len(piece)
        self._waiting += len(piece)
        if piece:
            self._pieces.append(piece)
        if is_too_much:
            self._response.close()
        elif not self._left:
            self._give_back()
        elif self._waiting >= MOST_WAITING and self._pause is None:
            self._transport.pause_reading()
            self._pause = loop.call_later(self._pause_s, self._give_up)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or "closed")
        self._aiohttp.connection_lost(exc)

    def _give_back(self) -> None:
        # aiohttp's parser still waits for this body. What comes now belongs to none: a new one takes it for an answer,
        # after which the connection is not used again (`clean_connections.py`).
        self._aiohttp.set_response_params()
        self._transport.set_protocol(self._aiohttp)
        self._response.content.feed_eof()

    def _give_up(self) -> None:
        self._fail("nobody took it")
        self._response.close()

    def _fail(self, reason: object) -> None:
        self._end_pause()
        self._failure = self._failure or aiohttp.ClientPayloadError(
            f"the body ended {self._left} bytes early: {reason}"
        )
        self._wake()

    def _end_pause(self) -> bool:
        pause, self._pause = self._pause, None
        if pause is not None:
            pause.cancel()
        return pause is not None

    async def _more(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            # Several bodies may stand still at once, and who reads one after the other does not wait for each anew.
            async with asyncio.timeout_at(self._heard + self._stall_s):
                await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def take_over(response: aiohttp.ClientResponse, *, stall_s: float, pause_s: float = PAUSE_S) -> DirectBody | None:
    """None where the body has come already, or where it is not told how long it is.

    Args:
        stall_s: without any byte, before the connection is given up.
        pause_s: with as much waiting as may wait, before it is.
    """
    protocol = response.connection.protocol if response.connection is not None else None
    transport = protocol.transport if protocol is not None else None
    length = response.headers.get("Content-Length", "")
    if protocol is None or transport is None or not length.isdecimal() or response.content.exception() is not None:
        return None
    if int(length) <= response.content.total_bytes:
        return None
    if hasattr(transport, "max_size"):
        # The name that asyncio's own plain transports have for it. Another kind stays as it is.
        setattr(transport, "max_size", RECEIVED_BYTES)  # noqa: B010 - no name that its type knows
    body = DirectBody(response, protocol, transport, stall_s=stall_s, pause_s=pause_s)
    body.begin()
    return body
