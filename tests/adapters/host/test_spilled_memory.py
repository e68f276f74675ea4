"""Memory that lies on disk."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest
from tests.fakes.object_store import MemoryS3
from tests.fakes.small_disk import SIZE as SMALL_DISK
from tests.fakes.small_disk import small_disk

from crossdock.adapters.host.spilled_memory import SpilledMemory
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BlockPool
from crossdock.files.parts_sink import PartsSink
from crossdock.files.upload import Upload

SIZE = 1 << 20


def open_files(directory: Path) -> int:
    """How many files that this process has open were made there."""
    paths = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the descriptor of the listing itself
            paths.append(os.readlink(f"/proc/self/fd/{name}"))
    return sum(path.startswith(f"{directory}/") for path in paths)


async def test_spilled_memory_is_written_and_read_like_any_other(tmp_path: Path):
    view = await SpilledMemory(tmp_path).take(SIZE)
    assert (len(view), view.readonly) == (SIZE, False)
    view[-5:] = b"bytes"
    assert bytes(view[-6:]) == b"\0bytes"


async def test_it_has_no_name_and_its_descriptor_goes_with_it(tmp_path: Path):
    before = open_files(tmp_path)
    views = [await SpilledMemory(tmp_path).take(SIZE) for _ in range(3)]
    assert os.listdir(tmp_path) == []
    assert open_files(tmp_path) == before + 3
    del views
    await asyncio.sleep(0)  # the thread's future lets go of its result
    assert open_files(tmp_path) == before


async def test_a_full_disk_is_out_of_space_and_not_a_signal_later(tmp_path: Path):
    with small_disk(tmp_path) as directory:
        view = await SpilledMemory(directory).take(SMALL_DISK // 2)
        view[:] = b"x" * len(view)
        with pytest.raises(OutOfSpace):
            await SpilledMemory(directory).take(2 * SMALL_DISK)


async def test_a_directory_that_is_gone_is_unavailable(tmp_path: Path):
    with pytest.raises(Unavailable):
        await SpilledMemory(tmp_path / "none").take(SIZE)


async def test_an_upload_without_any_memory_of_its_own_arrives(tmp_path: Path):
    s3 = MemoryS3(min_part=SIZE)
    s3.add_bucket("bucket")
    place = ObjectPlace(bucket="bucket", key="key")
    pool = BlockPool(budget=0, spill=SpilledMemory(tmp_path).take, block_size=SIZE)
    upload = Upload(PartsSink(s3.store(), place, {}, blocks=pool), place=place)
    content = os.urandom(5 * SIZE + 1)
    await upload.write(0, content)
    await upload.commit()
    assert s3.content("bucket", "key") == content
