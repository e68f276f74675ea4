"""The part of an upload that is being filled."""

from crossdock.files.blocks import Block, BlockPool

MEMORY_BLOCKS = 2
"""Of one part, 16 MiB; what a larger one has beyond lies on disk."""

SMALL_FILE = 128 << 10
"""Bytes that are gathered before a block is taken: most files are smaller, and a block is 8 MiB."""


class Part:
    """A part being filled. One that may stay small begins in a small buffer of its own. Release it in the end."""

    __slots__ = ("_blocks", "_pool", "_small", "blocks", "number", "size")

    def __init__(self, number: int, pool: BlockPool, *, begins_small: bool = False) -> None:
        self.number = number
        self.blocks = pool.plan.blocks(number)
        self.size = 0
        self._pool = pool
        self._blocks: list[Block] = []
        self._small = memoryview(bytearray(min(SMALL_FILE, pool.block_size) if begins_small else 0))

    @property
    def is_full(self) -> bool:
        return self.size == self.blocks * self._pool.block_size

    async def room(self) -> memoryview:
        """Where the next bytes go; the part must not be full. Raises as `BlockPool.take`."""
        if self.size < len(self._small):
            return self._small[self.size :]
        if self.size == max(len(self._small), len(self._blocks) * self._pool.block_size):
            block = await self._pool.take(on_disk=len(self._blocks) >= MEMORY_BLOCKS)
            block.view[: len(self._small)] = self._small
            self._small = memoryview(b"")
            self._blocks.append(block)
        return self._blocks[-1].view[self.size - (len(self._blocks) - 1) * self._pool.block_size :]

    def body(self) -> list[memoryview]:
        views = [block.view for block in self._blocks] or [self._small]
        last = self.size - (len(views) - 1) * self._pool.block_size
        return [*views[:-1], views[-1][:last]]

    def release(self) -> None:
        """Give the blocks back; again is harmless."""
        for block in self._blocks:
            block.release()
        self._blocks.clear()
