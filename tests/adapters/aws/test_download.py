"""Downloads over connections that break and keys that change meanwhile: one version, whole, or an error."""

import asyncio
import math
import os
from dataclasses import replace

import pytest
from aiohttp import web
from tests.fakes.object_store import MemoryS3
from tests.fakes.patience import eventually
from tests.fakes.stub_s3 import CREDENTIALS, breaks_after, error, hangs_up, ok, stalls_after, stub_s3

from crossdock.adapters.aws import connection
from crossdock.adapters.aws.download import MAX_BREAKS, RANGE_BYTES, RANGES_AT_ONCE, open_reader
from crossdock.core.errors import Denied, Unavailable, Unsupported
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


async def test_a_small_download_is_one_request():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(whole())
        info, content = await read_all(store)
        assert (info.size, info.etag, content) == (SIZE, "x", CONTENT)
    assert [seen.method for seen in stub.seen] == ["GET"]


async def test_a_download_from_an_offset_is_one_request():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(rest(1000))
        info, content = await read_all(store, 1000)
        assert (info.size, info.etag, content) == (SIZE, "x", CONTENT[1000:])
    assert [(seen.method, seen.headers["Range"]) for seen in stub.seen] == [
        ("GET", f"bytes=1000-{1000 + RANGE_BYTES - 1}")
    ]


@pytest.mark.parametrize("offset", [SIZE, SIZE + 1])
async def test_behind_the_end_there_is_nothing(offset):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(416, "InvalidRange"), ok(headers={"ETag": '"x"', "Content-Length": str(SIZE)}))
        info, content = await read_all(store, offset)
        assert (info.size, content) == (SIZE, b"")
    assert [seen.method for seen in stub.seen] == ["GET", "HEAD"]


async def test_an_empty_object_has_no_range_and_is_read_all_the_same():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(416, "InvalidRange"), ok(headers={"ETag": '"x"', "Content-Length": "0"}))
        info, content = await read_all(store)
        assert (info.size, content) == (0, b"")


async def test_an_object_that_grows_while_it_is_opened_is_not_taken_for_an_empty_one():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(416, "InvalidRange"), ok(headers={"ETag": '"x"', "Content-Length": "5"}))
        with pytest.raises(Unavailable, match="replaced"):
            await read_all(store)


def ranges(size: int = 1000):
    """A store that answers any range of CONTENT, as often as it is asked."""

    async def say(request):
        first, _, last = request.headers["Range"].removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last) + 1, SIZE)
        told = {"ETag": '"x"', "Content-Range": f"bytes {begin}-{end - 1}/{SIZE}"}
        return await ok(CONTENT[begin:end], status=206, headers=told)(request)

    return [say] * -(-SIZE // size)


@pytest.mark.parametrize(
    ("fast", "sizes"), [(0, [1000, 1000, 1000, 2000, 4000, 4000, 4000]), (math.inf, [1000, 1000, 1000, 1000, 1000])]
)
async def test_a_large_object_comes_in_ranges_of_one_version_a_few_of_them_ahead(fast, sizes):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*ranges())
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=1000, fast=fast)
        chunks = reader.chunks()
        received = [await anext(chunks)]
        # Nobody takes anything more, and nothing more is asked for.
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(stub.seen) <= RANGES_AT_ONCE
        received += [chunk async for chunk in chunks]
        assert b"".join(received) == CONTENT
    asked = sorted(tuple(map(int, seen.headers["Range"].removeprefix("bytes=").split("-"))) for seen in stub.seen)
    # For a client that is fast enough more is asked for at once, up to four times as much.
    assert [last - first + 1 for first, last in asked[: len(sizes)]] == sizes
    assert {seen.headers.get("If-Match") for seen in stub.seen} == {None, '"x"'}
    assert stub.seen[0].headers.get("If-Match") is None


async def test_a_client_that_reads_slowly_is_waited_for():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*ranges(100_000))
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=100_000)
        received = b""
        async for chunk in reader.chunks():
            received += chunk
            for _ in range(20):
                await asyncio.sleep(0)
        assert received == CONTENT


async def test_ranges_go_on_under_another_caller():
    renewed = replace(CREDENTIALS, access_key_id="ASIAOTHER")
    async with stub_s3() as stub, stub.store() as store, stub.store(credentials=renewed) as other:
        stub.then(*ranges())
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=1000)
        received = b""
        async for chunk in reader.chunks():
            received += chunk
            reader.go_on_under(other)
        assert received == CONTENT
        with pytest.raises(TypeError):
            reader.go_on_under(MemoryS3().store())
    asked = ["ASIAOTHER" in seen.headers["Authorization"] for seen in stub.seen]
    assert asked[0] is False
    assert asked[-1] is True


async def test_a_store_that_knows_no_ranges_gives_all_at_once_and_nothing_from_an_offset():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(whole(), whole())
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=1000)
        assert b"".join([chunk async for chunk in reader.chunks()]) == CONTENT
        with pytest.raises(Unsupported, match="no ranges"):
            await read_all(store, 1000)


async def test_of_a_store_that_knows_no_ranges_no_more_than_one_waits():
    sent: list[int] = []

    async def say(request):
        answer = web.StreamResponse(headers={"ETag": '"x"', "Content-Length": str(64 << 20)})
        await answer.prepare(request)
        for _ in range(64):
            await answer.write(bytes(1 << 20))
            sent.append(1 << 20)
        return answer

    async with stub_s3() as stub, stub.store() as store:
        stub.then(say)
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=1 << 20)
        size = len(await anext(chunks := reader.chunks()))
        before = -1
        while before != len(sent):
            before = len(sent)
            for _ in range(100):
                await asyncio.sleep(0)
        # What the sockets hold between them is not ours.
        assert sum(sent) < 32 << 20
        async for chunk in chunks:
            size += len(chunk)
        assert size == 64 << 20


async def test_who_waits_for_bytes_is_not_left_waiting_when_the_reader_is_closed():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(stalls_after(b"", size=SIZE))
        reader = await store.read(PLACE)
        waiting = asyncio.get_running_loop().create_task(anext(reader.chunks()))
        await asyncio.sleep(0)
        await reader.close()
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable, match="broken off"):
                await waiting


async def test_a_reader_that_is_closed_while_it_asks_again_gives_nothing_more():
    gate = asyncio.Event()

    async def late(request):
        await gate.wait()
        return await rest(1000)(request)

    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:1000], size=SIZE), late)
        reader = await store.read(PLACE)
        chunks = reader.chunks()
        assert await anext(chunks) == CONTENT[:1000]
        waiting = asyncio.get_running_loop().create_task(anext(chunks))
        await eventually(lambda: len(stub.seen) == 2)
        await reader.close()
        gate.set()
        with pytest.raises(Unavailable, match="broken off"):
            await waiting


@pytest.mark.parametrize("told", ["bytes 0-999/*", "bytes 0-999/256000", ""])
async def test_a_first_range_of_other_bytes_than_were_asked_for_is_refused(told):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(CONTENT[:1000], status=206, headers={"ETag": '"x"', "Content-Range": told}))
        with pytest.raises(Unavailable, match="others were answered"):
            await read_all(store, 500)


async def test_a_failure_ahead_of_the_client_is_none_when_it_has_passed():
    refused: list[str] = []

    async def once(request):
        which = request.headers["Range"]
        if len(refused) == 2 or which.startswith("bytes=0-"):
            return await ranges()[0](request)
        refused.append(which)
        return await error(503, "SlowDown")(request)

    async with stub_s3() as stub, stub.store() as store:
        stub.then(*[once] * 2 * len(ranges()))
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=1000)
        chunks = reader.chunks()
        received = await anext(chunks)
        await eventually(lambda: len(refused) == 2)
        assert received + b"".join([chunk async for chunk in chunks]) == CONTENT


@pytest.mark.parametrize(("status", "requests"), [(200, 1), (206, 2)])
async def test_who_stops_reading_frees_the_connection_where_the_rest_can_be_asked_for_again(
    status, requests, monkeypatch
):
    monkeypatch.setattr(connection, "PAUSE_S", 0.0)
    content = os.urandom(32 << 20)

    async def say(request):
        begin = int(request.headers["Range"].removeprefix("bytes=").partition("-")[0])
        told = {"ETag": '"x"', "Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        return await ok(content[begin:], status=status, headers=told)(request)

    async with stub_s3() as stub, stub.store() as store:
        stub.then(say, say)
        reader = await open_reader(store.bound_s3, PLACE, 0, range_bytes=len(content))
        chunks = reader.chunks()
        received = [await anext(chunks)]
        for _ in range(1000):  # much more than it takes to fill what may wait
            await asyncio.sleep(0)
        received += [chunk async for chunk in chunks]
        assert b"".join(received) == content
    assert len(stub.seen) == requests


@pytest.mark.parametrize("told", [{"ETag": '"y"'}, {"Content-Range": f"bytes 1000-{SIZE}/{SIZE + 1}"}])
async def test_a_store_that_overlooks_if_match_mixes_no_versions_either(told):
    headers = {"ETag": '"x"', "Content-Range": f"bytes 1000-{SIZE - 1}/{SIZE}", **told}
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:1000], size=SIZE), ok(CONTENT[1000:], status=206, headers=headers))
        with pytest.raises(Unavailable, match="replaced while it was read"):
            await read_all(store)


@pytest.mark.parametrize("headers", [{}, {"ETag": '"x"', "Content-Range": "bytes 5-9/10"}])
async def test_other_bytes_than_were_asked_for_are_refused(headers):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(breaks_after(CONTENT[:10], size=SIZE), ok(b"other", status=206, headers=headers))
        with pytest.raises(Unavailable, match="others were answered"):
            await read_all(store)


async def test_an_object_that_cannot_be_read_as_it_lies_is_told():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(403, "InvalidObjectState"))
        with pytest.raises(Unsupported, match="has to be restored first"):
            await read_all(store)
    assert len(stub.seen) == 1


async def test_an_answer_without_an_etag_is_no_object():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(CONTENT))
        with pytest.raises(Unavailable, match="no ETag"):
            await read_all(store)


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
        f"bytes=0-{RANGE_BYTES - 1}",
        f"bytes=1000-{SIZE - 1}",
        f"bytes=6000-{SIZE - 1}",
        f"bytes=106000-{SIZE - 1}",
        f"bytes=106001-{SIZE - 1}",
        f"bytes=106002-{SIZE - 1}",
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
