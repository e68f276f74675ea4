"""A rename between two S3s, whose bytes come through here: whoever ends it finds the file under one name."""

import asyncio

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.filesystems import METADATA
from tests.fakes.object_store import MemoryS3
from tests.fakes.two_s3s import Apart, everything

from crossdock.core.homes import PathHome
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.object_filesystem import ObjectFileSystem


def apart(s3: MemoryS3) -> ObjectFileSystem:
    home = PathHome(root="/")
    return ObjectFileSystem(home=home, store=Apart(s3, everything), metadata=METADATA, blocks=make_pool())


async def cancelled_at(s3: MemoryS3, operation: str) -> None:
    """The rename of a file of three parts, which is cancelled during this call."""
    s3.add("bucket", "k", bytes(2 * BLOCK_SIZE + 1))
    gate = s3.hold(operation)
    renaming = asyncio.create_task(apart(s3).rename("/bucket/k", "/second-bucket/k"))
    await gate.entered.wait()
    renaming.cancel()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await renaming
    assert s3.uploads == {}


@pytest.mark.parametrize("operation", ["GetObject", "CreateMultipartUpload", "UploadPart"])
async def test_a_rename_through_here_is_cancelled_at_once_and_leaves_nothing(s3: MemoryS3, operation: str):
    await cancelled_at(s3, operation)
    assert (s3.keys("bucket"), s3.keys("second-bucket")) == (["k"], [])
    assert "CompleteMultipartUpload" not in {call.operation for call in s3.calls}


@pytest.mark.parametrize("operation", ["CompleteMultipartUpload", "DeleteObject"])
async def test_the_end_of_a_rename_through_here_is_not_cut_in_two(s3: MemoryS3, operation: str):
    await cancelled_at(s3, operation)
    assert (s3.keys("bucket"), s3.keys("second-bucket")) == ([], ["k"])
