"""The stores that `test_object_store.py` runs on. A new adapter is one entry in `ADAPTERS`.

`open` gets an empty directory and gives, as an async context manager, an `ObjectStores`: a world with buckets, and
callers whose permissions the test chooses.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from tests.fakes.object_store import MemoryS3

from crossdock.ports.objects import ObjectStore

ALL = ("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


class StoreCaller(Protocol):
    """Somebody with a store of their own."""

    @property
    def store(self) -> ObjectStore: ...

    async def limit_to(self, actions: Iterable[str]) -> None:
        """From now on only these actions are allowed, also to what the store has open."""


class ObjectStores(Protocol):
    async def add_bucket(self) -> str:
        """A new empty bucket's name."""

    async def caller(self, *buckets: str, actions: Iterable[str] = ALL) -> StoreCaller:
        """Somebody who may do these actions on these buckets and all that is in them, and nothing else."""


class MemoryCaller:
    def __init__(self, s3: MemoryS3, buckets: Iterable[str], actions: Iterable[str], *, stages: bool) -> None:
        self._buckets = frozenset(buckets)
        self._actions = frozenset(actions)
        self.store: ObjectStore = s3.store(allows=self._allows, stages=stages)

    async def limit_to(self, actions: Iterable[str]) -> None:
        self._actions = frozenset(actions)

    def _allows(self, action: str, bucket: str, key: str) -> bool:
        return bucket in self._buckets and action in self._actions


class MemoryStores:
    def __init__(self, *, stages: bool) -> None:
        self._s3 = MemoryS3()
        self._stages = stages
        self._numbers = count(1)

    async def add_bucket(self) -> str:
        name = f"bucket-{next(self._numbers)}"
        self._s3.add_bucket(name)
        return name

    async def caller(self, *buckets: str, actions: Iterable[str] = ALL) -> MemoryCaller:
        return MemoryCaller(self._s3, buckets, actions, stages=self._stages)


@asynccontextmanager
async def memory(directory: Path) -> AsyncIterator[ObjectStores]:
    yield MemoryStores(stages=False)


@asynccontextmanager
async def memory_staging(directory: Path) -> AsyncIterator[ObjectStores]:
    yield MemoryStores(stages=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """`stages` claims a StagingObjectStore, `is_portable` that its multipart uploads are PortableUploads."""

    open: Callable[[Path], AbstractAsyncContextManager[ObjectStores]]
    stages: bool
    is_portable: bool


ADAPTERS: Mapping[str, Adapter] = {
    "memory": Adapter(open=memory, stages=False, is_portable=True),
    "memory-staging": Adapter(open=memory_staging, stages=True, is_portable=True),
}
