"""Copies of objects: the store's where it can, else read and written through here."""

import asyncio
from dataclasses import replace

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.object_store import MemoryReader, MemoryS3, MemoryStagingStore, MemoryStore

from crossdock.core.errors import CannotCopy, Denied, Exists, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.copying import copy_object
from crossdock.ports.objects import Copied, ObjectStore

SOURCE, TARGET = (ObjectPlace(bucket=bucket, key="k") for bucket in ("bucket", "second-bucket"))
METADATA = {"told": "so"}
SIZES = (0, 1, 2 * BLOCK_SIZE + 1)


class Apart(MemoryStore):
    """Whose buckets lie in different S3s."""

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        if source.bucket != target.bucket:
            raise CannotCopy(f"{source.bucket} and {target.bucket} are apart")
        return await super().copy(source, target, if_none_match=if_none_match)


class ApartHere(Apart, MemoryStagingStore):
    """The same, on this computer's disk."""


KINDS = pytest.mark.parametrize("kind", [Apart, ApartHere])


def everything(*_asked: str) -> bool:
    return True


async def copy(store: ObjectStore, *, if_none_match: bool = False) -> Copied:
    return await copy_object(store, SOURCE, TARGET, blocks=make_pool(), if_none_match=if_none_match)


async def test_the_store_copies_where_it_can(s3: MemoryS3):
    s3.add("bucket", "k", b"content")
    await copy(s3.store())
    assert {call.operation for call in s3.calls} == {"CopyObject"}


async def test_what_the_store_refuses_for_another_reason_is_refused(s3: MemoryS3):
    s3.add("bucket", "k", b"content")
    s3.fail("CopyObject", Unsupported("it is archived"))
    with pytest.raises(Unsupported, match="archived"):
        await copy(s3.store())
    assert s3.keys("second-bucket") == []


@KINDS
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("is_new", [True, False])
async def test_what_is_apart_is_copied_whole_with_its_metadata(
    s3: MemoryS3, kind: type[Apart], size: int, is_new: bool
):
    content = bytes(range(256)) * (size // 256 + 1)
    found = s3.add("bucket", "k", content[:size], METADATA)
    if not is_new:
        s3.add("second-bucket", "k", b"old")
    copied = await copy(kind(s3, everything), if_none_match=is_new)
    assert copied.source == found
    assert s3.content("second-bucket", "k") == content[:size]
    made = s3.buckets["second-bucket"]["k"].info
    assert (copied.target.etag, copied.target.size, made.metadata) == (made.etag, size, METADATA)
    assert s3.content("bucket", "k") == content[:size]


@KINDS
async def test_nothing_is_replaced_that_is_not_to_be(s3: MemoryS3, kind: type[Apart]):
    s3.add("bucket", "k", b"new")
    s3.add("second-bucket", "k", b"old")
    with pytest.raises(Exists):
        await copy(kind(s3, everything), if_none_match=True)
    assert s3.content("second-bucket", "k") == b"old"
    assert (s3.uploads, s3.staged) == ({}, set())


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
@KINDS
async def test_who_may_not_read_or_write_copies_nothing(s3: MemoryS3, kind: type[Apart], action: str):
    s3.add("bucket", "k", b"x")
    with pytest.raises(Denied):
        await copy(kind(s3, lambda asked, *_: asked != action))
    assert s3.keys("second-bucket") == []


class Short(Apart):
    """Whose S3 ends before the object does."""

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> MemoryReader:
        stored = self.s3.buckets[place.bucket][place.key]
        return MemoryReader(replace(stored, content=stored.content[:-1]), offset)


async def test_what_ends_early_or_fails_is_seen_nowhere_and_leaves_nothing(s3: MemoryS3):
    s3.add("bucket", "k", bytes(2 * BLOCK_SIZE + 1))
    s3.add("second-bucket", "k", b"old")
    with pytest.raises(Unavailable, match="1 bytes early"):
        await copy(Short(s3, everything))
    s3.fail("UploadPart", Unavailable("no"))
    with pytest.raises(Unavailable):
        await copy(Apart(s3, everything))
    assert s3.content("second-bucket", "k") == b"old"
    assert s3.uploads == {}


async def test_a_copy_that_is_cancelled_leaves_nothing(s3: MemoryS3):
    s3.add("bucket", "k", bytes(3 * BLOCK_SIZE))
    gate = s3.hold("UploadPart")
    copying = asyncio.create_task(copy(Apart(s3, everything)))
    await gate.entered.wait()
    copying.cancel()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert s3.uploads == {}
    assert s3.keys("second-bucket") == []
