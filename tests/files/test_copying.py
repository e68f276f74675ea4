"""Copies of objects: the store's where it can, else read and written through here."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.object_store import MemoryReader, MemoryS3, MemoryUpload, Stored
from tests.fakes.two_s3s import Apart, ApartHere, everything, failure_of

from crossdock.core.errors import Denied, Exists, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.copying import copy_object
from crossdock.ports.objects import Copied, ObjectInfo, ObjectStore

SOURCE, TARGET = (ObjectPlace(bucket=bucket, key="k") for bucket in ("bucket", "second-bucket"))
METADATA = {"told": "so"}
BEGINNING_OF_TIME = datetime.fromtimestamp(0, UTC)
SIZES = (0, 1, 2 * BLOCK_SIZE + 1)
KINDS = pytest.mark.parametrize("kind", [Apart, ApartHere])


async def copy(store: ObjectStore, *, if_none_match: bool = False) -> Copied:
    made: list[Copied] = []

    async def then(copied: Copied) -> None:
        made.append(copied)

    await copy_object(store, SOURCE, TARGET, blocks=make_pool(), if_none_match=if_none_match, then=then)
    (copied,) = made
    return copied


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


class OneBehind(Apart):
    """Whose two buckets are the same one of another S3, which tells whole seconds."""

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        found = await super().head(SOURCE)
        return replace(found, place=place, modified_at=found.modified_at.replace(microsecond=0))

    async def put(self, place: ObjectPlace, *put: Any) -> ObjectInfo:
        return await super().put(SOURCE, *put)

    async def start_multipart(self, place: ObjectPlace, *started: Any, **condition: Any) -> MemoryUpload:
        return await super().start_multipart(SOURCE, *started, **condition)


@pytest.mark.parametrize("size", SIZES)
async def test_what_may_be_one_object_is_not_written_over_itself(s3: MemoryS3, size: int):
    found = s3.add("bucket", "k", bytes(size))
    stored = s3.buckets["bucket"]["k"]
    s3.buckets["bucket"]["k"] = replace(stored, info=replace(found, modified_at=found.modified_at + timedelta(0, 0, 9)))
    with pytest.raises(Unsupported, match="may be one object of the S3 behind them"):
        await copy(OneBehind(s3, everything))
    assert s3.buckets["bucket"]["k"].info.etag == found.etag
    assert {call.operation for call in s3.calls} == {"GetObject", "HeadObject"}


async def test_one_object_that_changes_between_two_looks_is_not_taken_for_two(s3: MemoryS3):
    s3.add("bucket", "k", b"old")
    gate = s3.hold("HeadObject")
    async with asyncio.TaskGroup() as tasks:
        failing = tasks.create_task(failure_of(copy(OneBehind(s3, everything))))
        await gate.entered.wait()
        s3.add("bucket", "k", b"new")
        gate.open.set()
    assert isinstance(failing.result(), Unavailable)
    assert s3.content("bucket", "k") == b"new"


class OneTellsNoTime(OneBehind):
    """Whose second bucket does not tell it."""

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        found = await super().head(place)
        return replace(found, modified_at=BEGINNING_OF_TIME) if place == TARGET else found


@pytest.mark.parametrize("size", SIZES)
async def test_who_tells_no_time_may_be_one_object_all_the_same(s3: MemoryS3, size: int):
    s3.add("bucket", "k", bytes(size))
    with pytest.raises(Unsupported, match=r"ETag and size: they may be one .* if /second-bucket/k is still there then"):
        await copy(OneTellsNoTime(s3, everything))
    assert "k" in s3.keys("bucket")


async def test_what_two_s3s_have_of_different_sizes_are_two_though_one_tells_no_time(s3: MemoryS3):
    s3.add("bucket", "k", b"new")
    old = s3.add("second-bucket", "k", b"older")
    s3.buckets["second-bucket"]["k"] = Stored(b"older", replace(old, modified_at=BEGINNING_OF_TIME))
    await copy(Apart(s3, everything))
    assert s3.content("second-bucket", "k") == b"new"


async def test_two_empty_files_of_one_second_are_told_apart_by_a_rename(s3: MemoryS3):
    """As the refusal says: it gives the first a time of its own, and the same ETag."""
    found = s3.add("bucket", "k", b"")
    s3.buckets["second-bucket"]["k"] = Stored(b"", replace(found, place=TARGET))
    store = Apart(s3, everything)
    with pytest.raises(Unsupported, match=r"To tell whether they are two, rename /bucket/k within its bucket first$"):
        await copy(store)
    assert (s3.keys("bucket"), s3.keys("second-bucket")) == (["k"], ["k"])
    s3.buckets["bucket"]["k"] = Stored(b"", replace(found, modified_at=found.modified_at + timedelta(seconds=1)))
    await copy(store)
    assert s3.buckets["second-bucket"]["k"].info.etag != found.etag


MARKER = ObjectPlace(bucket="second-bucket", key="d/")


async def copied_marker(store: ObjectStore) -> list[Copied]:
    """What the caller may take back."""
    done: list[Copied] = []

    async def then(copied: Copied) -> None:
        done.append(copied)

    await copy_object(store, SOURCE, MARKER, blocks=make_pool(), if_none_match=True, then=then)
    return done


@KINDS
async def test_a_directorys_marker_is_put_without_a_condition(s3: MemoryS3, kind: type[Apart]):
    """Such as fails where the S3 has the directory already, for something lies below."""
    s3.add("bucket", "k", b"", METADATA)
    s3.add("second-bucket", "d/f", b"")
    (copied,) = await copied_marker(kind(s3, everything))
    assert s3.buckets["second-bucket"]["d/"].info == copied.target
    assert copied.target.metadata == METADATA
    assert [call.operation for call in s3.calls] == ["GetObject", "ListObjectsV2", "PutObject"]


@KINDS
async def test_a_directorys_marker_that_is_there_is_left_to_whoever_made_it(s3: MemoryS3, kind: type[Apart]):
    s3.add("bucket", "k", b"", METADATA)
    theirs = s3.add("second-bucket", "d/", b"")
    assert await copied_marker(kind(s3, everything)) == []
    assert s3.buckets["second-bucket"]["d/"].info == theirs


@KINDS
async def test_a_directorys_marker_that_may_be_there_is_put_and_not_taken_back(s3: MemoryS3, kind: type[Apart]):
    s3.add("bucket", "k", b"", METADATA)
    assert await copied_marker(kind(s3, lambda action, *_: action != "s3:ListBucket")) == []
    assert s3.keys("second-bucket") == ["d/"]


async def test_a_marker_that_may_be_one_object_is_not_written_over_itself(s3: MemoryS3):
    s3.add("bucket", "k", b"")
    store = OneBehind(s3, everything)
    with pytest.raises(Unsupported, match="may be one object"):
        await copy_object(store, SOURCE, MARKER, blocks=make_pool(), if_none_match=False, then=nothing)
    assert {call.operation for call in s3.calls} == {"GetObject", "HeadObject"}


async def nothing(_copied: Copied) -> None:
    raise AssertionError("nothing was to be copied")


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


async def test_a_cancellation_that_comes_with_the_end_comes_after_what_follows_the_copy(s3: MemoryS3):
    s3.add("bucket", "k", bytes(BLOCK_SIZE + 1))
    followed: list[str] = []

    async def then(copied: Copied) -> None:
        await asyncio.sleep(0)
        followed.append(copied.target.etag)

    gate = s3.hold("CompleteMultipartUpload")
    store = Apart(s3, everything)
    copying = asyncio.create_task(copy_object(store, SOURCE, TARGET, blocks=make_pool(), if_none_match=True, then=then))
    await gate.entered.wait()
    copying.cancel()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert followed == [s3.buckets["second-bucket"]["k"].info.etag]
