"""The server's life: its port, its health pages, its end."""

import asyncio

import pytest
from tests.fakes.http_client import ask, connect, plain, signed
from tests.fakes.http_cloud import serve_cloud

from crossdock.api.server import ApiServer


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("page", ["/livez", "/readyz"])
async def test_health_is_told_to_anybody(method, page):
    async with serve_cloud() as cloud:
        answer = await ask(cloud.port, plain(method, page), method)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.body == (b"ok\n" if method == "GET" else b"")


async def test_a_service_that_starts_or_stops_lives_but_is_not_ready():
    async with serve_cloud() as cloud:
        cloud.is_ready = False
        assert (await ask(cloud.port, plain("GET", "/livez"))).status == 200
        answer = await ask(cloud.port, plain("GET", "/readyz"))
        assert (answer.status, answer.body) == (503, b"not ready\n")


async def test_a_bucket_may_have_the_name_of_a_health_page():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("livez")
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "livez", b"an object")
        key = await cloud.key_of("hub")
        assert b"<Name>livez</Name>" in (await ask(cloud.port, signed(key, "s3", "GET", "/livez"))).body
        everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
        await cloud.s3.policy("box", everybody)
        answer = await ask(cloud.port, plain("GET", "/livez", {"Host": f"box.localhost:{cloud.port}"}))
        assert answer.body == b"an object"


@pytest.mark.parametrize("request_", [plain("POST", "/livez"), plain("GET", "/livez/"), plain("GET", "/readyz?x")])
async def test_what_only_looks_like_a_health_page_is_a_request(request_):
    async with serve_cloud() as cloud:
        assert (await ask(cloud.port, request_)).status in (403, 404, 405, 501)


async def test_a_port_that_is_taken_is_an_error():
    async with serve_cloud() as cloud:
        second = ApiServer(cloud.endpoint, is_ready=lambda: True)
        with pytest.raises(OSError, match="address already in use"):
            await second.start("127.0.0.1", cloud.port)
        await second.close()


async def test_a_closed_server_accepts_nothing_and_ends_idle_connections():
    async with serve_cloud() as cloud, connect(cloud.port) as wire:
        await wire.send(plain("GET", "/livez"))
        assert (await wire.answer()).status == 200
        await cloud.server.close()
        assert await wire.ends() == b""
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", cloud.port)


async def test_a_request_that_is_under_way_may_end_while_the_server_closes():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            entered.set()
            await go_on.wait()

        cloud.s3.steps.before("objects.put", hold)
        async with connect(cloud.port) as wire, asyncio.TaskGroup() as group:
            await wire.send(signed(await cloud.key_of("hub"), "s3", "PUT", "/box/key", body=b"content"))
            async with asyncio.timeout(10):
                await entered.wait()
            closing = group.create_task(cloud.server.close())
            await asyncio.sleep(0)
            go_on.set()
            assert (await wire.answer()).status == 200
            await closing
        assert await cloud.s3.read("box", "key") == b"content"
