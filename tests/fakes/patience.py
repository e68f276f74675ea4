"""Waiting for what the loop is about to do, without a clock's help."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 30.0
"""For a wait that ends at once when all is well."""


async def eventually(is_so: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(patience_s):
        while not is_so():  # noqa: ASYNC110 - what is waited for is the loop's own turning
            await asyncio.sleep(0)
