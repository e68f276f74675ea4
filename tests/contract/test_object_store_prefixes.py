"""What every ObjectStore keeps to when an object is replaced by one that begins with its bytes, or may not be."""

import asyncio
import os

import pytest
from tests.contract.object_stores import ALL
from tests.contract.object_worlds import AGENT, PART, World, read

from crossdock.core.errors import Denied, Exists, FileError, NotFound, Unavailable
from crossdock.ports.objects import ObjectInfo, ObjectStore, PortableUpload, StagedPut, StagingObjectStore


async def put(world: World, content: bytes, key: str = "key") -> ObjectInfo:
    await world.put(key, content)
    return await world.store.head(world.at(key))


async def stage(store: ObjectStore, world: World, source: ObjectInfo) -> StagedPut:
    assert isinstance(store, StagingObjectStore)
    return await store.stage(world.at("key"), AGENT, if_match=source.etag)


# Parts that are copied.


async def test_parts_may_be_copied_from_the_object_that_is_replaced(world: World):
    old = os.urandom(2 * PART + 100)
    source = await put(world, old)
    upload = await world.store.start_multipart(world.at("key"), AGENT, if_match=source.etag)
    await asyncio.gather(
        upload.upload_part(3, [b"new"]),
        upload.copy_part(1, source, offset=10, size=PART),
        upload.copy_part(2, source, offset=PART + 10, size=PART + 90),
    )
    assert await read(world.store, world.at("key")) == old
    written = await upload.complete()
    info = await world.store.head(world.at("key"))
    assert (written.size, info.size, info.etag) == (2 * PART + 93, 2 * PART + 93, written.etag)
    assert dict(info.metadata) == AGENT
    assert await read(world.store, world.at("key")) == old[10:] + b"new"


async def test_a_part_may_be_copied_from_elsewhere_and_from_odd_keys(world: World):
    source = await put(world, b"0123456789", "späce//ü 🎉+%2F?")
    upload = await world.store.start_multipart(world.at("key"), {})
    await upload.copy_part(1, source, offset=9, size=1)
    await upload.complete()
    assert await read(world.store, world.at("key")) == b"9"


async def test_no_part_is_copied_of_an_object_that_was_replaced_or_deleted(world: World):
    source = await put(world, b"old")
    upload = await world.store.start_multipart(world.at("other"), {})
    await world.put("key", b"replaced")
    with pytest.raises(Unavailable):
        await upload.copy_part(1, source, offset=0, size=3)
    await world.store.delete(world.at("key"))
    with pytest.raises(NotFound):
        await upload.copy_part(1, source, offset=0, size=3)
    await upload.abort()


async def test_no_part_is_copied_of_bytes_that_are_not_there(world: World):
    source = await put(world, b"old")
    upload = await world.store.start_multipart(world.at("other"), {})
    with pytest.raises(FileError):
        await upload.copy_part(1, source, offset=1, size=3)
    await upload.abort()


@pytest.mark.parametrize("missing", ["s3:GetObject", "s3:PutObject"])
async def test_copying_a_part_needs_reading_and_writing(world: World, missing: str):
    source = await put(world, b"old")
    caller = await world.stores.caller(world.bucket)
    upload = await caller.store.start_multipart(world.at("other"), {})
    await caller.limit_to(set(ALL) - {missing})
    with pytest.raises(Denied):
        await upload.copy_part(1, source, offset=0, size=3)
    await upload.abort()


async def test_a_portable_upload_copies_through_another_store(portable_world: World):
    world = portable_world
    source = await put(world, b"old")
    caller = await world.stores.caller(world.bucket)
    upload = await caller.store.start_multipart(world.at("key"), {}, if_match=source.etag)
    assert isinstance(upload, PortableUpload)
    await caller.limit_to(())
    renewed = upload.under(world.store)
    await renewed.copy_part(1, source, offset=0, size=2)
    await world.put("key", b"replaced")
    with pytest.raises(Unavailable):
        await renewed.complete()
    await renewed.abort()


# Only that object is replaced.


async def test_an_upload_for_one_object_replaces_no_other(world: World):
    source = await put(world, b"old")
    upload = await world.store.start_multipart(world.at("key"), {}, if_match=source.etag)
    await upload.upload_part(1, [b"new"])
    await world.put("key", b"somebody else's")
    with pytest.raises(Unavailable):
        await upload.complete()
    await upload.abort()
    assert await read(world.store, world.at("key")) == b"somebody else's"


async def test_an_upload_for_one_object_makes_none_where_that_is_gone(world: World):
    source = await put(world, b"old")
    upload = await world.store.start_multipart(world.at("key"), {}, if_match=source.etag)
    await upload.upload_part(1, [b"new"])
    await world.store.delete(world.at("key"))
    with pytest.raises(NotFound):
        await upload.complete()
    await upload.abort()
    with pytest.raises(NotFound):
        await world.store.head(world.at("key"))


# Nothing is replaced.


async def test_an_upload_that_may_replace_nothing_makes_what_is_not_there(world: World):
    upload = await world.store.start_multipart(world.at("key"), AGENT, if_none_match=True)
    await upload.upload_part(1, [b"new"])
    await upload.complete()
    assert await read(world.store, world.at("key")) == b"new"


async def test_an_upload_that_may_replace_nothing_replaces_nothing(world: World):
    upload = await world.store.start_multipart(world.at("key"), {}, if_none_match=True)
    await upload.upload_part(1, [b"new"])
    await world.put("key", b"somebody else's")
    with pytest.raises(Exists):
        await upload.complete()
    await upload.abort()
    assert await read(world.store, world.at("key")) == b"somebody else's"


async def test_a_portable_upload_keeps_its_condition_in_another_store(portable_world: World):
    world = portable_world
    upload = await (await world.stores.caller(world.bucket)).store.start_multipart(
        world.at("key"), {}, if_none_match=True
    )
    assert isinstance(upload, PortableUpload)
    await upload.upload_part(1, [b"new"])
    await world.put("key", b"somebody else's")
    renewed = upload.under(world.store)
    with pytest.raises(Exists):
        await renewed.complete()
    await renewed.abort()
    assert await read(world.store, world.at("key")) == b"somebody else's"


# Staging, where a store does it.


async def test_a_staged_put_that_may_replace_nothing_replaces_nothing(staging_world: World):
    world = staging_world
    assert isinstance(world.store, StagingObjectStore)
    first = await world.store.stage(world.at("key"), {}, if_none_match=True)
    second = await world.store.stage(world.at("key"), {}, if_none_match=True)
    await first.commit(b"first")
    with pytest.raises(Exists):
        await second.commit(b"second")
    await second.discard()
    assert await read(world.store, world.at("key")) == b"first"


@pytest.mark.parametrize("kept", [0, 1, PART, PART + 5, PART + 10])
async def test_a_staged_put_may_begin_with_bytes_of_the_object_it_replaces(staging_world: World, kept: int):
    world = staging_world
    old = os.urandom(PART + 10)
    upload = await world.store.start_multipart(world.at("key"), {})
    await upload.upload_part(1, [old[:PART]])
    await upload.upload_part(2, [old[PART:]])
    await upload.complete()
    source = await world.store.head(world.at("key"))
    staged = await stage(world.store, world, source)
    await staged.begin_with(source, kept)
    await staged.write(b"one ")
    staged.advance(os.write(await staged.target(), b"two"))
    assert await read(world.store, world.at("key")) == old
    assert (await staged.commit()).size == kept + 7
    assert await read(world.store, world.at("key")) == old[:kept] + b"one two"


async def test_a_staged_put_begins_with_no_other_object_than_was_found(staging_world: World):
    world = staging_world
    source = await put(world, b"old")
    staged = await stage(world.store, world, source)
    await world.put("key", b"replaced")
    with pytest.raises(Unavailable):
        await staged.begin_with(source, 3)
    await world.store.delete(world.at("key"))
    with pytest.raises(NotFound):
        await staged.begin_with(source, 3)
    await staged.discard()


async def test_a_staged_put_for_one_object_replaces_no_other(staging_world: World):
    world = staging_world
    source = await put(world, b"old")
    staged = await stage(world.store, world, source)
    await staged.begin_with(source, 3)
    await world.put("key", b"somebody else's")
    with pytest.raises(Unavailable):
        await staged.commit()
    await staged.discard()
    assert await read(world.store, world.at("key")) == b"somebody else's"


async def test_a_staged_put_for_one_object_makes_none_where_that_is_gone(staging_world: World):
    world = staging_world
    source = await put(world, b"old")
    staged = await stage(world.store, world, source)
    await staged.begin_with(source, 3)
    await world.store.delete(world.at("key"))
    with pytest.raises(NotFound):
        await staged.commit()
    await staged.discard()
    with pytest.raises(NotFound):
        await world.store.head(world.at("key"))


async def test_beginning_with_an_object_needs_reading_it(staging_world: World):
    world = staging_world
    source = await put(world, b"old")
    caller = await world.stores.caller(world.bucket)
    staged = await stage(caller.store, world, source)
    await caller.limit_to(["s3:PutObject"])
    with pytest.raises(Denied):
        await staged.begin_with(source, 3)
    await staged.discard()
