"""Downloads over connections that break and keys that change meanwhile: one version, whole, or an error."""

import pytest
from tests.fakes.stub_s3 import breaks_after, error, hangs_up, ok, stalls_after, stub_s3

from crossdock.adapters.aws.download import MAX_BREAKS
from crossdock.core.errors import Denied, Unavailable
from crossdock.core.homes import ObjectPlace

PLACE = ObjectPlace(bucket="box", key="key")
CONTENT = bytes(range(256)) * 1000
SIZE = len(CONTENT)


def whole(content: bytes = CONTENT):
    return ok(content, headers={"ETag": '"x"'})


def rest(offset: int, content: bytes | None = None):
    content = CONTENT[offset:] if content is None else content
    return ok(content, status=206, headers={"ETag": '"x"', "Content-Range": f"bytes {offset}-{SIZE - 1}/{SIZE}"})


def broken_rest(offset: int, count: int):
    return breaks_after(
        CONTENT[offset : offset + count],
        size=SIZE - offset,
        status=206,
        headers={"Content-Range": f"bytes {offset}-{SIZE - 1}/{SIZE}"},
    )


async def read_all(store, offset=0):
    reader = await store.read(PLACE, offset=offset)
    assert await reader.region() is None
    try:
        return reader.info, b"".join([chunk async for chunk in reader.chunks()])
    finally:
        await reader.close()


async def test_a_whole_download_is_one_request():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(whole())
        info, content = await read_all(store)
        assert (info.size, info.etag, content) == (SIZE, "x", CONTENT)
    assert [seen.method for seen in stub.seen] == ["GET"]


async def test_a_download_from_an_offset_is_of_the_version_that_was_measured():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(headers={"ETag": '"x"', "Content-Length": str(SIZE)}), rest(1000))
        info, content = await read_all(store, 1000)
        assert (info.size, content) == (SIZE, CONTENT[1000:])
    assert [seen.method for seen in stub.seen] == ["HEAD", "GET"]
    assert (stub.seen[1].headers["Range"], stub.seen[1].headers["If-Match"]) == ("bytes=1000-", '"x"')


@pytest.mark.parametrize("offset", [SIZE, SIZE + 1])
async def test_behind_the_end_nothing_is_asked_for(offset):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(headers={"ETag": '"x"', "Content-Length": str(SIZE)}))
        assert (await read_all(store, offset))[1] == b""
    assert len(stub.seen) == 1


async def test_a_connection_that_breaks_is_replaced_for_the_rest_of_the_same_version():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(
            breaks_after(CONTENT[:1000], size=SIZE),
            broken_rest(1000, 5000),
            broken_rest(6000, 100_000),
            broken_rest(106_000, 1),
            broken_rest(106_001, 1),
            rest(106_002),
        )
        assert (await read_all(store))[1] == CONTENT
    assert [seen.headers.get("Range") for seen in stub.seen] == [
        None,
        "bytes=1000-",
        "bytes=6000-",
        "bytes=106000-",
        "bytes=106001-",
        "bytes=106002-",
    ]
    assert {seen.headers.get("If-Match") for seen in stub.seen[1:]} == {'"x"'}


async def test_a_store_that_stops_sending_is_asked_again():
    async with stub_s3() as stub, stub.store(read_timeout_s=0.3) as store:
        stub.then(stalls_after(CONTENT[:500], size=SIZE), rest(500))
        assert (await read_all(store))[1] == CONTENT


async def test_an_object_that_was_replaced_meanwhile_is_never_mixed():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:1000], size=SIZE), error(412, "PreconditionFailed"))
        reader = await store.read(PLACE)
        received = [await anext(chunks := reader.chunks())]
        with pytest.raises(Unavailable, match="PreconditionFailed"):
            received += [chunk async for chunk in chunks]
        await reader.close()
    assert received == [CONTENT[:1000]]


async def test_permissions_that_end_meanwhile_end_the_download():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:1000], size=SIZE), error(403, "AccessDenied"))
        with pytest.raises(Denied, match="s3:GetObject"):
            await read_all(store)


async def test_connections_that_break_without_a_byte_are_given_up():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:10], size=SIZE), *[broken_rest(10, 0) for _ in range(MAX_BREAKS)])
        with pytest.raises(Unavailable):
            await read_all(store)
    assert stub.is_done


async def test_a_store_that_is_gone_for_the_rest_is_unavailable():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:10], size=SIZE), hangs_up)
        with pytest.raises(Unavailable):
            await read_all(store)


async def test_answers_that_are_shorter_than_they_should_be_are_completed_or_given_up():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(
            breaks_after(CONTENT[:10], size=SIZE),
            rest(10, CONTENT[10:20]),
            rest(20, CONTENT[20:30]),
            rest(30),
        )
        assert (await read_all(store))[1] == CONTENT
        stub.then(breaks_after(CONTENT[:10], size=SIZE), *[rest(10, b"") for _ in range(MAX_BREAKS)])
        with pytest.raises(Unavailable, match="early"):
            await read_all(store)


async def test_more_than_the_object_is_never_given():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:10], size=SIZE), rest(10, CONTENT[10:] + b"more"))
        assert (await read_all(store))[1] == CONTENT


async def test_a_reader_that_is_closed_in_the_middle_asks_for_nothing_more():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(whole())
        reader = await store.read(PLACE)
        assert CONTENT.startswith(await anext(reader.chunks()))
        await reader.close()
        await reader.close()
    assert len(stub.seen) == 1
