"""What comes on an idle connection is nobody's answer: aiohttp's own way to take one from its pool is held here."""

import asyncio

import aiohttp
import pytest
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.clock import FakeClock
from tests.fakes.patience import eventually
from tests.fakes.raw_http import head, serving
from tests.fakes.stub_s3 import aws_session, ok, stub_s3

from crossdock.adapters.aws.clean_connections import CleanHttpSession
from crossdock.adapters.aws.clients import open_clients
from crossdock.adapters.aws.connection import _open_http, open_s3
from crossdock.adapters.aws.direct_body import take_over

STRAY = head(6) + b"stray!"


async def directly(response):
    body = take_over(response, stall_s=5.0)
    pieces = []
    while piece := await body.read():
        pieces.append(piece)
    return b"".join(pieces)


async def by_aiohttp(response):
    return await response.content.read()


@pytest.mark.parametrize("read", [directly, by_aiohttp])
@pytest.mark.parametrize("stray", [STRAY, STRAY + STRAY, b"\0\0\0", STRAY[:-3]])
async def test_what_comes_between_two_requests_is_not_the_answer_to_the_second(read, stray):
    begun, ended = asyncio.Event(), asyncio.Event()
    first = [head(6) + b"fi", begun, b"rst!", ended, stray]
    async with (
        serving(first, [head(7) + b"second!"]) as (url, connections),
        _open_http(url, verify=True, read_timeout_s=5.0) as http,
    ):
        async with http.get(url) as response:
            protocol = response.connection.protocol
            asyncio.get_running_loop().call_soon(begun.set)
            assert await read(response) == b"first!"
        assert not protocol.should_close
        ended.set()
        await eventually(lambda: protocol.should_close)
        async with http.get(url) as response:
            assert await response.read() == b"second!"
    assert len(connections) == 2


async def test_what_comes_after_a_direct_body_is_no_part_of_it():
    begun, ended = asyncio.Event(), asyncio.Event()
    first = [head(6) + b"fi", begun, b"rst!", ended, STRAY]
    async with serving(first) as (url, _), aiohttp.ClientSession() as http, http.get(url) as response:
        protocol = response.connection.protocol
        asyncio.get_running_loop().call_soon(begun.set)
        assert await directly(response) == b"first!"
        ended.set()
        # It waits as an answer, and does not end in the body that was read, nor in an assertion of aiohttp's.
        await eventually(lambda: len(protocol) == 1)
        assert protocol.exception() is None
        assert response.content.total_bytes == 2


async def test_botocores_clients_have_such_connections_too():
    ended = asyncio.Event()
    first = [head(6) + b"first!", ended, STRAY]
    async with serving(first, [head(7) + b"second!"]) as (url, connections), CleanHttpSession() as session:
        http = await session._get_session(None)
        async with http.get(url) as response:
            assert await response.read() == b"first!"
        [pooled] = http.connector._conns.values()
        protocol = pooled[0][0]
        ended.set()
        await eventually(lambda: protocol.should_close)
        async with http.get(url) as response:
            assert await response.read() == b"second!"
    assert len(connections) == 2


async def test_botocores_clients_believe_this_machines_authorities_where_nobody_names_others(tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_text(self_signed().chain_pem)
    (tmp_path / "other.pem").write_text(self_signed("other").chain_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with stub_s3(tls=server_context(tmp_path)) as stub:
        url = stub.url.replace("127.0.0.1", "localhost")
        stub.then(ok())
        async with CleanHttpSession() as session:
            http = await session._get_session(None)
            async with http.get(url) as response:
                assert response.status == 200
        async with CleanHttpSession(verify=str(tmp_path / "other.pem")) as session:
            http = await session._get_session(None)
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(url)


async def test_all_clients_are_told_to():
    async with open_s3(region="us-east-1", clock=FakeClock(), session=aws_session()) as connection:
        method = connection._methods["HeadObject"]
        assert isinstance(method.__self__._endpoint.http_session, CleanHttpSession)
    async with open_clients(read_timeout_s=5.0, session=aws_session()) as clients:
        sts = await clients.client("sts", "us-east-1")
        assert isinstance(sts._endpoint.http_session, CleanHttpSession)
