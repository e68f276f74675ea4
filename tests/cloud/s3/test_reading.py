"""An open object: its bytes by regions and by chunks, and only its own."""

import os
from itertools import product

import pytest
from tests.fakes.s3 import EmbeddedS3

from crossdock.cloud.s3.ranges import ByteRange
from crossdock.cloud.s3.reading import WindowReader, object_info, open_window
from crossdock.core.errors import Unavailable
from crossdock.ports.storage import ObjectEntry

RUNS = (b"one ", b"two ", b"three")
ALL = b"".join(RUNS)


@pytest.fixture
async def entry(s3: EmbeddedS3):
    segments = [await s3.storage.blobs.store([run]) for run in RUNS]
    yield ObjectEntry(size=len(ALL), etag="x", modified_at=s3.parts.clock.now(), segments=tuple(segments))
    s3.storage.blobs.delete(segments)


async def reader_of(s3: EmbeddedS3, entry: ObjectEntry, wanted: ByteRange | None = None) -> WindowReader:
    window = await open_window(s3.storage, entry, wanted)
    assert window is not None
    return WindowReader(object_info("box", "key", entry), window)


async def all_of(reader: WindowReader, *, regions: int) -> bytes:
    """So many regions, then chunks."""
    parts = []
    for _ in range(regions):
        if (region := await reader.region()) is not None:
            parts.append(os.pread(region.fd, region.size, region.offset))
            assert len(parts[-1]) == region.size
    parts.extend([chunk async for chunk in reader.chunks()])
    await reader.close()
    return b"".join(parts)


async def test_regions_and_chunks_together_are_the_rest(s3: EmbeddedS3, entry):
    for regions, skipped in product(range(5), (0, 1, 4, 6, 12, 13, 100)):
        reader = await reader_of(s3, entry)
        reader.skip(skipped)
        assert await all_of(reader, regions=regions) == ALL[skipped:]


async def test_a_window_ends_where_its_range_does(s3: EmbeddedS3, entry):
    for regions, offset, size in product(range(4), range(len(ALL)), range(1, len(ALL) + 1)):
        if offset + size <= len(ALL):
            reader = await reader_of(s3, entry, ByteRange(offset=offset, size=size, total=len(ALL)))
            assert await all_of(reader, regions=regions) == ALL[offset : offset + size]


async def test_a_reader_knows_what_it_reads(s3: EmbeddedS3, entry):
    reader = await reader_of(s3, entry)
    assert (reader.info.place.bucket, reader.info.place.key, reader.info.size) == ("box", "key", 13)
    await reader.close()
    await reader.close()


async def test_where_there_is_no_file_there_is_no_region(s3: EmbeddedS3):
    empty = ObjectEntry(size=0, etag="x", modified_at=s3.parts.clock.now(), segments=())
    reader = await reader_of(s3, empty)
    assert await reader.region() is None
    assert await all_of(reader, regions=0) == b""


async def test_what_was_deleted_cannot_be_opened(s3: EmbeddedS3, entry):
    s3.storage.blobs.delete(entry.segments[1:2])
    assert await open_window(s3.storage, entry, None) is None
    first = await reader_of(s3, entry, ByteRange(offset=0, size=4, total=len(ALL)))
    assert await all_of(first, regions=1) == b"one "


async def test_bytes_that_are_missing_are_no_end(s3: EmbeddedS3):
    segment = await s3.storage.blobs.store([b"short"])
    longer = ObjectEntry(size=9, etag="x", modified_at=s3.parts.clock.now(), segments=(segment,))
    reader = await reader_of(s3, longer)
    with pytest.raises(Unavailable, match="4 bytes early"):
        await all_of(reader, regions=0)
    await reader.close()
    beyond = await reader_of(s3, longer)
    beyond.skip(6)
    assert await beyond.region() is None
    await beyond.close()
    s3.storage.blobs.delete([segment])


@pytest.mark.parametrize(("offset", "size"), [(0, 13), (4, 9), (4, 3), (13, 0)])
async def test_bytes_that_came_with_the_entry_are_ready_once(s3: EmbeddedS3, offset: int, size: int):
    small = ObjectEntry(size=len(ALL), etag="x", modified_at=s3.parts.clock.now(), content=ALL)
    reader = await reader_of(s3, small, ByteRange(offset=offset, size=size, total=len(ALL)))
    assert reader.take_ready() == ALL[offset : offset + size]
    assert reader.take_ready() == b""
    assert await all_of(reader, regions=1) == b""


async def test_bytes_of_blobs_are_not_ready(s3: EmbeddedS3, entry: ObjectEntry):
    reader = await reader_of(s3, entry)
    assert reader.take_ready() is None
    assert await all_of(reader, regions=0) == ALL
