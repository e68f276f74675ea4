"""What is left of an upload that the store fails, or that ends with a full part."""

import os

import pytest
from tests.fakes.filesystems import store_file
from tests.fakes.upload_dock import FILE, KEY, Dock

from crossdock.core.errors import Denied, Unavailable
from crossdock.files.blocks import BLOCK_SIZE

CONTENT = os.urandom(3 * BLOCK_SIZE)


async def receive(dock: Dock, content: bytes) -> int:
    """As an edge does that has room before it knows whether anything comes. Returns where it can be resumed."""
    ends: list[int] = []
    upload = await dock.session().open_write(FILE)
    upload.when_ended(lambda end: ends.append(end.resumable_at))
    sent = 0
    while True:
        room = await upload.reserve()
        if sent == len(content):
            break
        count = min(len(room), len(content) - sent)
        room[:count] = content[sent : sent + count]
        upload.advance(count)
        sent += count
    await upload.interrupted(interruption="reset")
    return ends[0]


@pytest.mark.parametrize(("parts", "kept"), [(1, 0), (2, 1), (3, 2)])
async def test_whole_parts_are_never_all_that_is_kept_for_they_may_be_all_of_the_file(parts: int, kept: int):
    dock = Dock()
    assert await receive(dock, CONTENT[: parts * BLOCK_SIZE]) == kept * BLOCK_SIZE
    assert await dock.size() == (kept * BLOCK_SIZE or None)


@pytest.mark.parametrize("more", [0, 1, BLOCK_SIZE - 1])
async def test_what_came_is_kept_when_the_store_fails_at_the_end_and_never_all_of_it(more: int):
    dock = Dock()
    content = CONTENT[: 2 * BLOCK_SIZE + more]
    upload = await dock.session().open_write(FILE)
    await upload.write(0, content)
    dock.s3.fail("CompleteMultipartUpload", Unavailable("S3 is away"))
    with pytest.raises(Unavailable):
        await upload.commit()
    at = await dock.size()
    assert at == (len(content) - 1) // BLOCK_SIZE * BLOCK_SIZE
    await store_file(dock.session(), FILE, content[at:], at="END")
    assert dock.s3.content("bucket", KEY) == content
    assert (dock.s3.uploads, await dock.uploads_noted()) == ({}, frozenset())


async def test_an_end_that_fails_again_leaves_nothing():
    dock = Dock()
    at = await dock.interrupt(CONTENT)
    upload = await dock.session().open_write(FILE, at=at)
    await upload.write(0, CONTENT[at:])
    dock.s3.fail("CompleteMultipartUpload", Unavailable("S3 is away"))
    with pytest.raises(Unavailable):
        await upload.commit()
    assert (await dock.size(), dock.s3.uploads) == (None, {})


async def test_an_end_that_is_refused_leaves_nothing():
    dock = Dock()
    upload = await dock.session().open_write(FILE)
    await upload.write(0, CONTENT)
    dock.s3.fail("CompleteMultipartUpload", Denied("no"))
    with pytest.raises(Denied):
        await upload.commit()
    assert (await dock.size(), dock.s3.uploads) == (None, {})
