"""Descriptors: as many as may be had, some of them kept for data, and one line when there are too few."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.fakes.ftp_house import pass_time
from tests.fakes.patience import eventually
from tests.fakes.sockets import no_descriptor_left

from crossdock.app.descriptors import (
    APART,
    EPISODE_S,
    OUT_OF_RESOURCES,
    AcceptTroubles,
    connections_that_fit,
    make_room,
)
from crossdock.settings import LoginSettings, Settings


@pytest.fixture(autouse=True)
def limits() -> Iterator[tuple[int, int]]:
    """Those of the process, which are put back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield soft, hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def settings(connections: int) -> Settings:
    return Settings(login=LoginSettings(connections=connections))


def test_the_soft_limit_is_raised_to_the_hard_one(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    wanted = settings(10)
    assert make_room(wanted) is wanted
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 512


def test_more_connections_than_fit_are_not_let_in_and_the_log_says_what_to_do(
    limits: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    found = make_room(settings(1_000_000))
    (limit, _) = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert found.login.connections == connections_that_fit(limit) < 1_000_000
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "LimitNOFILE" in record.message
    assert vars(record)["connections"] == found.login.connections


@pytest.mark.parametrize("limit", [1024, 4096, 65_536])
def test_what_is_kept_for_data_grows_with_the_limit(limit: int) -> None:
    connections = connections_that_fit(limit)
    assert limit - APART - connections >= (limit - APART) // 4
    assert connections >= limit // 2


def test_somebody_is_always_let_in() -> None:
    assert connections_that_fit(64) == 1


class Closing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


async def test_asyncio_says_it_so(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(AcceptTroubles())
    server = await loop.create_server(Closing, "127.0.0.1", 0)
    with socket.socket() as client:
        client.setblocking(False)
        with no_descriptor_left():
            await loop.sock_connect(client, server.sockets[0].getsockname())
            await eventually(lambda: bool(caplog.records))
        with suppress(ConnectionResetError):
            assert await loop.sock_recv(client, 1) == b""
    server.close()
    await server.wait_closed()
    assert [record.message for record in caplog.records] == ["connections cannot be accepted"]


async def test_a_lack_of_descriptors_is_told_of_once_in_an_episode(caplog: pytest.LogCaptureFixture) -> None:
    handler = AcceptTroubles()
    for seconds in (0, 1, 1, EPISODE_S - 1, EPISODE_S + 1, 1):
        pass_time(seconds)
        handler(asyncio.get_running_loop(), {"message": OUT_OF_RESOURCES, "exception": OSError("no more")})
    assert [record.message for record in caplog.records] == ["connections cannot be accepted"] * 2


async def test_what_else_goes_wrong_is_told_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    handler = AcceptTroubles()
    for _ in range(2):
        handler(asyncio.get_running_loop(), {"message": "something else"})
    assert [record.message.splitlines()[0] for record in caplog.records] == ["something else"] * 2
