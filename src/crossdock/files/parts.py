"""The parts of an upload whose length nobody knows: how large they are, and the one that is being filled.

Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits": 10,000 parts, each 5 MiB to 5 GiB but the last.
"""

from crossdock.files.blocks import Block, BlockPool

MAX_PARTS = 10_000
_SMALL_PARTS = 1000
_PARTS_PER_STEP = 60

SMALL_FILE = 128 << 10
"""Bytes that are gathered before a block is taken: most files are smaller, and a block is 8 MiB."""


def part_blocks(number: int) -> int:
    """Blocks of 8 MiB in a part, counted from 1: one each for the first 8 GiB, then slowly more, 150 in the last.

    10,000 parts of these sizes hold 5 TiB, the largest object there is.
    """
    return max(1, -(-(number - _SMALL_PARTS) // _PARTS_PER_STEP))


class Part:
    """A part being filled. One that may stay small begins in a small buffer of its own. Release it in the end."""

    __slots__ = ("_blocks", "_pool", "_small", "number", "size")

    def __init__(self, number: int, pool: BlockPool, *, begins_small: bool = False) -> None:
        self.number = number
        self.size = 0
        self._pool = pool
        self._blocks: list[Block] = []
        self._small = memoryview(bytearray(min(SMALL_FILE, pool.block_size) if begins_small else 0))

    @property
    def is_full(self) -> bool:
        return self.size == part_blocks(self.number) * self._pool.block_size

    async def room(self) -> memoryview:
        """Where the next bytes go; the part must not be full. Raises as `BlockPool.take`."""
        if self.size < len(self._small):
            return self._small[self.size :]
        if self.size == max(len(self._small), len(self._blocks) * self._pool.block_size):
            block = await self._pool.take()
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
