"""What every Blobs keeps to."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.worker_lines import joined_to, make_parent

from crossdock.adapters.host.disk_blobs import open_disk_blobs
from crossdock.adapters.host.workers.remote_blobs import RemoteBlobs
from crossdock.adapters.memory.blobs import MemoryBlobs
from crossdock.core.errors import NotFound
from crossdock.ports.storage import Blobs, Segment


@asynccontextmanager
async def blobs_of(kind: str, directory: Path) -> AsyncIterator[Blobs]:
    if kind == "memory":
        yield MemoryBlobs()
        return
    opened = await open_disk_blobs(directory)
    if kind == "disk":
        yield opened
    else:
        own = await open_disk_blobs(directory, mark=b"mark", sweeps=False)
        async with joined_to(make_parent(blobs=opened)) as line:
            yield RemoteBlobs(line, own)
        await own.close()
    await opened.close()


@pytest.fixture(params=["memory", "disk", "worker"])
async def blobs(request, tmp_path) -> AsyncIterator[Blobs]:
    async with blobs_of(request.param, tmp_path / "blobs") as made:
        yield made


@pytest.fixture(params=["memory", "disk"])
async def sweeping_blobs(request, tmp_path) -> AsyncIterator[Blobs]:
    """Workers sweep nothing."""
    async with blobs_of(request.param, tmp_path / "blobs") as made:
        yield made


async def read_all(blobs, *segments, step=1 << 20):
    reader = await blobs.open(segments)
    try:
        found = b""
        while chunk := await reader.read(len(found), step):
            assert len(chunk) <= step
            found += chunk
        assert len(found) == reader.size
        return found
    finally:
        reader.close()


async def test_what_was_stored_is_read(blobs):
    segment = await blobs.store([b"abc", bytearray(b"d"), memoryview(b"ef")])
    assert segment.size == 6
    assert await read_all(blobs, segment) == b"abcdef"


async def test_what_was_staged_bit_by_bit_is_read_once_it_is_sealed(blobs):
    staged = await blobs.stage()
    for n in range(3):
        await staged.write(bytes([n]) * 1000)
    assert staged.size == 3000
    segment = await staged.seal()
    await staged.discard()
    assert segment.size == 3000
    assert await read_all(blobs, segment) == b"".join(bytes([n]) * 1000 for n in range(3))


async def test_bytes_may_come_through_the_descriptor(blobs):
    staged = await blobs.stage()
    await staged.write(b"one ")
    staged.advance(os.write(staged.fileno(), b"two "))
    reading, writing = os.pipe()
    os.write(writing, b"three")
    staged.advance(os.splice(reading, staged.fileno(), 5))
    os.close(reading)
    os.close(writing)
    await staged.write(b" four")
    assert await read_all(blobs, await staged.seal()) == b"one two three four"


async def test_bytes_may_come_from_another_blob(blobs):
    segments = [await blobs.store([part]) for part in (b"first", b"second")]
    reader = await blobs.open(segments)
    staged = await blobs.stage()
    await staged.write(b"a ")
    for offset, size in ((0, 5), (6, 3)):
        region = await reader.region(offset)
        await staged.append(replace(region, size=size))
    staged.advance(os.write(staged.fileno(), b" z"))
    reader.close()
    assert staged.size == 12
    assert await read_all(blobs, await staged.seal()) == b"a firsteco z"


async def test_every_blob_has_an_id_of_its_own(blobs):
    segments = [await blobs.store([b"same"]) for _ in range(10)]
    assert len({segment.blob_id for segment in segments}) == 10


async def test_discarding_can_be_done_again(blobs):
    staged = await blobs.stage()
    await staged.write(b"x")
    await staged.discard()
    await staged.discard()


async def test_segments_are_read_as_one(blobs):
    parts = [b"", b"first", b"", b"second", b"3"]
    segments = [await blobs.store([part]) for part in parts]
    assert await read_all(blobs, *segments, segments[1]) == b"firstsecond3first"
    reader = await blobs.open(segments)
    assert reader.size == 12
    assert await reader.read(3, 100) == b"st"
    assert await reader.read(5, 3) == b"sec"
    assert await reader.read(11, 3) == b"3"
    assert await reader.read(0, 2) == b"fi"
    assert await reader.read(12, 3) == b""
    reader.close()
    reader.close()


async def test_an_empty_object_is_read_as_nothing(blobs):
    assert await read_all(blobs) == b""
    assert await read_all(blobs, await blobs.store([])) == b""
    reader = await blobs.open([])
    assert await reader.region(0) is None
    reader.close()


async def test_regions_name_the_file_that_holds_the_bytes(blobs):
    segments = [await blobs.store([part]) for part in (b"first", b"second")]
    reader = await blobs.open(segments)
    found, offset = [], 2
    while (region := await reader.region(offset)) is not None:
        found.append(os.pread(region.fd, region.size, region.offset))
        offset += region.size
    reader.close()
    assert found == [b"rst", b"second"]


async def test_what_was_never_there_or_was_deleted_is_not_found(blobs):
    with pytest.raises(NotFound):
        await blobs.open([Segment(blob_id="00" * 16, size=1)])
    segments = [await blobs.store([b"x"]) for _ in range(3)]
    blobs.delete(segments)
    with pytest.raises(NotFound):
        await blobs.open(segments)
    blobs.delete(segments)


async def test_an_open_blob_stays_readable_when_it_is_deleted(blobs):
    segments = [await blobs.store([b"%d" % n * 1000]) for n in range(5)]
    first, second = await blobs.open(segments), await blobs.open(segments)
    assert await first.read(0, 10) == b"0" * 10
    blobs.delete(segments)
    with pytest.raises(NotFound):
        await blobs.open(segments)
    second.close()
    for n in range(5):
        assert await first.read(n * 1000, 1000) == b"%d" % n * 1000
    first.close()
    with pytest.raises(NotFound):
        await blobs.open(segments)


async def test_many_may_write_and_read_at_once(blobs):
    async def round_trip(n):
        body = os.urandom(10_000)
        staged = await blobs.stage()
        for start in range(0, 10_000, 1000):
            await staged.write(body[start : start + 1000])
        segment = await staged.seal()
        return await read_all(blobs, segment, step=777) == body

    async with asyncio.TaskGroup() as tasks:
        trips = [tasks.create_task(round_trip(n)) for n in range(40)]
    assert all(trip.result() for trip in trips)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.binary(max_size=20), max_size=5), offset=st.integers(0, 60), size=st.integers(1, 60))
async def test_any_range_of_joined_segments_is_right(blobs, parts, offset, size):
    segments = [await blobs.store([part]) for part in parts]
    reader = await blobs.open(segments)
    found, position = b"", offset
    while len(found) < size and (chunk := await reader.read(position, size - len(found))):
        found += chunk
        position += len(chunk)
    reader.close()
    assert found == b"".join(parts)[offset : offset + size]


@pytest.mark.parametrize("steps", range(0, 30, 3))
async def test_a_cancelled_writer_leaves_the_store_usable(blobs, steps):
    async def write():
        staged = await blobs.stage()
        try:
            await staged.write(b"x" * 100_000)
            return await staged.seal()
        finally:
            await staged.discard()

    task = asyncio.get_running_loop().create_task(write())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        assert await read_all(blobs, task.result()) == b"x" * 100_000
    assert await read_all(blobs, await blobs.store([b"next"])) == b"next"


async def test_a_sweep_leaves_alone_what_this_process_made(sweeping_blobs):
    async def in_use():
        yield kept
        await asyncio.sleep(0)

    kept, other = await sweeping_blobs.store([b"kept"]), await sweeping_blobs.store([b"not committed yet"])
    staged = await sweeping_blobs.stage()
    await staged.write(b"on its way")
    assert await sweeping_blobs.sweep(in_use()) == 0
    assert await read_all(sweeping_blobs, kept, other, await staged.seal()) == b"keptnot committed yeton its way"
