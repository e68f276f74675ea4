"""The probe of a backing says which step fails, and leaves nothing."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from posixpath import normpath
from typing import cast

import pytest
from tests.fakes.backed_cloud import BEHIND, BackedCloud, backed_cloud, elsewhere
from tests.fakes.object_store import MemoryS3

from crossdock.cloud.s3.backing_probe import ProbeFailed, probe
from crossdock.core.backings import Backing
from crossdock.core.errors import Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.ports.backings import ForeignS3
from crossdock.ports.objects import ObjectInfo, ObjectStore


@pytest.fixture
async def backed(tmp_path) -> AsyncIterator[BackedCloud]:
    async with backed_cloud(tmp_path) as backed:
        yield backed


async def test_what_works_passes_and_nothing_stays(backed: BackedCloud):
    await backed.behind.s3.put(BEHIND, "below/k", b"x")
    for prefix in ("", "below/"):
        backing = backed.backing(prefix=prefix)
        assert await probe(backed.connections, backing, entropy=os.urandom, lies_here=elsewhere) == backing
    assert await backed.behind.s3.keys(BEHIND) == ["below/k"]


class PathLikeS3:
    """An S3 that takes keys for paths, or refuses those that a path would change."""

    def __init__(self, *, refuses: bool) -> None:
        self.s3 = MemoryS3()
        self.s3.add_bucket(BEHIND)
        self.refuses = refuses

    async def store_of(self, _backing: Backing) -> ObjectStore:
        return cast(ObjectStore, _PathLikeStore(self.s3.store(), refuses=self.refuses))


class _PathLikeStore:
    def __init__(self, store: ObjectStore, *, refuses: bool) -> None:
        self._store = store
        self._refuses = refuses
        self.read, self.list = store.read, store.list

    async def put(self, place: ObjectPlace, body: Sequence[bytes], metadata: Mapping[str, str]) -> ObjectInfo:
        return await self._store.put(self._resolved(place), body, metadata)

    async def delete(self, place: ObjectPlace) -> None:
        await self._store.delete(self._resolved(place))

    def _resolved(self, place: ObjectPlace) -> ObjectPlace:
        path = normpath(place.key)
        if self._refuses and path != place.key:
            raise Unsupported("XMinioInvalidObjectName")
        return ObjectPlace(bucket=place.bucket, key=path)


@pytest.mark.parametrize("refuses", [True, False])
async def test_an_s3_that_takes_keys_for_paths_is_found_out(refuses: bool):
    other = PathLikeS3(refuses=refuses)
    backing = Backing(bucket=BEHIND, prefix="below/")
    found = await probe(cast(ForeignS3, other), backing, entropy=os.urandom, lies_here=elsewhere)
    assert found == replace(backing, keeps_keys=False)
    assert (await other.s3.store().list(BEHIND, "", delimiter="")).objects == ()


@pytest.mark.parametrize(
    ("missing", "step"),
    [("s3:ListBucket", "list"), ("s3:PutObject", "put"), ("s3:GetObject", "get"), ("s3:DeleteObject", "delete")],
)
async def test_the_step_that_fails_is_named_with_the_reason(backed: BackedCloud, missing: str, step: str):
    allowed = {"s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"} - {missing}
    await backed.behind.limit_role("gateway-0", sorted(allowed), ["*"])
    with pytest.raises(ProbeFailed, match=f"failed the step {step}: {missing}.*AccessDenied"):
        await probe(backed.connections, backed.backing(), entropy=os.urandom, lies_here=elsewhere)
    assert bool(await backed.behind.s3.keys(BEHIND)) == (step == "delete")


async def test_credentials_that_are_not_there_are_a_step_too(backed: BackedCloud):
    with pytest.raises(ProbeFailed, match=r"failed the step credentials: .*/none"):
        await probe(
            backed.connections,
            replace(backed.backing(), credentials_file="/none"),
            entropy=os.urandom,
            lies_here=elsewhere,
        )


async def test_a_bucket_that_is_not_there_is_told(backed: BackedCloud):
    with pytest.raises(ProbeFailed, match=r"failed the step list: .*NoSuchBucket"):
        await probe(backed.connections, backed.backing(bucket="nobodys"), entropy=os.urandom, lies_here=elsewhere)
