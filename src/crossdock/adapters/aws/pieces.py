"""A body that lies in memory in pieces, as a file that botocore can measure, hash, send, and send again."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Piece = bytes | bytearray | memoryview


class PiecesFile(io.RawIOBase):
    """Copies nothing. The pieces must not change until the body was sent."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._views = [memoryview(piece).cast("B") for piece in pieces]
        self._ends = list(accumulate(len(view) for view in self._views))
        self._position = 0

    @property
    def size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill from one piece; fewer bytes than fit are no sign of the end, as for any raw file."""
        if self._position >= self.size:
            return 0
        index = bisect_right(self._ends, self._position)
        view = self._views[index]
        start = self._position - (self._ends[index] - len(view))
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(view) - start)
        target[:count] = view[start : start + count]
        self._position += count
        return count
