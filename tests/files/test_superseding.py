"""What comes in place of an upload that waits, or will: nothing older is ever gone on with."""

import os

import pytest
from tests.fakes.filesystems import store_file
from tests.fakes.patience import eventually
from tests.fakes.upload_dock import FILE, Dock

from crossdock.core.errors import Denied, NotFound
from crossdock.files.blocks import BLOCK_SIZE

CONTENT = os.urandom(3 * BLOCK_SIZE + 1000)


async def test_what_waits_below_a_directory_is_given_up_when_another_is_renamed_to_it():
    dock = Dock()
    session = dock.session()
    for name in ("d/f", "else"):
        upload = await session.open_write(f"/bucket/home/{name}")
        await upload.write(0, CONTENT)
        await upload.interrupted(interruption="reset")
    await store_file(session, "/bucket/home/new/f", b"moved")
    await session.rename("/bucket/home/new", "/bucket/home/d", directories=True)
    assert (await session.stat("/bucket/home/d/f")).size == len(b"moved")
    assert (await session.stat("/bucket/home/else")).size == 3 * BLOCK_SIZE


async def test_a_rename_that_fails_gives_nothing_up():
    dock = Dock()
    at = await dock.interrupt(CONTENT)
    with pytest.raises(NotFound):
        await dock.session().rename("/bucket/home/none", FILE, replace=True)
    dock.s3.add("bucket", "home/other", b"")
    with pytest.raises(Denied):
        await dock.session(actions={"s3:ListBucket", "s3:GetObject"}).rename("/bucket/home/other", FILE, replace=True)
    assert await dock.size() == at


async def test_what_begins_in_the_store_while_a_newer_file_is_sent_is_nobodys_after_that():
    """Its first part may have come before, and wait for the store."""
    dock = Dock()
    hanging = await dock.session().open_write(FILE)
    newer = await dock.session().open_write(FILE)
    await newer.write(0, b"newer")
    await hanging.write(0, CONTENT)
    await eventually(lambda: dock.s3.parts() == 3)
    await newer.commit()
    await hanging.interrupted(interruption="nobody answers")
    assert await dock.size() == len(b"newer")


async def test_what_a_newer_file_superseded_can_still_end_well():
    dock = Dock()
    slow = await dock.session().open_write(FILE)
    await slow.write(0, CONTENT)
    await store_file(dock.session(), FILE, b"newer")
    await dock.sweep()
    await slow.commit()
    assert await dock.size() == len(CONTENT)
    assert await dock.uploads_noted() == frozenset()


async def test_where_nothing_waits_any_more_a_client_that_asks_again_is_told_of_the_file():
    dock = Dock()
    await dock.interrupt(CONTENT)
    session = dock.session()
    assert (await session.stat(FILE)).size == 3 * BLOCK_SIZE
    await store_file(dock.session(), FILE, b"newer")
    assert (await session.stat(FILE)).size == len(b"newer")
    await store_file(session, FILE, b" and more", at="END")
    assert await dock.size() == len(b"newer and more")
