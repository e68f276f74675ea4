"""Blocks of memory for parts on their way, in a budget that all uploads share.

What a client has sent of a part must wait somewhere until the part is whole. It waits in memory while that budget
lasts, and then in what `Spill` gives: so a thousand slow clients cost disk, not memory. The disk has a budget too. Once
both are spent, an upload that needs a block waits until another gives one back: that is the back-pressure its client
feels, and it does not last for ever.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from functools import partial
from typing import Protocol

from crossdock.core.errors import OutOfSpace
from crossdock.files.part_plan import BLOCK_SIZE as BLOCK_SIZE
from crossdock.files.part_plan import DEFAULT_PLAN, PartPlan

PATIENCE_S = 60.0


class Spilled(Protocol):
    """Writable bytes that lie on disk."""

    @property
    def view(self) -> memoryview: ...

    def free(self, freed: Callable[[], None]) -> None:
        """Give the disk its room back, whoever still refers to the bytes, and call `freed` when it has it."""


Spill = Callable[[int], Awaitable[Spilled]]
"""Gives that many bytes. Raises OutOfSpace or Unavailable. See `adapters/host/spilled_memory.py`."""


class _Place(Enum):
    DISK = auto()


_Claim = bytearray | _Place
"""A block's memory, or its right to room on disk."""


class Block:
    """A pool's `block_size` of writable bytes in `view`. After `release` nobody may read or write them.

    That others still refer to them then is common: what an upload failed with does, by its traceback, until the garbage
    collector finds it.
    """

    __slots__ = ("_give_back", "view")

    def __init__(self, view: memoryview, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back
        self.view = view

    def release(self) -> None:
        """Give the bytes back; again is harmless."""
        give_back, self._give_back = self._give_back, None
        self.view = memoryview(b"")
        if give_back is not None:
            give_back()


class BlockPool:
    """Gives blocks: at most `budget` bytes of them in memory, any more from `spill`, of that at most `spool_budget`.

    Args:
        spool_budget: None = as much as the disk has.
        patience_s: how long a block is waited for when all are out.
        plan: how many blocks the parts of an upload have, and how much an object may have.
    """

    def __init__(
        self,
        *,
        budget: int,
        spill: Spill,
        block_size: int = BLOCK_SIZE,
        spool_budget: int | None = None,
        patience_s: float = PATIENCE_S,
        plan: PartPlan = DEFAULT_PLAN,
    ) -> None:
        self.block_size = block_size
        self.plan = plan
        self._allowance = budget // block_size
        self._on_disk = sys.maxsize if spool_budget is None else spool_budget // block_size
        self._spare: list[bytearray] = []
        self._spill = spill
        self._patience_s = patience_s
        self._waiting: deque[tuple[asyncio.Future[_Claim], bool]] = deque()

    @property
    def has_room(self) -> bool:
        """Whether a block can be had without waiting for another to come back."""
        return not self._waiting and bool(self._spare or self._allowance > 0 or self._on_disk > 0)

    async def take(self, *, on_disk: bool = False) -> Block:
        """A block in memory if there is any left and none is wanted `on_disk`; those who wait are served in turn.

        Raises OutOfSpace or Unavailable when the disk has no room for what memory does not hold, and OutOfSpace when
        no block comes back in time.
        """
        claim = None if self._waiting else self._claim(on_disk=on_disk)
        if claim is None:
            claim = await self._come_back(on_disk=on_disk)
        if isinstance(claim, bytearray):
            return Block(memoryview(claim), partial(self._take_back, claim))
        try:
            spilled = await self._spill(self.block_size)
        except BaseException:
            self._take_back(claim)
            raise
        return Block(spilled.view, partial(spilled.free, partial(self._take_back, claim)))

    def _take_back(self, claim: _Claim) -> None:
        if isinstance(claim, bytearray):
            # Kept: a new bytearray of this size costs page faults that a used one does not.
            self._spare.append(claim)
        else:
            self._on_disk += 1
        self._serve()

    def _claim(self, *, on_disk: bool) -> _Claim | None:
        if not on_disk and self._spare:
            return self._spare.pop()
        if not on_disk and self._allowance > 0:
            self._allowance -= 1
            return bytearray(self.block_size)
        if self._on_disk > 0:
            self._on_disk -= 1
            return _Place.DISK
        return None

    def _serve(self) -> None:
        while self._waiting:
            waiter, on_disk = self._waiting[0]
            if waiter.done():
                self._waiting.popleft()
            elif (claim := self._claim(on_disk=on_disk)) is not None:
                self._waiting.popleft()
                waiter.set_result(claim)
            else:
                return

    async def _come_back(self, *, on_disk: bool) -> _Claim:
        waiter: asyncio.Future[_Claim] = asyncio.get_running_loop().create_future()
        self._waiting.append((waiter, on_disk))
        try:
            async with asyncio.timeout(self._patience_s):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # Given in the same moment.
                self._take_back(waiter.result())
            else:
                waiter.cancel()
                self._serve()
            if isinstance(error, TimeoutError):
                raise OutOfSpace(
                    "other uploads hold all the room that the spool has: see uploads.spool_bytes"
                ) from error
            raise
