"""A request's body, sent from the memory in which it was received."""

import asyncio
from collections.abc import Callable, Sequence

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter
from aiohttp.payload import Payload

SLICE_BYTES = 256 << 10
"""Written at once: about what a socket takes, since asyncio copies what it does not."""
FIRST_SLICE_BYTES = 16 << 10
"""Of the first, which aiohttp copies to send it together with the headers."""


class PiecesBody(Payload):
    """A body that lies in memory in pieces. Can be sent again."""

    def __init__(self, pieces: Sequence[memoryview], *, stall_s: float) -> None:
        super().__init__(pieces)
        self._size = sum(map(len, pieces))
        self._pieces = pieces
        self._stall_s = stall_s
        self._begun: Callable[[], None] = lambda: None
        self._transport: asyncio.Transport | None = None

    def when_begun(self, callback: Callable[[], None]) -> None:
        self._begun = callback

    def abandon(self) -> None:
        """Let nothing more of it be sent.

        A connection that is closed in order still sends what it was given, and from Python 3.12 on it was given these
        very pieces, whose memory may have another upload's bytes by then.
        """
        if self._transport is not None:
            self._transport.abort()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a body of bytes")

    async def write(self, writer: AbstractStreamWriter) -> None:
        assert isinstance(writer, StreamWriter)
        self._transport = writer.transport
        self._begun()
        step = FIRST_SLICE_BYTES
        for piece in self._pieces:
            rest = piece
            while rest:
                async with asyncio.timeout(self._stall_s):
                    await writer.write(rest[:step])
                rest = rest[step:]
                step = SLICE_BYTES
