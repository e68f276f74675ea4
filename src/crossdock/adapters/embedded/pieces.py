"""A body that lies in memory in pieces, as file protocols bring it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

Piece = bytes | bytearray | memoryview

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PiecesBody:
    """See `operations.streams.BodyStream`. The pieces must not change until it has been read."""

    pieces: Sequence[Piece]

    @property
    def length(self) -> int:
        return sum(memoryview(piece).nbytes for piece in self.pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), CHUNK_BYTES):
                yield bytes(view[start : start + CHUNK_BYTES])

    @property
    def trailers(self) -> dict[str, str]:
        return {}
