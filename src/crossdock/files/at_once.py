"""The same for many things, several at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from crossdock.core.errors import FileError

T = TypeVar("T")


async def for_each(items: Iterable[T], do: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Do it for each; after a failure no more are begun, and it is raised when the others ended."""
    rest = iter(items)
    failures: list[FileError] = []

    async def work() -> None:
        for item in rest:
            try:
                await do(item)
            except FileError as error:
                failures.append(error)
            if failures:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    if failures:
        raise failures[0]
