"""Bodies past aiohttp, from servers that send them otherwise than they should; the connection afterwards."""

import asyncio
import os
from contextlib import asynccontextmanager

import aiohttp
import pytest
from tests.fakes.certificates import server_context
from tests.fakes.loop_time import time_stands_still
from tests.fakes.patience import eventually
from tests.fakes.raw_http import head, serving

from crossdock.adapters.aws.direct_body import MOST_WAITING, RECEIVED_BYTES, take_over

CONTENT = os.urandom(3 << 20)


@asynccontextmanager
async def answered(http, url, *, stall_s=5.0):
    async with http.get(url) as response:
        body = take_over(response, stall_s=stall_s)
        assert body is not None
        yield body


async def read_all(body, pieces=None):
    pieces = [] if pieces is None else pieces
    while piece := await body.read():
        pieces.append(piece)
    return pieces


def session():
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False), auto_decompress=False)


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_body_is_whole_and_its_connection_serves_again(is_tls, tmp_path):
    tls = server_context(tmp_path) if is_tls else None
    answer = [head(len(CONTENT)) + CONTENT[:1000], CONTENT[1000:]]
    async with serving(answer, answer, answer, tls=tls) as (url, connections), session() as http:
        for _ in range(3):
            async with answered(http, url) as body:
                pieces = await read_all(body)
                assert b"".join(pieces) == CONTENT
                assert max(map(len, pieces)) <= RECEIVED_BYTES
                assert await body.read() == b""
    assert len(connections) == 1


async def test_a_body_that_has_come_or_tells_no_length_stays_with_aiohttp():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with serving([head(3) + b"abc"], [chunked], [head(0)]) as (url, _), session() as http:
        for expected in (b"abc", b"abc", b""):
            async with http.get(url) as response:
                assert take_over(response, stall_s=5.0) is None
                assert await response.read() == expected


async def test_a_connection_that_ends_early_fails_after_all_that_came():
    async with serving([head(10) + b"abc", False]) as (url, _), session() as http, answered(http, url) as body:
        assert await body.read() == b"abc"
        for _ in range(2):
            with pytest.raises(aiohttp.ClientPayloadError, match="7 bytes early"):
                await body.read()


async def test_a_body_that_stands_still_is_given_up():
    stalling = [head(10) + b"abc", None]
    async with serving(stalling) as (url, _), session() as http, answered(http, url, stall_s=0.05) as body:
        assert await body.read() == b"abc"
        with pytest.raises(TimeoutError):
            await body.read()


async def test_of_several_bodies_that_stand_still_none_is_waited_for_anew():
    stalling = [head(10) + b"abc", None]
    async with (
        serving(stalling, stalling) as (url, _),
        session() as http,
        answered(http, url, stall_s=60) as first,
        answered(http, url, stall_s=60) as second,
    ):
        with time_stands_still() as let_pass:
            let_pass(60)
            for body in (first, second):
                assert await body.read() == b"abc"
                with pytest.raises(TimeoutError):
                    await body.read()


async def test_more_than_was_told_is_no_part_of_the_body_and_ends_the_connection():
    answers = [[head(len(CONTENT)) + CONTENT[:10], CONTENT[10:] + b"more"], [head(3) + b"abc"]]
    async with serving(*answers) as (url, connections), session() as http:
        async with answered(http, url) as body:
            assert b"".join(await read_all(body)) == CONTENT
        async with http.get(url) as response:
            assert await response.read() == b"abc"
    assert len(connections) == 2


async def test_what_waits_is_bounded_and_read_on_when_it_was_taken():
    content = bytes(32 << 20)
    answer = [head(len(content)) + content[:1000], content[1000:]]
    async with serving(answer) as (url, _), session() as http, http.get(url) as response:
        transport = response.connection.transport
        body = take_over(response, stall_s=5.0)
        await eventually(lambda: not transport.is_reading())
        assert sum(map(len, await read_all(body))) == len(content)


async def test_a_body_that_may_wait_frees_its_connection_before_anybody_reads_it():
    content = bytes(MOST_WAITING)
    answers = [[head(len(content)) + content[:1000], content[1000:]], [head(3) + b"abc"]]
    async with serving(*answers) as (url, connections), session() as http, answered(http, url) as body:
        # The next request waits for no other connection.
        await eventually(lambda: not http.connector._acquired)
        async with http.get(url) as response:
            assert await response.read() == b"abc"
        assert b"".join(await read_all(body)) == content
    assert len(connections) == 1


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_larger_body_that_nobody_reads_is_given_up_after_what_has_come(is_tls, tmp_path):
    content = os.urandom(32 << 20)
    tls = server_context(tmp_path) if is_tls else None
    async with (
        serving([head(len(content)) + content], tls=tls) as (url, _),
        session() as http,
        http.get(url) as response,
    ):
        body = take_over(response, stall_s=5.0, pause_s=0.01)
        await eventually(lambda: response.connection is None)
        pieces = []
        with pytest.raises(aiohttp.ClientPayloadError, match="nobody took it"):
            await read_all(body, pieces)
        assert MOST_WAITING <= sum(map(len, pieces)) < MOST_WAITING + RECEIVED_BYTES
        assert content.startswith(b"".join(pieces))


async def test_a_body_that_is_left_takes_its_connection_with_it():
    answer = [head(len(CONTENT)) + CONTENT]
    async with serving(answer, answer) as (url, connections), session() as http:
        async with answered(http, url) as body:
            await body.read()
        async with answered(http, url) as body:
            assert b"".join(await read_all(body)) == CONTENT
    assert len(connections) == 2


async def test_aiohttps_own_patience_ends_where_the_body_is_taken_over():
    gates = [asyncio.Event() for _ in range(3)]
    answers = [[head(len(CONTENT)) + CONTENT[:10], gate, CONTENT[10:]] for gate in gates]
    async with serving(*answers) as (url, connections), session() as http:
        for gate in gates:
            async with http.get(url) as response:
                protocol = response.connection.protocol
                # As when a little of a body has come and the rest takes longer than a read may.
                protocol.read_timeout = 0.01
                protocol.start_timeout()
                body = take_over(response, stall_s=5.0)
                asyncio.get_running_loop().call_later(0.03, gate.set)
                assert b"".join(await read_all(body)) == CONTENT
    assert len(connections) == 1
