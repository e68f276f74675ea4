"""Uploads to a store that stages on this computer's disk."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.object_store import MemoryS3, MemoryStagingStore

from crossdock.core.errors import Denied, OutOfSpace
from crossdock.core.homes import ObjectPlace
from crossdock.files.staged_sink import BUFFER_SIZE, StagedSink
from crossdock.files.upload import Upload

PLACE = ObjectPlace(bucket="bucket", key="key")


async def stage(s3: MemoryS3) -> Upload:
    store = s3.store(stages=True)
    assert isinstance(store, MemoryStagingStore)
    return Upload(StagedSink(await store.stage(PLACE, {})), place=PLACE)


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["write", "reserve", "target"]), st.integers(0, BUFFER_SIZE)), max_size=12)
)
async def test_bytes_of_all_doors_arrive_in_order(steps: list[tuple[str, int]]):
    s3 = MemoryS3()
    s3.add_bucket("bucket")
    upload = await stage(s3)
    expected = bytearray()
    for number, (door, size) in enumerate(steps):
        content = bytes([number]) * size
        if door == "write":
            await upload.write(upload.size, content)
        elif door == "reserve":
            view = await upload.reserve()
            assert len(view) > 0
            content = content[: len(view)]
            view[: len(content)] = content
            upload.advance(len(content))
        else:
            fd = await upload.target()
            if fd is None:  # while it may still be a small file
                continue
            upload.advance(os.write(fd, content))
        expected += content
    await upload.commit()
    assert s3.content("bucket", "key") == expected
    assert s3.staged == set()


async def test_small_receipts_are_gathered(s3: MemoryS3):
    upload = await stage(s3)
    for _ in range(1000):
        view = (await upload.reserve())[:100]
        view[:] = b"x" * len(view)
        upload.advance(len(view))
    size = upload.size
    await upload.commit()
    assert s3.content("bucket", "key") == b"x" * size
    assert [call.operation for call in s3.calls].count("(write)") == 1


async def test_a_small_file_is_put_in_one_go(s3: MemoryS3):
    upload = await stage(s3)
    assert await upload.target() is None
    view = await upload.reserve()
    view[:5] = b"small"
    upload.advance(5)
    assert await upload.target() is None
    await upload.write(5, b" file")
    await upload.commit()
    assert s3.content("bucket", "key") == b"small file"
    assert [call.operation for call in s3.calls].count("(write)") == 0


async def test_a_file_that_outgrows_the_buffer_takes_the_kernels_path(s3: MemoryS3):
    upload = await stage(s3)
    upload.advance(len(await upload.reserve()))
    assert await upload.target() is not None
    assert [call.operation for call in s3.calls].count("(write)") == 1


async def test_a_discarded_upload_leaves_no_file(s3: MemoryS3):
    upload = await stage(s3)
    await upload.write(0, b"half")
    await upload.discard()
    assert s3.staged == set()
    assert s3.keys("bucket") == []


async def test_a_full_disk_is_told_at_the_next_flush(s3: MemoryS3):
    upload = await stage(s3)
    view = await upload.reserve()
    upload.advance(len(view))
    s3.fail("(write)", OutOfSpace("disk full"))
    with pytest.raises(OutOfSpace):
        await upload.reserve()
    with pytest.raises(OutOfSpace):
        await upload.commit()
    assert s3.staged == set()


async def test_a_commit_that_is_denied_leaves_nothing(s3: MemoryS3):
    upload = await stage(s3)
    await upload.write(0, b"content")
    s3.fail("PutObject", Denied("the bucket policy was changed"))
    with pytest.raises(Denied):
        await upload.commit()
    assert s3.staged == set()
    assert s3.keys("bucket") == []
