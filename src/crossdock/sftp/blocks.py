"""Bytes of WRITEs, copied once into blocks that go to the upload one after the other."""

from collections import deque
from collections.abc import Callable

_FIRST = 32 << 10
_GROWTH = 8
_MOST_SPARE = 2


class Blocks:
    """Gathers bytes. Blocks get larger as the file does, up to what `share` allows at the time.

    `filled` is told the size of each block that is full; those wait in `full` until they were `written`. What is not a
    block yet is `rest`.
    """

    __slots__ = ("_block", "_count", "_filled", "_share", "_spare", "full")

    def __init__(self, share: Callable[[], int], filled: Callable[[int], None]) -> None:
        self._share = share
        self._filled = filled
        self._block = memoryview(b"")
        self._count = 0
        # Of the size of the next block: to make one costs as much as to copy one.
        self._spare: list[memoryview] = []
        self.full: deque[memoryview] = deque()

    @property
    def rest(self) -> memoryview:
        return self._block[: self._count]

    def take(self, piece: memoryview) -> None:
        end = self._count + len(piece)
        if end <= len(self._block):
            self._block[self._count : end] = piece
            self._count = end
            return
        while piece:
            if self._count == len(self._block):
                self._begin_next()
            count = min(len(piece), len(self._block) - self._count)
            self._block[self._count : self._count + count] = piece[:count]
            self._count += count
            piece = piece[count:]

    def written(self) -> int:
        """The first of the full ones has gone to the upload. Returns its size."""
        block = self.full.popleft()
        self._spare = [block, *self._spare[: _MOST_SPARE - 1]]
        return len(block)

    def clear(self) -> int:
        """Drop everything. Returns how many bytes of full blocks there were."""
        dropped = sum(map(len, self.full))
        self.full.clear()
        self._spare.clear()
        self._block, self._count = memoryview(b""), 0
        return dropped

    def _begin_next(self) -> None:
        before = self._block
        size = min(max(_FIRST, len(before) * _GROWTH), self._share())
        spare = self._spare.pop() if self._spare else b""
        self._block = memoryview(spare if len(spare) == size else bytearray(size))
        self._count = 0
        if before:
            self.full.append(before)
            self._filled(len(before))
