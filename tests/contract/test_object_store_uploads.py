"""What every ObjectStore keeps to: multipart uploads, copies, and staging where a store does it."""

import asyncio
import os

import pytest
from tests.contract.object_stores import ALL
from tests.contract.object_worlds import AGENT, MIB, PART, World, keys_of, read

from crossdock.core.errors import Denied, FileError, NotFound
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import PortableUpload, StagingObjectStore

# Multipart uploads.


async def test_a_multipart_upload_is_seen_when_it_is_complete_and_not_before(world: World):
    first, second = os.urandom(PART), b"the rest"
    upload = await world.store.start_multipart(world.at("big"), AGENT)
    await upload.upload_part(1, [first[:100], memoryview(first)[100:]])
    await upload.upload_part(2, [second])
    with pytest.raises(NotFound):
        await world.store.head(world.at("big"))
    written = await upload.complete()
    info = await world.store.head(world.at("big"))
    assert (written.size, info.size, info.etag) == (PART + 8, PART + 8, written.etag)
    assert dict(info.metadata) == AGENT
    assert await read(world.store, world.at("big")) == first + second


async def test_parts_may_come_in_any_order_at_once_and_again(world: World):
    parts = {1: os.urandom(PART), 2: os.urandom(PART), 3: b"end"}
    upload = await world.store.start_multipart(world.at("big"), {})
    await upload.upload_part(2, [b"a first try"])
    await asyncio.gather(*(upload.upload_part(number, [parts[number]]) for number in (3, 1, 2)))
    assert (await upload.complete()).size == 2 * PART + 3
    assert await read(world.store, world.at("big")) == parts[1] + parts[2] + parts[3]


async def test_an_aborted_upload_leaves_the_old_object_as_it_was(world: World):
    await world.put("key", b"old")
    upload = await world.store.start_multipart(world.at("key"), {})
    await upload.upload_part(1, [bytes(PART)])
    await upload.abort()
    await upload.abort()
    assert await read(world.store, world.at("key")) == b"old"
    with pytest.raises(FileError):
        await upload.upload_part(2, [b"late"])
    with pytest.raises(FileError):
        await upload.complete()


async def test_an_upload_is_authorised_once_more_when_it_completes(world: World):
    caller = await world.stores.caller(world.bucket)
    upload = await caller.store.start_multipart(world.at("key"), {})
    await upload.upload_part(1, [b"content"])
    await caller.limit_to(set(ALL) - {"s3:PutObject"})
    with pytest.raises(Denied):
        await upload.complete()
    await upload.abort()
    with pytest.raises(NotFound):
        await world.store.head(world.at("key"))


async def test_a_portable_upload_goes_on_through_another_store(portable_world: World):
    world = portable_world
    caller = await world.stores.caller(world.bucket)
    upload = await caller.store.start_multipart(world.at("key"), {})
    assert isinstance(upload, PortableUpload)
    await upload.upload_part(1, [bytes(PART)])
    await caller.limit_to(())
    renewed = upload.under(world.store)
    await renewed.upload_part(2, [b"more"])
    assert (await renewed.complete()).size == PART + 4


# Copies.


async def test_a_copy_has_content_and_metadata_of_its_source(world: World):
    content = os.urandom(2 * MIB)
    await world.store.put(world.at("from//here"), [content], AGENT)
    copied = await world.store.copy(world.at("from//here"), world.at("to/there 🎉"))
    assert copied.source == await world.store.head(world.at("from//here"))
    assert copied.target.place == world.at("to/there 🎉")
    info = await world.store.head(world.at("to/there 🎉"))
    assert (info.size, dict(info.metadata)) == (len(content), AGENT)
    await world.store.delete(world.at("from//here"))
    assert await read(world.store, world.at("to/there 🎉")) == content


async def test_a_copy_goes_to_another_bucket(world: World):
    other = await world.stores.add_bucket()
    both = (await world.stores.caller(world.bucket, other)).store
    await world.put("key", b"content")
    await both.copy(world.at("key"), ObjectPlace(bucket=other, key="key"))
    assert await read(both, ObjectPlace(bucket=other, key="key")) == b"content"


async def test_a_copy_of_nothing_is_not_found(world: World):
    with pytest.raises(NotFound):
        await world.store.copy(world.at("nothing"), world.at("target"))
    with pytest.raises(NotFound):
        await world.store.head(world.at("target"))


@pytest.mark.parametrize("missing", ["s3:GetObject", "s3:PutObject"])
async def test_a_copy_needs_reading_and_writing(world: World, missing: str):
    await world.put("key", b"content")
    store = await world.store_with(*sorted(set(ALL) - {missing}))
    with pytest.raises(Denied):
        await store.copy(world.at("key"), world.at("target"))
    with pytest.raises(NotFound):
        await world.store.head(world.at("target"))


# Staging, where a store does it.


async def test_a_staged_put_is_seen_when_it_is_committed_and_not_before(staging_world: World):
    world = staging_world
    assert isinstance(world.store, StagingObjectStore)
    await world.put("key", b"old")
    staged = await world.store.stage(world.at("key"), AGENT)
    await staged.write(b"one ")
    assert os.write(await staged.target(), b"two ") == 4
    staged.advance(4)
    await staged.write(memoryview(b"three"))
    assert await read(world.store, world.at("key")) == b"old"
    written = await staged.commit()
    assert written.size == 13
    assert await read(world.store, world.at("key")) == b"one two three"
    assert dict((await world.store.head(world.at("key"))).metadata) == AGENT
    await staged.discard()
    assert await read(world.store, world.at("key")) == b"one two three"


async def test_a_discarded_put_leaves_nothing(staging_world: World):
    world = staging_world
    assert isinstance(world.store, StagingObjectStore)
    staged = await world.store.stage(world.at("key"), {})
    await staged.write(b"half")
    await staged.discard()
    await staged.discard()
    assert keys_of([await world.store.list(world.bucket, "")]) == []


async def test_staging_is_authorised_at_once_and_again_at_the_commit(staging_world: World):
    world = staging_world
    caller = await world.stores.caller(world.bucket, actions=["s3:PutObject"])
    assert isinstance(caller.store, StagingObjectStore)
    staged = await caller.store.stage(world.at("key"), {})
    await staged.write(b"content")
    await caller.limit_to(["s3:GetObject"])
    with pytest.raises(Denied):
        await staged.commit()
    await staged.discard()
    with pytest.raises(Denied):
        await caller.store.stage(world.at("key"), {})
    assert keys_of([await world.store.list(world.bucket, "")]) == []
