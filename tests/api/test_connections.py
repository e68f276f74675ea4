"""Clients that mean no good, or know no better: their connection ends or is answered, others go on."""

import asyncio
import os
import random
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from tests.fakes.http_client import ask, connect, plain, signed
from tests.fakes.http_cloud import serve_cloud

from crossdock.api.connections import ApiConnection
from crossdock.api.heads import MAX_HEAD_BYTES, MAX_HEADERS, MAX_LINE_BYTES
from crossdock.settings import ApiSettings
from crossdock.wire.http import HttpResponse

HEALTH = plain("GET", "/livez")

GARBAGE = {
    "bytes": os.urandom(4000),
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "FTP": b"USER anonymous\r\nPASS x\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "a header that goes on": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n 2\r\n\r\n",
    "a zero byte in a header": b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n",
    "two lengths": b"PUT /a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length and chunks": b"PUT /a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": b"PUT /a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    "a length with a sign": b"PUT /a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello",
    "a space before the colon": b"PUT /a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\nhello",
    "chunks of another coding": b"PUT /a/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: box.localhost\r\n\r\n",
    "another host in the target": b"GET http://box.localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a proxy's CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_what_is_no_request_is_refused_in_aws_words(kind):
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, GARBAGE[kind])
        assert (answer.status, answer.code) == (400, "BadRequest")
        assert len(answer.request_id) == 36
        assert answer.headers["server"] == "Crossdock"
        assert b"Traceback" not in answer.body
        assert (await ask(cloud.port, HEALTH)).status == 200


async def test_random_bytes_never_stop_the_service():
    chance = random.Random(7)
    valid = plain("PUT", "/box/key", {"X-Amz-Meta-A": "b"}, b"body")
    requests = []
    for _ in range(300):
        spoiled = bytearray(valid)
        for _ in range(chance.randint(1, 6)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        requests.append(bytes(spoiled))

    async def all_said(port: int, request: bytes) -> bytes:
        async with connect(port) as wire:
            await wire.send(request)
            return await wire.ends()

    async with serve_cloud(settings=ApiSettings(stalled_timeout_s=0.2, idle_timeout_s=0.5)) as cloud:
        for got in await asyncio.gather(*(all_said(cloud.port, request) for request in requests)):
            assert got == b"" or got.startswith(b"HTTP/1.")
            assert b"500" not in got.split(b"\r\n")[0]
        assert (await ask(cloud.port, HEALTH)).status == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * MAX_LINE_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        plain("GET", "/", {"X-Long": "a" * (MAX_LINE_BYTES + 1)}),
        plain("GET", "/", {f"X-{number}": "a" for number in range(MAX_HEADERS + 1)}),
        plain("GET", "/", {f"X-{number}": "a" * 4096 for number in range(MAX_HEAD_BYTES // 4096)}),
    ],
    ids=["a long line", "a long header", "many headers", "much altogether"],
)
async def test_a_head_beyond_the_limits_is_refused(request_):
    async with serve_cloud() as cloud:
        async with connect(cloud.port) as wire:
            await wire.send(request_)
            answer = await wire.answer()
        assert answer.status == 400
        assert answer.code in ("RequestHeaderSectionTooLarge", "BadRequest")
        assert (await ask(cloud.port, HEALTH)).status == 200


async def test_a_head_within_the_limits_is_read():
    """A session's token may be long, and a presigned URL carries it."""
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, plain("GET", "/box?x=" + "a" * 12_000, {"X-Token": "b" * 12_000}))
        assert (answer.status, answer.code) == (404, "NoSuchBucket")


async def test_a_megabyte_without_an_end_does_not_grow():
    async with serve_cloud() as cloud, connect(cloud.port) as wire:
        await wire.send(b"GET /" + b"a" * (1 << 20))
        assert (await wire.answer()).status == 400
        assert await wire.ends() == b""


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: loc", HEALTH + b"GET / HT"])
async def test_a_client_that_does_not_finish_its_head_is_closed(begun):
    async with serve_cloud(settings=ApiSettings(idle_timeout_s=0.3)) as cloud, connect(cloud.port) as wire:
        await wire.send(begun)
        got = await wire.ends()
        assert (b"200 OK" in got) == begun.startswith(HEALTH)


async def test_a_head_that_drips_is_closed_all_the_same():
    async with serve_cloud(settings=ApiSettings(idle_timeout_s=0.4)) as cloud, connect(cloud.port) as wire:
        ended = asyncio.get_running_loop().create_task(wire.ends())
        for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 100:
            wire.writer.write(bytes([byte]))
            done, _ = await asyncio.wait((ended,), timeout=0.05)
            if done:
                break
        assert await ended == b""


# Keeping alive, pipelining, HTTP/1.0.


async def test_a_connection_serves_many_requests():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        async with connect(cloud.port) as wire:
            for number in range(5):
                await wire.send(signed(key, "s3", "PUT", f"/box/{number}", body=b"content"))
                assert (await wire.answer()).status == 200
            await wire.send(signed(key, "s3", "GET", "/box/4"))
            assert (await wire.answer()).body == b"content"
            await wire.send(signed(key, "s3", "HEAD", "/box/4"))
            assert (await wire.answer("HEAD")).headers["content-length"] == "7"
            await wire.send(signed(key, "s3", "DELETE", "/box/4"))
            assert (await wire.answer()).status == 204


async def test_pipelined_requests_are_answered_in_their_order():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        count = 60
        requests = [signed(key, "s3", "PUT", f"/box/{n}", body=b"%d" % n) for n in range(count)]
        requests += [signed(key, "s3", "GET", f"/box/{n}") for n in range(count)]
        async with connect(cloud.port) as wire:
            wire.writer.write(b"".join(requests))
            answers = [await wire.answer() for _ in requests]
        assert {answer.status for answer in answers} == {200}
        assert [answer.body for answer in answers[count:]] == [b"%d" % n for n in range(count)]


async def test_a_body_is_never_taken_for_a_request():
    """What follows a refused upload on its connection is its body, whatever it looks like."""
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        hidden = signed(await cloud.key_of("hub"), "s3", "PUT", "/box/smuggled", body=b"x")
        async with connect(cloud.port) as wire:
            await wire.send(plain("PUT", "/box/key", {"Content-Length": str(len(hidden))}, hidden))
            assert (await wire.answer()).status == 403
            await wire.send(HEALTH)
            assert (await wire.answer()).body == b"ok\n"
        assert await cloud.s3.keys("box") == []


async def test_http_1_0_is_served_and_its_connection_closed():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        request = signed(await cloud.key_of("hub"), "s3", "GET", "/box/key").replace(b"HTTP/1.1", b"HTTP/1.0")
        async with connect(cloud.port) as wire:
            await wire.send(request)
            assert (await wire.ends()).endswith(b"\r\n\r\ncontent")
        async with connect(cloud.port) as wire:
            await wire.send(b"GET / HTTP/1.0\r\n\r\n")
            assert b"<Code>AccessDenied</Code>" in await wire.ends()


async def test_an_upgrade_is_not_taken_up():
    async with serve_cloud() as cloud, connect(cloud.port) as wire:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        await wire.send(plain("GET", "/", headers))
        assert (await wire.answer()).status == 403
        await wire.send(HEALTH)
        assert (await wire.answer()).status == 200


# How many.


async def test_a_thousand_connections_are_served_at_once():
    async with serve_cloud() as cloud, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(connect(cloud.port)) for _ in range(1000)]
        key = await cloud.key_of("hub")
        await cloud.s3.bucket("box")
        for wire in wires:
            await wire.send(b"GET /livez HTTP/1.1\r\nHost: loc")
        assert (await ask(cloud.port, signed(key, "s3", "PUT", "/box/key", body=b"content"))).status == 200
        for wire in wires:
            await wire.send(b"alhost\r\n\r\n")
        assert {(await wire.answer()).body for wire in wires} == {b"ok\n"}


async def test_a_connection_beyond_the_limit_is_told_so_and_room_comes_back():
    async with (
        serve_cloud(settings=ApiSettings(connections=2)) as cloud,
        connect(cloud.port) as one,
        connect(cloud.port) as two,
    ):
        for wire in (one, two):
            await wire.send(HEALTH)
            assert (await wire.answer()).status == 200
        async with connect(cloud.port) as three:
            answer = await three.answer()
            assert (answer.status, answer.code) == (503, "SlowDown")
            assert await three.ends() == b""
        await one.send(HEALTH)
        assert (await one.answer()).status == 200
        await two.send(HEALTH.replace(b"localhost", b"localhost\r\nConnection: close"))
        assert (await two.answer()).status == 200
        assert await two.ends() == b""
        async with connect(cloud.port) as four:
            await four.send(HEALTH)
            assert (await four.answer()).status == 200


# What nobody foresaw, behind every other net.


async def test_a_handler_that_fails_before_it_answers_is_a_500_and_one_that_fails_after_closes(caplog):
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path == "/after":
            answer = web.StreamResponse()
            answer.content_length = 10
            await answer.prepare(request)
        raise LookupError("secret detail")

    server = web.Server(handle)
    listener = await asyncio.get_running_loop().create_server(
        lambda: ApiConnection(
            server,
            refuse=lambda error: HttpResponse(status=error.status, body=error.code.encode()),
            limit=9,
            idle_s=9,
        ),
        "127.0.0.1",
        0,
    )
    port = listener.sockets[0].getsockname()[1]
    try:
        answer = await ask(port, plain("GET", "/before"))
        assert (answer.status, answer.body, answer.headers["connection"]) == (500, b"InternalError", "close")
        async with connect(port) as wire:
            await wire.send(plain("GET", "/after"))
            assert (await wire.ends()).endswith(b"\r\n\r\n")
    finally:
        listener.close()
        await server.shutdown(1)
    ours = [record for record in caplog.records if record.name == "crossdock.api.connections"]
    assert [record.getMessage() for record in ours] == ["request failed", "an answer was cut short"]
    assert all(record.exc_info for record in ours)
