"""A pool of part buffers without a disk."""

from crossdock.core.errors import FileError
from crossdock.files.blocks import BLOCK_SIZE, BlockPool


class MemorySpill:
    """A `files.blocks.Spill` that counts what it gave. `failure` is raised instead, once set."""

    def __init__(self) -> None:
        self.given = 0
        self.failure: FileError | None = None

    async def __call__(self, size: int) -> memoryview:
        if self.failure is not None:
            raise self.failure
        self.given += 1
        return memoryview(bytearray(size))


def make_pool(blocks: int = 8, spill: MemorySpill | None = None) -> BlockPool:
    """A pool with memory for that many blocks, and no end of disk behind it."""
    return BlockPool(budget=blocks * BLOCK_SIZE, spill=spill or MemorySpill())
