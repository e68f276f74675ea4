"""What every ObjectStore keeps to when others write to the same keys: copies that replace nothing, and deletions."""

import asyncio

import pytest
from tests.contract.object_stores import ALL
from tests.contract.object_worlds import World, keys_of, read

from crossdock.core.errors import Denied, Exists

# Copies that replace nothing.


async def test_a_copy_that_may_replace_nothing_goes_where_nothing_is(world: World):
    await world.put("source", b"content")
    copied = await world.store.copy(world.at("source"), world.at("target"), if_none_match=True)
    assert copied.source.etag == (await world.store.head(world.at("source"))).etag
    assert copied.target.etag == (await world.store.head(world.at("target"))).etag
    assert await read(world.store, world.at("target")) == b"content"


async def test_a_copy_that_may_replace_nothing_replaces_nothing(world: World):
    await world.put("source", b"content")
    await world.put("target", b"somebody else's")
    with pytest.raises(Exists):
        await world.store.copy(world.at("source"), world.at("target"), if_none_match=True)
    assert await read(world.store, world.at("target")) == b"somebody else's"
    await world.store.copy(world.at("source"), world.at("target"))
    assert await read(world.store, world.at("target")) == b"content"


async def test_of_many_copies_to_one_new_key_one_is_made(world: World):
    for number in range(8):
        await world.put(f"source{number}", str(number).encode())

    async def copy(number: int) -> bytes | None:
        try:
            await world.store.copy(world.at(f"source{number}"), world.at("target"), if_none_match=True)
        except Exists:
            return None
        return str(number).encode()

    made = [content for content in await asyncio.gather(*map(copy, range(8))) if content is not None]
    assert made == [await read(world.store, world.at("target"))]


# Deletions of one version.


async def test_the_object_of_an_etag_is_deleted_and_no_other(world: World):
    await world.put("key", b"old")
    old = await world.store.head(world.at("key"))
    await world.put("key", b"somebody else's")
    await world.store.delete(world.at("key"), if_match=old.etag)
    assert await read(world.store, world.at("key")) == b"somebody else's"
    new = await world.store.head(world.at("key"))
    await world.store.delete(world.at("key"), if_match=new.etag)
    assert keys_of([await world.store.list(world.bucket, "")]) == []


async def test_deleting_one_version_of_what_is_gone_succeeds(world: World):
    await world.put("key", b"old")
    old = await world.store.head(world.at("key"))
    for _ in range(2):
        await world.store.delete(world.at("key"), if_match=old.etag)
    assert keys_of([await world.store.list(world.bucket, "")]) == []


@pytest.mark.parametrize("missing", ["s3:GetObject", "s3:DeleteObject"])
async def test_deleting_one_version_needs_reading_and_deleting(world: World, missing: str):
    await world.put("key", b"old")
    etag = (await world.store.head(world.at("key"))).etag
    with pytest.raises(Denied):
        await (await world.store_with(*sorted(set(ALL) - {missing}))).delete(world.at("key"), if_match=etag)
    assert await read(world.store, world.at("key")) == b"old"
    await (await world.store_with("s3:GetObject", "s3:DeleteObject")).delete(world.at("key"), if_match=etag)
    assert keys_of([await world.store.list(world.bucket, "")]) == []
