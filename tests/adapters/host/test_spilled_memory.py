"""Memory that lies on disk."""

import asyncio
import contextlib
import errno
import mmap
import os
from functools import partial
from pathlib import Path

import pytest
from tests.fakes.object_store import MemoryS3
from tests.fakes.patience import eventually
from tests.fakes.small_disk import SIZE as SMALL_DISK
from tests.fakes.small_disk import small_disk

from crossdock.adapters.host.spilled_memory import SpilledBytes, SpilledMemory
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import Block, BlockPool
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


def blocks_of_files(directory: Path) -> int:
    """What those take of the disk."""
    blocks = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith(f"{directory}/"):
                blocks += os.fstat(int(name)).st_blocks
    return blocks


async def test_spilled_memory_is_written_and_read_like_any_other(tmp_path: Path):
    view = (await SpilledMemory(tmp_path).take(SIZE)).view
    assert (len(view), view.readonly) == (SIZE, False)
    view[-5:] = b"bytes"
    assert bytes(view[-6:]) == b"\0bytes"


async def test_it_has_no_name_and_its_descriptor_goes_with_it(tmp_path: Path):
    before = open_files(tmp_path)
    taken = [await SpilledMemory(tmp_path).take(SIZE) for _ in range(3)]
    assert os.listdir(tmp_path) == []
    assert open_files(tmp_path) == before + 3
    freed = list[int]()
    for number, spilled in enumerate(taken):
        spilled.free(partial(freed.append, number))
    assert (open_files(tmp_path), freed) == (before, [0, 1, 2])


async def test_a_full_disk_is_out_of_space_and_not_a_signal_later(tmp_path: Path):
    with small_disk(tmp_path) as directory:
        view = (await SpilledMemory(directory).take(SMALL_DISK // 2)).view
        view[:] = b"x" * len(view)
        with pytest.raises(OutOfSpace):
            await SpilledMemory(directory).take(2 * SMALL_DISK)


async def test_the_room_is_there_again_though_somebody_still_refers_to_the_bytes(tmp_path: Path):
    """As the traceback of what an upload failed with does, until the garbage collector finds it."""
    spilled = await SpilledMemory(tmp_path).take(SIZE)
    spilled.view[:] = b"x" * SIZE
    piece = spilled.view[100:]
    assert blocks_of_files(tmp_path) > 0
    freed = list[bool]()
    spilled.free(lambda: freed.append(True))
    assert freed == [True]
    assert blocks_of_files(tmp_path) == 0
    assert bytes(piece[-2:]) == b"\0\0"


class _Solid(mmap.mmap):
    """On a file system that makes no holes."""

    def madvise(self, *_args: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


async def test_where_no_holes_are_made_the_room_counts_as_back_once_it_is():
    spilled = SpilledBytes(_Solid(-1, SIZE))
    piece = spilled.view[100:]
    freed = list[bool]()
    spilled.free(lambda: freed.append(True))
    del spilled
    await asyncio.sleep(0)
    assert not freed
    del piece
    await eventually(lambda: freed == [True])


async def test_who_is_cancelled_while_it_is_made_leaves_nothing_open(tmp_path: Path):
    before = open_files(tmp_path)
    taking = asyncio.get_running_loop().create_task(SpilledMemory(tmp_path).take(SIZE))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert open_files(tmp_path) == before


async def test_the_parts_of_an_upload_that_failed_leave_the_disk_at_once(tmp_path: Path):
    """The failure, which is kept here, refers to the bytes."""
    pool = BlockPool(budget=0, spill=SpilledMemory(tmp_path).take, block_size=SIZE, spool_budget=4 * SIZE)
    failures = list[BaseException]()

    async def fail_with(block: Block) -> None:
        view = block.view[:10]
        raise Unavailable(f"{len(view)} bytes were not sent")

    for _ in range(4):
        block = await pool.take()
        try:
            await fail_with(block)
        except Unavailable as error:
            failures.append(error)
        finally:
            block.release()
    assert len(failures) == 4
    assert blocks_of_files(tmp_path) == 0
    assert pool.has_room


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
