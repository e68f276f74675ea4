"""The stores that `test_object_store.py` runs on. A new adapter is one entry in `ADAPTERS`.

`open` gets an empty directory, or what `ground` names, and gives, as an async context manager, an `ObjectStores`: a
world with buckets, and callers whose permissions the test chooses.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import pytest
from tests.contract.moto_stores import MOTO_LACKS, moto_stores
from tests.contract.permissions import ALL as ALL
from tests.contract.permissions import resources_of
from tests.contract.rgw_stores import RGW_LACKS, RGW_LACKS_OF_USERS, rgw_stores
from tests.contract.seaweedfs_stores import SEAWEEDFS_LACKS, SEAWEEDFS_LACKS_OF_USERS, seaweedfs_stores
from tests.contract.vendor_stores import Vendor, VendorStores
from tests.fakes.backed_cloud import attach, backed_cloud, elsewhere
from tests.fakes.http_cloud import REGION, HttpCloud, serve_cloud
from tests.fakes.object_store import MemoryS3
from tests.fakes.stub_s3 import aws_session

from crossdock.adapters.aws.backings import open_backings
from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.adapters.host.clock import SystemClock
from crossdock.cloud.s3.backing_probe import probe
from crossdock.cloud.s3.storage import INDEXED_BYTES
from crossdock.cloud.sts.assume import caller_of
from crossdock.core.backings import Backing
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore


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


MakeStore = Callable[[HttpCloud, TemporaryCredentials], Awaitable[ObjectStore]]


class RoleCaller:
    """A session of a role of the embedded cloud."""

    def __init__(self, cloud: HttpCloud, role: str, buckets: Iterable[str], store: ObjectStore) -> None:
        self.store = store
        self._cloud = cloud
        self._role = role
        self._buckets = tuple(buckets)

    async def limit_to(self, actions: Iterable[str]) -> None:
        await self._cloud.limit_role(self._role, list(actions), resources_of(self._buckets))


class CloudStores:
    """Buckets of the embedded cloud, whose policies decide; `make` gives a store for a session's credentials."""

    def __init__(self, cloud: HttpCloud, make: MakeStore) -> None:
        self._cloud = cloud
        self._make = make
        self._numbers = count(1)

    async def add_bucket(self) -> str:
        return await self._cloud.s3.bucket(f"bucket-{next(self._numbers)}")

    async def caller(self, *buckets: str, actions: Iterable[str] = ALL) -> RoleCaller:
        role = f"role-{next(self._numbers)}"
        arn = await self._cloud.role(role, list(actions), resources_of(buckets))
        store = await self._make(self._cloud, await self._cloud.session_of(arn))
        return RoleCaller(self._cloud, role, buckets, store)


@asynccontextmanager
async def embedded(directory: Path) -> AsyncIterator[ObjectStores]:
    async with serve_cloud(indexed_bytes=INDEXED_BYTES) as cloud:
        yield CloudStores(cloud, embedded_store)


@asynccontextmanager
async def embedded_blobs(directory: Path) -> AsyncIterator[ObjectStores]:
    """Where no object is so small that it lies in the index."""
    async with serve_cloud(indexed_bytes=0) as cloud:
        yield CloudStores(cloud, embedded_store)


PREFIX = "be//low/"
"""What is below it in the other S3 is all that there is."""
PATH_PREFIX = "be/low/"
"""The same for an S3 that takes keys for paths."""


class BackedStores(CloudStores):
    """The same, of buckets whose objects lie in another S3, in buckets that `behind` makes there."""

    def __init__(self, cloud: HttpCloud, behind: Callable[[], Awaitable[Backing]]) -> None:
        super().__init__(cloud, embedded_store)
        self._behind = behind

    async def add_bucket(self) -> str:
        name = f"bucket-{next(self._numbers)}"
        await attach(self._cloud, name, await self._behind())
        return name


@asynccontextmanager
async def embedded_backed(directory: Path, *, prefix: str = "") -> AsyncIterator[ObjectStores]:
    async with backed_cloud(directory) as backed:
        numbers = count(1)

        async def behind() -> Backing:
            bucket = await backed.behind.s3.bucket(f"behind-{next(numbers)}")
            return backed.backing(bucket=bucket, prefix=prefix)

        yield BackedStores(backed.cloud, behind)


def embedded_backed_below(directory: Path) -> AbstractAsyncContextManager[ObjectStores]:
    return embedded_backed(directory, prefix=PREFIX)


OpenVendor = Callable[[Any], AbstractAsyncContextManager[VendorStores]]


@asynccontextmanager
async def backed_by(open_there: OpenVendor, vendor: Vendor, *, prefix: str = PREFIX) -> AsyncIterator[ObjectStores]:
    """Another vendor's S3, which knows one user, attached as `crossdock bucket attach` does it."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "credentials"
        key = f"aws_access_key_id = {vendor.access_key}\naws_secret_access_key = {vendor.secret_key}\n"
        path.write_text(f"[default]\n{key}")
        opening = open_backings(clock=SystemClock(), patience=Patience(attempts=1), session=aws_session())
        async with open_there(vendor) as there, opening as connections, serve_cloud(foreign=connections) as cloud:

            async def behind() -> Backing:
                backing = Backing(
                    bucket=await there.add_bucket(),
                    prefix=prefix,
                    endpoint_url=vendor.url,
                    path_style=True,
                    credentials_file=str(path),
                )
                return await probe(connections, backing, entropy=os.urandom, lies_here=elsewhere)

            yield BackedStores(cloud, behind)


async def embedded_store(cloud: HttpCloud, credentials: TemporaryCredentials) -> ObjectStore:
    caller = await caller_of(cloud.s3.parts.access_keys, credentials)
    return EmbeddedObjectStore(
        S3Client(
            operations=cloud.s3.operations,
            storage=cloud.s3.storage,
            caller=caller,
            region=REGION,
            origin=cloud.s3.origin,
        )
    )


@asynccontextmanager
async def aws(directory: Path) -> AsyncIterator[ObjectStores]:
    """Real S3 over HTTP: our own."""
    async with serve_cloud() as cloud, connect(cloud) as connection:

        async def make(_cloud: HttpCloud, credentials: TemporaryCredentials) -> ObjectStore:
            return AwsObjectStore(connection, credentials)

        yield CloudStores(cloud, make)


def connect(cloud: HttpCloud) -> AbstractAsyncContextManager[S3Connection]:
    return open_s3(
        region=REGION,
        clock=SystemClock(),
        endpoint_url=cloud.url,
        path_style=True,
        patience=Patience(attempts=1),
        session=aws_session(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """`stages` claims a StagingObjectStore, `is_portable` that its multipart uploads are PortableUploads.

    `ground` is the fixture that `open` gets. `lacks` are tests that a store of another vendor cannot pass, and why: by
    name, or where it is one case of it, as `name[parameter]`.
    """

    open: Callable[[Any], AbstractAsyncContextManager[ObjectStores]]
    stages: bool
    is_portable: bool
    ground: str = "tmp_path"
    lacks: Mapping[str, str] = field(default_factory=dict)
    longest_key: int = 1024
    marks: tuple[pytest.MarkDecorator, ...] = ()


ADAPTERS: Mapping[str, Adapter] = {
    "memory": Adapter(open=memory, stages=False, is_portable=True),
    "memory-staging": Adapter(open=memory_staging, stages=True, is_portable=True),
    "embedded": Adapter(open=embedded, stages=True, is_portable=True),
    "embedded-blobs": Adapter(open=embedded_blobs, stages=True, is_portable=True),
    "embedded-backed": Adapter(open=embedded_backed, stages=False, is_portable=True),
    "embedded-backed-below": Adapter(
        open=embedded_backed_below, stages=False, is_portable=True, longest_key=1024 - len(PREFIX)
    ),
    "embedded-backed-rgw": Adapter(
        open=partial(backed_by, rgw_stores),
        stages=False,
        is_portable=True,
        ground="ceph_gateway",
        lacks=RGW_LACKS_OF_USERS,
        longest_key=1024 - len(PREFIX),
        marks=(pytest.mark.s3,),
    ),
    "embedded-backed-seaweedfs": Adapter(
        open=partial(backed_by, seaweedfs_stores, prefix=PATH_PREFIX),
        stages=False,
        is_portable=True,
        ground="seaweedfs_server",
        lacks=SEAWEEDFS_LACKS_OF_USERS,
        longest_key=1024 - len(PATH_PREFIX),
        marks=(pytest.mark.s3,),
    ),
    "aws": Adapter(open=aws, stages=False, is_portable=True),
    "moto": Adapter(
        open=moto_stores,
        stages=False,
        is_portable=True,
        ground="moto_server_url",
        lacks=MOTO_LACKS,
        marks=(pytest.mark.s3,),
    ),
    "rgw": Adapter(
        open=rgw_stores,
        stages=False,
        is_portable=True,
        ground="ceph_gateway",
        lacks=RGW_LACKS,
        marks=(pytest.mark.s3,),
    ),
    "seaweedfs": Adapter(
        open=seaweedfs_stores,
        stages=False,
        is_portable=True,
        ground="seaweedfs_server",
        lacks=SEAWEEDFS_LACKS,
        marks=(pytest.mark.s3,),
    ),
}
