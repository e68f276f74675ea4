"""Stores whose buckets lie in different S3s, between which nothing is copied but through the caller."""

from collections.abc import Awaitable

from tests.fakes.object_store import MemoryStagingStore, MemoryStore

from crossdock.core.errors import CannotCopy, FileError
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import Copied


class Apart(MemoryStore):
    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        if source.bucket != target.bucket:
            raise CannotCopy(f"{source.bucket} and {target.bucket} are apart")
        return await super().copy(source, target, if_none_match=if_none_match)


class ApartHere(Apart, MemoryStagingStore):
    """The same, on this computer's disk."""


def everything(*_asked: str) -> bool:
    """What the caller may."""
    return True


async def failure_of(work: Awaitable[object]) -> FileError | None:
    try:
        await work
    except FileError as error:
        return error
    return None
