"""What every ObjectStore keeps to when an upload that was begun before is gone on with, by whoever has its id."""

import os
from datetime import UTC, datetime

import pytest
from tests.contract.object_stores import ALL
from tests.contract.object_worlds import AGENT, PART, World, read
from tests.fakes.blocks import make_pool
from tests.fakes.clock import FakeClock
from tests.fakes.filesystems import OWNER
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import Denied, NotFound, Unavailable
from crossdock.core.homes import PathHome
from crossdock.core.servers import InterruptedUploads
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.resuming import Resuming
from crossdock.ports.objects import MultipartUpload, ObjectStore, OpenUpload, PortableUpload
from crossdock.ports.resumable_uploads import ResumableUpload

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def begin(world: World, *parts: bytes, key: str = "key") -> OpenUpload:
    """An upload with these parts, whose beginner is gone."""
    upload = await world.store.start_multipart(world.at(key), AGENT)
    for number, part in enumerate(parts, start=1):
        await upload.upload_part(number, [part])
    assert upload.parts == {number: len(part) for number, part in enumerate(parts, start=1)}
    return OpenUpload(place=world.at(key), upload_id=upload.upload_id, began_at=THEN, metadata=AGENT)


async def another(world: World) -> ObjectStore:
    """Another session of somebody who may do the same."""
    return (await world.stores.caller(world.bucket)).store


async def test_an_upload_is_gone_on_with_by_another_session(world: World):
    first, second, last = os.urandom(PART), os.urandom(PART + 7), os.urandom(10)
    begun = await begin(world, first, second)
    resumed = await (await another(world)).resume_multipart(begun)
    assert (resumed.upload_id, dict(resumed.parts)) == (begun.upload_id, {1: PART, 2: PART + 7})
    await resumed.upload_part(3, [last])
    with pytest.raises(NotFound):
        await world.store.head(world.at("key"))
    written = await resumed.complete()
    info = await world.store.head(world.at("key"))
    assert (written.size, written.etag) == (info.size, info.etag)
    assert dict(info.metadata) == AGENT
    assert await read(world.store, world.at("key")) == first + second + last
    with pytest.raises(NotFound):
        await world.store.resume_multipart(begun)


async def test_parts_that_are_forgotten_are_none_of_the_object(world: World):
    parts = [os.urandom(PART) for _ in range(4)]
    begun = await begin(world, *parts)
    resumed = await world.store.resume_multipart(begun)
    resumed.forget_parts(2)
    assert sorted(resumed.parts) == [1, 2]
    await resumed.upload_part(3, [b"another"])
    await resumed.complete()
    assert await read(world.store, world.at("key")) == parts[0] + parts[1] + b"another"


async def test_an_upload_may_be_gone_on_with_again_and_again(world: World):
    content = [os.urandom(PART) for _ in range(3)]
    begun = await begin(world, content[0])
    for number, part in enumerate(content[1:], start=2):
        resumed = await (await another(world)).resume_multipart(begun)
        assert sorted(resumed.parts) == list(range(1, number))
        await resumed.upload_part(number, [part])
    await (await world.store.resume_multipart(begun)).complete()
    assert await read(world.store, world.at("key")) == b"".join(content)


async def test_no_upload_is_gone_on_with_that_is_none_or_another_keys(world: World):
    begun = await begin(world, b"x")
    other = OpenUpload(place=world.at("other"), upload_id=begun.upload_id, began_at=THEN)
    with pytest.raises(NotFound):
        await world.store.resume_multipart(other)
    resumed = await world.store.resume_multipart(begun)
    await resumed.abort()
    with pytest.raises(NotFound):
        await world.store.resume_multipart(begun)


async def test_it_takes_the_permission_to_list_parts(world: World):
    begun = await begin(world, b"x")
    caller = await world.stores.caller(world.bucket, actions=set(ALL) - {"s3:ListMultipartUploadParts"})
    with pytest.raises(Denied):
        await caller.store.resume_multipart(begun)
    await (await world.store.resume_multipart(begun)).abort()


async def test_a_resumed_upload_is_portable(portable_world: World):
    world = portable_world
    begun = await begin(world, os.urandom(PART))
    caller = await world.stores.caller(world.bucket)
    resumed = await caller.store.resume_multipart(begun)
    assert isinstance(resumed, PortableUpload)
    await caller.limit_to(())
    renewed: MultipartUpload = resumed.under(world.store)
    assert renewed.parts == {1: PART}
    renewed.forget_parts(0)
    assert resumed.parts == {}
    await renewed.upload_part(1, [b"new"])
    await renewed.complete()
    assert await read(world.store, world.at("key")) == b"new"


async def test_a_resumed_upload_keeps_its_condition(world: World):
    await world.put("key", b"old")
    source = await world.store.head(world.at("key"))
    upload = await world.store.start_multipart(world.at("key"), {}, if_match=source.etag)
    await upload.upload_part(1, [b"new"])
    begun = OpenUpload(place=world.at("key"), upload_id=upload.upload_id, began_at=THEN, if_match=source.etag)
    await world.put("key", b"somebody else's")
    resumed = await world.store.resume_multipart(begun)
    with pytest.raises(Unavailable):
        await resumed.complete()
    await resumed.abort()
    assert await read(world.store, world.at("key")) == b"somebody else's"


# A session's files on such a store.


async def files_of(world: World, state: MemoryState) -> ObjectFileSystem:
    """Of a new session, on a service that has just started."""
    store = await another(world)
    uploads = resumable_uploads(state)
    return ObjectFileSystem(
        home=PathHome(root=f"/{world.bucket}"),
        store=store,
        metadata=AGENT,
        blocks=make_pool(),
        kept=InterruptedUploads.RESUME,
        resuming=Resuming(uploads, owner=OWNER, store=store, metadata=AGENT, clock=FakeClock()),
    )


@pytest.mark.parametrize("is_killed", [False, True], ids=["interrupted", "killed"])
@pytest.mark.parametrize("size", [3 * BLOCK_SIZE, 3 * BLOCK_SIZE + 1])
async def test_a_file_is_gone_on_with_where_stat_says(world: World, is_killed: bool, size: int):
    state, content = MemoryState(), os.urandom(size)
    path = f"/{world.bucket}/in/file"
    files = await files_of(world, state)
    upload = await files.open_write(path)
    await upload.write(0, content)
    if is_killed:
        # All but the last part are on their way; it is not begun to be sent.
        await upload._sink._flight.leave()  # type: ignore[attr-defined]
    else:
        await upload.interrupted(interruption="reset")
    files = await files_of(world, state)
    at = (await files.stat(path)).size
    assert at == (size - 1) // BLOCK_SIZE * BLOCK_SIZE - (BLOCK_SIZE if is_killed else 0)
    again = await files.open_write(path, at=at)
    await again.write(0, content[at:])
    await again.commit()
    assert await read(world.store, world.at("in/file")) == content


async def test_a_file_of_which_nothing_shall_be_resumed_leaves_no_parts(world: World):
    state = MemoryState()
    files = await files_of(world, state)
    path = f"/{world.bucket}/in/file"
    upload = await files.open_write(path)
    await upload.write(0, bytes(2 * BLOCK_SIZE + 1))
    await upload.interrupted(interruption="reset")
    assert (await files.stat(path)).size == 2 * BLOCK_SIZE
    found = await resumable_uploads(state).find(OWNER, world.at("in/file"))
    assert found is not None
    await files.remove(path)
    with pytest.raises(NotFound):
        await files.stat(path)

    async def end(upload: ResumableUpload) -> None:
        begun = OpenUpload(place=upload.place, upload_id=upload.upload_id, began_at=upload.began_at)
        await (await world.store.resume_multipart(begun)).abort()

    await resumable_uploads(state).sweep(end)
    with pytest.raises(NotFound):
        await world.store.resume_multipart(
            OpenUpload(place=found.place, upload_id=found.upload_id, began_at=found.began_at)
        )
