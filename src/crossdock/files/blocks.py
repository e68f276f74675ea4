"""Blocks of memory for parts on their way, in a budget that all uploads share.

What a client has sent of a part must wait somewhere until the part is whole. It waits in memory while the budget
lasts, and then in what `Spill` gives: so a thousand slow clients cost disk, not memory, and never make each other wait.
"""

from collections.abc import Awaitable, Callable

BLOCK_SIZE = 8 << 20
"""Bytes. S3 wants at least 5 MiB in every part but the last."""

Spill = Callable[[int], Awaitable[memoryview]]
"""Gives that many writable bytes which lie on disk and are freed when nobody refers to them any more.

Raises OutOfSpace or Unavailable. See `adapters/host/spilled_memory.py`.
"""


class Block:
    """A pool's `block_size` of writable bytes in `view`. After `release` nobody may hold a view of them."""

    __slots__ = ("_memory", "_pool", "view")

    def __init__(self, pool: "BlockPool", view: memoryview, memory: bytearray | None) -> None:
        self._pool = pool
        self._memory = memory
        self.view = view

    def release(self) -> None:
        """Give the bytes back; again is harmless."""
        memory, self._memory = self._memory, None
        self.view = memoryview(b"")
        if memory is not None:
            self._pool.take_back(memory)


class BlockPool:
    """Gives blocks: at most `budget` bytes of them in memory, any more from `spill`."""

    def __init__(self, *, budget: int, spill: Spill, block_size: int = BLOCK_SIZE) -> None:
        self.block_size = block_size
        self._allowance = budget // block_size
        self._spare: list[bytearray] = []
        self._spill = spill

    async def take(self) -> Block:
        """Raises OutOfSpace or Unavailable when the disk has no room for what memory does not hold."""
        if self._spare:
            memory = self._spare.pop()
        elif self._allowance > 0:
            self._allowance -= 1
            memory = bytearray(self.block_size)
        else:
            return Block(self, await self._spill(self.block_size), None)
        return Block(self, memoryview(memory), memory)

    def take_back(self, memory: bytearray) -> None:
        # Kept: a new bytearray of this size costs page faults that a used one does not.
        self._spare.append(memory)
