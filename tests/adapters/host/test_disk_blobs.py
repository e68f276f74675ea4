"""What DiskBlobs keeps to besides the contract: the disk."""

import asyncio
import errno
import os
import threading

import pytest
from tests.fakes.small_disk import fill, small_disk

from crossdock.adapters.host.blob_files import DirectorySync, copy_some
from crossdock.adapters.host.disk_blobs import open_disk_blobs
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import Segment


@pytest.fixture
async def blobs(tmp_path):
    opened = await open_disk_blobs(tmp_path / "blobs")
    yield opened
    await opened.close()


def files_below(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def path_of(segment):
    return f"{segment.blob_id[:2]}/{segment.blob_id}"


async def stream(*segments):
    for segment in segments:
        yield segment


async def read(blobs, *segments):
    reader = await blobs.open(segments)
    try:
        return await reader.read(0, 1 << 20)
    finally:
        reader.close()


def fail_with(code):
    def fail(*_arguments):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [None, errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
async def test_bytes_are_copied_also_where_files_cannot_share_them(tmp_path, code):
    (tmp_path / "from").write_bytes(b"0123456789")
    how = {} if code is None else {"copy_range": fail_with(code)}
    with (tmp_path / "from").open("rb") as source, (tmp_path / "to").open("wb", buffering=0) as target:
        target.write(b"before ")
        assert copy_some(target.fileno(), FileRegion(fd=source.fileno(), offset=4, size=3), **how) == 3
        target.write(b" behind")
    assert (tmp_path / "to").read_bytes() == b"before 456 behind"


async def test_a_copy_that_fails_is_told_as_the_disk_told_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as source, (tmp_path / "to").open("wb") as target:
        for how, region_size, error in (
            ({"copy_range": fail_with(errno.ENOSPC)}, 3, OutOfSpace),
            ({"copy_range": fail_with(errno.EIO)}, 3, Unavailable),
            ({}, 1 << 60, OutOfSpace),
        ):
            with pytest.raises(error):
                copy_some(target.fileno(), FileRegion(fd=source.fileno(), offset=0, size=region_size), **how)
        with pytest.raises(Unavailable, match="shorter"):
            copy_some(target.fileno(), FileRegion(fd=source.fileno(), offset=10, size=1))


async def test_what_is_appended_is_copied_in_pieces(blobs, monkeypatch):
    monkeypatch.setattr("crossdock.adapters.host.disk_blobs.COPIED_AT_ONCE", 3)
    segment = await blobs.store([b"0123456789"])
    reader = await blobs.open([segment])
    staged = await blobs.stage()
    await staged.append(await reader.region(2))
    reader.close()
    assert await read(blobs, await staged.seal()) == b"23456789"


async def test_a_blob_lies_under_its_id_and_its_directory(blobs, tmp_path):
    segment = await blobs.store([b"x"])
    assert files_below(tmp_path / "blobs") == [path_of(segment)]
    staged = await blobs.stage()
    assert [name.split("/")[0] for name in files_below(tmp_path / "blobs")].count("staged") == 1
    await staged.discard()
    assert files_below(tmp_path / "blobs") == [path_of(segment)]


async def test_bytes_are_durable_before_the_name_and_the_name_before_the_answer(blobs, monkeypatch):
    seen = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append(os.path.isdir(f"/proc/self/fd/{fd}")), fsync(fd)))
    monkeypatch.setattr(os, "rename", lambda old, new: (seen.append("rename"), rename(old, new)))
    await blobs.store([b"x"])
    assert seen == [False, "rename", True]
    staged = await blobs.stage()
    await staged.seal()
    assert seen == [False, "rename", True] * 2


@pytest.mark.parametrize(
    ("code", "error"), [(errno.ENOSPC, OutOfSpace), (errno.EDQUOT, OutOfSpace), (errno.EIO, Unavailable)]
)
@pytest.mark.parametrize("failing", ["write", "fsync", "rename", "open"])
async def test_nothing_is_left_when_the_disk_fails(blobs, tmp_path, monkeypatch, failing, code, error):
    async def staged():
        staging = await blobs.stage()
        try:
            await staging.write(b"x")
            await staging.seal()
        finally:
            await staging.discard()

    monkeypatch.setattr(os, failing, fail_with(code))
    with pytest.raises(error):
        await blobs.store([b"x"])
    with pytest.raises(error):
        await staged()
    monkeypatch.undo()
    await blobs.close()
    assert files_below(tmp_path / "blobs") == []


async def test_a_blob_of_another_size_than_was_accounted_for_is_not_sealed(blobs, tmp_path):
    staged = await blobs.stage()
    os.write(staged.fileno(), b"abc")
    staged.advance(2)
    with pytest.raises(Unavailable, match="3 bytes were written, 2 are accounted for"):
        await staged.seal()
    assert files_below(tmp_path / "blobs") == []


async def test_a_full_disk_is_answered_and_survived(tmp_path):
    with small_disk(tmp_path) as disk:
        blobs = await open_disk_blobs(disk / "blobs")
        first = await blobs.store([b"first"])
        make_room = fill(disk)
        with pytest.raises(OutOfSpace):
            await blobs.store([bytes(2 << 20)])
        staged = await blobs.stage()
        with pytest.raises(OutOfSpace):
            await staged.write(bytes(2 << 20))
        await staged.discard()
        make_room()
        assert await read(blobs, await blobs.store([b"second"])) == b"second"
        assert await read(blobs, first) == b"first"
        await blobs.close()
        assert len(files_below(disk / "blobs")) == 2


async def test_a_file_that_is_shorter_than_its_segment_is_an_error_and_no_end(blobs, tmp_path):
    segment = await blobs.store([b"abcdef"])
    os.truncate(tmp_path / "blobs" / path_of(segment), 3)
    reader = await blobs.open([segment])
    assert await reader.read(0, 6) == b"abc"
    with pytest.raises(Unavailable):
        await reader.read(3, 3)
    reader.close()


async def test_a_later_segment_that_is_missing_is_an_error_and_no_end(blobs, tmp_path):
    segments = [await blobs.store([b"a"]), await blobs.store([b"b"])]
    (tmp_path / "blobs" / path_of(segments[1])).unlink()
    reader = await blobs.open(segments)
    assert await reader.read(0, 2) == b"a"
    with pytest.raises(Unavailable):
        await reader.read(1, 1)
    reader.close()


async def test_deleted_blobs_go_from_the_disk_once_nobody_reads_them(tmp_path):
    blobs = await open_disk_blobs(tmp_path / "blobs")
    read_later, idle = await blobs.store([b"a"]), await blobs.store([b"b"])
    reader = await blobs.open([read_later])
    blobs.delete([read_later, idle])
    reader.close()
    await blobs.close()
    assert files_below(tmp_path / "blobs") == []


async def test_descriptors_are_given_back(blobs):
    async def use():
        segments = [await blobs.store([b"x"]) for _ in range(3)]
        reader = await blobs.open(segments)
        for offset in range(3):
            await reader.read(offset, 1)
        reader.close()
        staged = await blobs.stage()
        await staged.discard()

    await use()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        await use()
    # The last reader may be closing still.
    assert len(os.listdir("/proc/self/fd")) <= before + 1


async def test_a_sweep_removes_what_an_earlier_process_left_and_counts_it(tmp_path):
    earlier = await open_disk_blobs(tmp_path / "blobs")
    kept = await earlier.store([b"kept"])
    await earlier.store([b"orphan"])
    staged = await earlier.stage()
    await staged.write(b"x")
    (tmp_path / "blobs" / "00" / "README").write_text("not a blob")
    blobs = await open_disk_blobs(tmp_path / "blobs")
    fresh = await blobs.store([b"fresh"])
    assert await blobs.sweep(stream(kept)) == 2
    assert files_below(tmp_path / "blobs") == sorted(["00/README", path_of(kept), path_of(fresh)])
    assert await read(blobs, kept) == b"kept"
    await blobs.close()
    os.close(staged.fileno())
    await earlier.close()


async def test_a_sweep_spares_what_somebody_still_reads(tmp_path):
    earlier = await open_disk_blobs(tmp_path / "blobs")
    segments = [await earlier.store([b"a"]), await earlier.store([b"b"])]
    await earlier.close()
    blobs = await open_disk_blobs(tmp_path / "blobs")
    reader = await blobs.open(segments)
    blobs.delete(segments)
    assert await blobs.sweep(stream()) == 0
    assert await reader.read(1, 1) == b"b"
    reader.close()
    await blobs.close()
    assert files_below(tmp_path / "blobs") == []


async def test_blobs_are_swept_once(blobs):
    await blobs.sweep(stream())
    with pytest.raises(RuntimeError):
        await blobs.sweep(stream(Segment(blob_id="00" * 16, size=1)))


async def test_a_cancelled_seal_leaves_nothing(tmp_path, monkeypatch):
    blobs = await open_disk_blobs(tmp_path / "blobs")
    begun, may_end = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(fd):
        begun.set()
        assert may_end.wait(10)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", slow)
    staged = await blobs.stage()
    task = asyncio.get_running_loop().create_task(staged.seal())
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    await asyncio.wait((task,))
    assert task.cancelled()
    await blobs.close()
    assert files_below(tmp_path / "blobs") == []


def test_those_who_ask_while_a_directory_is_synced_share_the_next_sync(tmp_path, monkeypatch):
    begun, may_end, calls = threading.Event(), threading.Event(), []

    def slow(fd):
        calls.append(fd)
        begun.set()
        assert may_end.wait(10)

    monkeypatch.setattr(os, "fsync", slow)
    sync = DirectorySync(tmp_path)
    first = threading.Thread(target=sync.sync)
    first.start()
    assert begun.wait(10)
    others = [threading.Thread(target=sync.sync) for _ in range(10)]
    for other in others:
        other.start()
    while sync._asked < 11:  # all of them wait for the first
        os.sched_yield()
    may_end.set()
    for thread in (first, *others):
        thread.join(10)
    assert len(calls) == 2


def test_a_failed_sync_of_a_directory_is_told_to_its_caller_and_tried_again_by_the_next(tmp_path, monkeypatch):
    sync = DirectorySync(tmp_path)
    monkeypatch.setattr(os, "fsync", fail_with(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        sync.sync()
    monkeypatch.undo()
    sync.sync()
