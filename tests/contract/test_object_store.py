"""What every ObjectStore keeps to, whatever is behind it: objects and keys, reading, permissions, listing."""

import asyncio
import os
from datetime import timedelta

import pytest
from tests.contract.object_stores import ALL
from tests.contract.object_worlds import AGENT, MIB, World, all_pages, content_of, keys_of, read

from crossdock.core.errors import Denied, FileError, NotFound
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectStore

ODD_KEYS = (
    "plain.txt",
    "a//b",
    "./x",
    "a/../b",
    "..",
    "folder/",
    "/lead",
    "two  spaces ",
    "späce/ünï/日本/🎉",
    "A",
    "a",
    "q?r=s&t#u+v%2Fw%",
    "back\\slash",
    "*'\"<>|:;,@!$~^`{}[]()=",
    "tab\tkey",
    "e\u0301-and-\u00e9",
    "x" * 1024,
)


# Objects and their keys.


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_a_key_is_kept_exactly(world: World, key: str):
    key = key[: world.longest_key]
    written = await world.store.put(world.at(key), [b"one ", bytearray(b"two "), memoryview(b"three")], AGENT)
    assert written.place == world.at(key)
    info = await world.store.head(world.at(key))
    assert (info.place, info.size, info.etag) == (world.at(key), 13, written.etag)
    assert dict(info.metadata) == AGENT
    assert await read(world.store, world.at(key)) == b"one two three"
    assert keys_of([await world.store.list(world.bucket, "", delimiter="")]) == [key]
    await world.store.delete(world.at(key))
    assert keys_of([await world.store.list(world.bucket, "", delimiter="")]) == []


async def test_keys_that_look_alike_are_different_objects(world: World):
    keys = [key[: world.longest_key] for key in ODD_KEYS]
    for key in keys:
        await world.put(key, key.encode())
    for key in keys:
        assert await read(world.store, world.at(key)) == key.encode()
    assert keys_of([await world.store.list(world.bucket, "", delimiter="")]) == sorted(keys)


async def test_an_object_may_be_empty(world: World):
    written = await world.store.put(world.at("folder/"), [], {})
    assert written.size == 0
    assert await read(world.store, world.at("folder/")) == b""


async def test_a_time_of_change_is_in_utc(world: World):
    written = await world.store.put(world.at("key"), [b"x"], {})
    info = await world.store.head(world.at("key"))
    assert info.modified_at.utcoffset() == timedelta(0)
    # S3 tells whole seconds in a header.
    assert abs(info.modified_at - written.modified_at) < timedelta(seconds=1)


async def test_an_etag_changes_with_the_content(world: World):
    first = await world.store.put(world.at("key"), [b"one"], {})
    second = await world.store.put(world.at("key"), [b"two"], {})
    assert first.etag != second.etag
    assert (await world.store.head(world.at("key"))).etag == second.etag


async def test_deleting_what_is_not_there_succeeds(world: World):
    await world.store.delete(world.at("nothing"))
    await world.put("key")
    await world.store.delete(world.at("key"))
    await world.store.delete(world.at("key"))
    with pytest.raises(NotFound):
        await world.store.head(world.at("key"))


# Reading.


@pytest.mark.parametrize("offset", [0, 1, 2 * MIB, 3 * MIB, 3 * MIB + 6, 3 * MIB + 7, 3 * MIB + 8, 9 * MIB])
async def test_reading_begins_at_the_offset_and_beyond_the_end_gives_nothing(world: World, offset: int):
    content = os.urandom(3 * MIB) + b"the end"
    await world.put("key", content)
    reader = await world.store.read(world.at("key"), offset=offset)
    assert reader.info.size == len(content)
    assert await content_of(reader) == content[offset:]


async def test_chunks_are_at_most_a_mebibyte(world: World):
    await world.put("key", bytes(3 * MIB))
    reader = await world.store.read(world.at("key"))
    sizes = [len(chunk) async for chunk in reader.chunks()]
    await reader.close()
    assert sum(sizes) == 3 * MIB
    assert max(sizes) <= MIB


@pytest.mark.parametrize("change", ["replaced", "deleted"])
async def test_a_reader_never_mixes_two_versions(world: World, change: str):
    old, new = b"o" * (4 * MIB), b"n" * (4 * MIB)
    await world.put("key", old)
    reader = await world.store.read(world.at("key"))
    chunks = reader.chunks()
    received = await anext(chunks)
    if change == "replaced":
        await world.put("key", new)
    else:
        await world.store.delete(world.at("key"))
    try:
        received += b"".join([chunk async for chunk in chunks])
    except FileError:  # to stop short is allowed, to go on with other bytes is not
        assert old.startswith(received)
    else:
        assert received == old
    finally:
        await reader.close()


async def test_a_reader_may_be_closed_before_its_end_and_again(world: World):
    await world.put("key", bytes(2 * MIB))
    reader = await world.store.read(world.at("key"))
    await anext(reader.chunks())
    await reader.close()
    await reader.close()


async def test_many_readers_read_at_once(world: World):
    contents = {f"key{number}": os.urandom(MIB) for number in range(8)}
    for key, content in contents.items():
        await world.put(key, content)
    found = await asyncio.gather(*(read(world.store, world.at(key)) for key in contents))
    assert found == list(contents.values())


# Permissions.


@pytest.mark.parametrize("look", ["head", "read"])
async def test_a_missing_key_is_told_only_to_those_who_may_list(world: World, look: str):
    async def look_with(store: ObjectStore) -> None:
        if look == "head":
            await store.head(world.at("nothing"))
        else:
            await read(store, world.at("nothing"))

    with pytest.raises(NotFound):
        await look_with(await world.store_with("s3:GetObject", "s3:ListBucket"))
    with pytest.raises(Denied):
        await look_with(await world.store_with("s3:GetObject"))


async def test_reading_needs_get_object_and_nothing_else(world: World):
    await world.put("key", b"content")
    store = await world.store_with("s3:GetObject")
    assert (await store.head(world.at("key"))).size == 7
    assert await read(store, world.at("key")) == b"content"
    store = await world.store_with(*sorted(set(ALL) - {"s3:GetObject"}))
    with pytest.raises(Denied):
        await store.head(world.at("key"))
    with pytest.raises(Denied):
        await read(store, world.at("key"))


async def test_putting_needs_put_object_and_nothing_else(world: World):
    store = await world.store_with("s3:PutObject")
    await store.put(world.at("key"), [b"dropped"], {})
    assert await read(world.store, world.at("key")) == b"dropped"
    store = await world.store_with(*sorted(set(ALL) - {"s3:PutObject"}))
    with pytest.raises(Denied):
        await store.put(world.at("key"), [b"changed"], {})
    with pytest.raises(Denied):
        await store.start_multipart(world.at("key"), {})
    assert await read(world.store, world.at("key")) == b"dropped"


async def test_deleting_needs_delete_object_also_where_nothing_is(world: World):
    await world.put("key")
    store = await world.store_with(*sorted(set(ALL) - {"s3:DeleteObject"}))
    for key in ("key", "nothing"):
        with pytest.raises(Denied):
            await store.delete(world.at(key))
    await (await world.store_with("s3:DeleteObject")).delete(world.at("key"))
    assert keys_of([await world.store.list(world.bucket, "")]) == []


async def test_listing_needs_list_bucket(world: World):
    await world.put("key")
    assert keys_of([await (await world.store_with("s3:ListBucket")).list(world.bucket, "")]) == ["key"]
    with pytest.raises(Denied):
        await (await world.store_with("s3:GetObject", "s3:PutObject")).list(world.bucket, "")


async def test_a_denial_says_which_action(world: World):
    with pytest.raises(Denied) as caught:
        await (await world.store_with("s3:GetObject")).put(world.at("key"), [b""], {})
    assert "s3:PutObject" in str(caught.value)


async def test_another_bucket_is_out_of_reach(world: World):
    other = await world.stores.add_bucket()
    with pytest.raises(Denied):
        await world.store.put(ObjectPlace(bucket=other, key="key"), [b""], {})


async def test_a_missing_bucket_holds_nothing(world: World):
    # S3 names a missing bucket to everybody; who may not even ask is denied.
    with pytest.raises((NotFound, Denied)):
        await world.store.list("no-such-bucket-anywhere", "")
    with pytest.raises((NotFound, Denied)):
        await world.store.put(ObjectPlace(bucket="no-such-bucket-anywhere", key="key"), [b""], {})


# Listing.


async def test_a_listing_rolls_up_at_the_delimiter(world: World):
    keys = ["a", "a-b", "a.b", "a/", "a/b", "a/b/c", "a0", "b//c", "c/d/e", "ü/x"]
    for key in keys:
        await world.put(key)
    page = await world.store.list(world.bucket, "")
    assert keys_of([page]) == ["a", "a-b", "a.b", "a0"]
    assert page.prefixes == ("a/", "b/", "c/", "ü/")
    page = await world.store.list(world.bucket, "a/")
    assert (keys_of([page]), page.prefixes) == (["a/", "a/b"], ("a/b/",))
    page = await world.store.list(world.bucket, "b/")
    assert (keys_of([page]), page.prefixes) == ([], ("b//",))
    page = await world.store.list(world.bucket, "a", delimiter="")
    assert (keys_of([page]), page.prefixes) == (["a", "a-b", "a.b", "a/", "a/b", "a/b/c", "a0"], ())
    page = await world.store.list(world.bucket, "zzz")
    assert (page.objects, page.prefixes, page.next_token) == ((), (), None)


@pytest.mark.parametrize("delimiter", ["/", ""])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_together_are_the_whole_listing_once(world: World, delimiter: str, limit: int):
    keys = ["a", "d/", *(f"d/{n}" for n in range(4)), "d/e/f", "d/e/g", "d/é", "d/🎉", "d/\uff5e", "e", "f//g", "f//h"]
    for key in keys:
        await world.put(key)
    for prefix in ("", "d/", "f/", "x"):
        whole = await world.store.list(world.bucket, prefix, delimiter=delimiter)
        assert whole.next_token is None
        pages = await all_pages(world.store, world.bucket, prefix, delimiter, limit)
        assert keys_of(pages) == keys_of([whole])
        assert tuple(p for page in pages for p in page.prefixes) == whole.prefixes
        assert all(len(page.objects) + len(page.prefixes) <= limit for page in pages)


@pytest.mark.parametrize("limit", [1, 2, 1000])
async def test_what_a_directory_of_files_could_hold_is_listed_by_its_folders(world: World, limit: int):
    """Whatever takes keys for paths lists these like S3 itself."""
    for key in ("a", "a-b", "a.d/e", "a.d/f/g", "a.d/f/h", "b/c", "ü/x"):
        await world.put(key)
    pages = await all_pages(world.store, world.bucket, "", "/", limit)
    assert keys_of(pages) == ["a", "a-b"]
    assert [prefix for page in pages for prefix in page.prefixes] == ["a.d/", "b/", "ü/"]
    pages = await all_pages(world.store, world.bucket, "a.d/", "/", limit)
    assert (keys_of(pages), [prefix for page in pages for prefix in page.prefixes]) == (["a.d/e"], ["a.d/f/"])
    pages = await all_pages(world.store, world.bucket, "a", "", limit)
    assert keys_of(pages) == ["a", "a-b", "a.d/e", "a.d/f/g", "a.d/f/h"]


async def test_keys_are_listed_in_order_of_their_bytes(world: World):
    # U+FF5E sorts behind U+1F389 in UTF-16, before it in UTF-8.
    keys = ["Z", "a", "é", "\uff5e", "🎉"]
    for key in reversed(keys):
        await world.put(key)
    assert keys_of([await world.store.list(world.bucket, "", delimiter="")]) == keys


async def test_a_listing_tells_size_etag_and_time(world: World):
    written = await world.store.put(world.at("key"), [b"12345"], {})
    (info,) = (await world.store.list(world.bucket, "")).objects
    assert (info.place, info.size, info.etag) == (world.at("key"), 5, written.etag)
    assert info.modified_at.utcoffset() == timedelta(0)
