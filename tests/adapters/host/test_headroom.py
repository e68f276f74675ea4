"""Room that is left on a full disk."""

import os

import pytest
from tests.fakes.object_indexes import small_entry
from tests.fakes.small_disk import SIZE, small_disk

from crossdock.adapters.host.blob_files import BlobFiles
from crossdock.adapters.host.clock import SystemClock
from crossdock.adapters.host.disk_blobs import open_disk_blobs
from crossdock.adapters.host.headroom import MOST_BYTES, leave_headroom
from crossdock.adapters.host.object_database import open_object_database
from crossdock.core.errors import OutOfSpace
from crossdock.ports.storage import ObjectEntry


class Disk:
    """What statvfs says of a disk of so many blocks, of which so many are free."""

    f_frsize = 4096

    def __init__(self, blocks, free):
        self.f_blocks, self.f_bavail = blocks, free


@pytest.mark.parametrize(
    ("blocks", "free", "size", "is_left"),
    [
        (1000, 20, 0, True),
        (1000, 19, 0, False),
        (1000, 21, 4096, True),
        (1000, 21, 4097, False),
        (10**9, MOST_BYTES // 4096, 0, True),
        (10**9, MOST_BYTES // 4096 - 1, 0, False),
        (0, 0, 0, True),
    ],
    ids=["2 %", "less", "fits", "too large", "64 MiB of a large disk", "less of it", "a disk that does not say"],
)
def test_a_part_of_the_disk_is_left_and_of_a_large_one_64_mib(tmp_path, monkeypatch, blocks, free, size, is_left):
    monkeypatch.setattr(os, "statvfs", lambda place: Disk(blocks, free))
    if is_left:
        leave_headroom(tmp_path, size)
    else:
        with pytest.raises(OSError, match="No space left on device but"):
            leave_headroom(tmp_path, size)


def used(directory):
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


async def test_objects_that_filled_the_disk_can_be_deleted_and_then_there_is_room_again(tmp_path, monkeypatch):
    with small_disk(tmp_path) as disk:
        if not disk.is_mount():
            # Without privileges there is no small disk, so one is made up.
            monkeypatch.setattr(os, "statvfs", lambda place: Disk(SIZE // 4096, (SIZE - used(disk)) // 4096))
        objects = open_object_database(disk / "objects.db")
        blobs = await open_disk_blobs(disk / "blobs")
        keys: list[str] = []

        async def put(size):
            segment = await blobs.store([bytes(size)])
            entry = ObjectEntry(size=size, etag="e", modified_at=SystemClock().now(), segments=(segment,))
            await objects.objects.put("bucket", f"{len(keys)}", entry)
            keys.append(f"{len(keys)}")

        async def put_without_end(size):
            while True:
                await put(size)

        for size in (200_000, 20_000, 2_000, 1, 0):
            with pytest.raises(OutOfSpace):
                await put_without_end(size)
        assert len(keys) > 5
        first, *rest = keys
        blobs.delete(await objects.objects.delete("bucket", first))
        # Bytes are removed in the background. On so small a disk what is left for deleting does for few objects; once
        # the first is gone there is room for the logs of the others.
        await blobs.close()
        blobs = await open_disk_blobs(disk / "blobs")
        for key in rest:
            blobs.delete(await objects.objects.delete("bucket", key))
        await blobs.close()
        blobs = await open_disk_blobs(disk / "blobs")
        await put(200_000)
        await blobs.close()
        await objects.close()


def test_bytes_that_were_written_past_it_are_found_when_they_are_sealed(tmp_path, monkeypatch):
    files = BlobFiles(tmp_path / "blobs", entropy=os.urandom)
    files.prepare()
    blob_id = files.new_id()
    fd = files.create(blob_id)
    os.write(fd, b"moved by the kernel")
    monkeypatch.setattr(os, "statvfs", lambda place: Disk(1000, 1))
    with pytest.raises(OutOfSpace):
        files.seal(blob_id, fd, size=19)
    os.close(fd)


async def test_small_objects_leave_room_to_delete_them_and_take_that_of_deleted_ones(tmp_path, monkeypatch):
    database = open_object_database(tmp_path / "objects.db")
    small = small_entry(b"x" * (16 << 10))
    for key in ("0", "1"):
        await database.objects.put("b", key, small)
    monkeypatch.setattr(os, "statvfs", lambda place: Disk(10**9, 0))
    with pytest.raises(OutOfSpace):
        await database.objects.put("b", "2", small)
    with pytest.raises(OutOfSpace):
        await database.objects.link("b", "2", small, source_bucket_id="b", source_key="0")
    await database.objects.delete("b", "0")
    await database.objects.put("b", "2", small)
    with pytest.raises(OutOfSpace):
        await database.objects.put("b", "3", small)
    assert [found.key for found in (await database.objects.scan("b")).objects] == ["1", "2"]
    await database.close()
