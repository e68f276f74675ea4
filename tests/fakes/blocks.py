"""A pool of part buffers without a disk."""

from collections.abc import Callable

from crossdock.core.errors import FileError
from crossdock.files.blocks import BLOCK_SIZE, BlockPool


class SpilledBytes:
    """A `files.blocks.Spilled`. One whose room is `held` gives it back when told so: `let_go`."""

    def __init__(self, size: int, *, is_held: bool = False) -> None:
        self.view = memoryview(bytearray(size))
        self.let_go: Callable[[], None] = lambda: None
        self._is_held = is_held

    def free(self, freed: Callable[[], None]) -> None:
        if self._is_held:
            self.let_go = freed
        else:
            freed()


class MemorySpill:
    """A `files.blocks.Spill` that counts what it gave. `failure` is raised instead, once set."""

    def __init__(self) -> None:
        self.given = 0
        self.failure: FileError | None = None

    async def __call__(self, size: int) -> SpilledBytes:
        if self.failure is not None:
            raise self.failure
        self.given += 1
        return SpilledBytes(size)


def make_pool(blocks: int = 8, spill: MemorySpill | None = None) -> BlockPool:
    """A pool with memory for that many blocks, and no end of disk behind it."""
    return BlockPool(budget=blocks * BLOCK_SIZE, spill=spill or MemorySpill())
