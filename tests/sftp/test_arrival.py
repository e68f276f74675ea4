"""Load balancers before SFTP: who must say for whom they connect, who may, and whose word counts."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from tests.fakes.ftp_house import pass_time
from tests.fakes.ingress import OnlyNamedGroups
from tests.fakes.sftp_house import SftpHouse, eventually, sftp_house, sftp_server

from crossdock.settings import SftpSettings
from crossdock.sftp.arrival import SILENCE_S

PATIENCE_S = 10.0
SOURCE = "192.0.2.7"
V2 = b"\r\n\r\n\x00\r\nQUIT\n"
BLOCK = bytes([192, 0, 2, 7, 127, 0, 0, 1]) + struct.pack(">HH", 40000, 22)
VERSION_2 = V2 + b"\x21\x11" + struct.pack(">H", len(BLOCK)) + BLOCK
VERSION_1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 22\r\n"
LOCAL = V2 + b"\x20\x00\x00\x00"
BALANCER = SftpSettings(proxy_protocol_from=("127.0.0.0/8",))
MAY = replace(BALANCER, proxy_protocol_optional=True)
ENFORCED = sftp_server(needs_proxy_header=True, security_group_ids=("sg-1",))
SSH = b"SSH-2.0-test\r\n"


def group(*addresses: str) -> OnlyNamedGroups:
    ingress = OnlyNamedGroups("sg-1")
    ingress.admitted["sg-1"] |= set(addresses)
    return ingress


@asynccontextmanager
async def said(house: SftpHouse, data: bytes) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await house.raw()
    writer.write(data)
    try:
        yield reader
    finally:
        writer.close()


async def is_answered(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(PATIENCE_S):
        try:
            return (await reader.readline()).startswith(b"SSH-2.0-Crossdock")
        except ConnectionError:
            return False


def addresses(house: SftpHouse) -> list[str]:
    """Whom the limits count."""
    return list(house.limits._held)


@pytest.mark.parametrize("header", [VERSION_2, VERSION_1, LOCAL])
async def test_a_trusted_balancer_says_who_comes(header: bytes) -> None:
    async with sftp_house(settings=BALANCER) as house, said(house, header + SSH) as reader:
        assert await is_answered(reader)
        assert addresses(house) == ["127.0.0.1" if header == LOCAL else SOURCE]


async def test_a_header_cut_anywhere_is_the_same() -> None:
    async with sftp_house(settings=BALANCER) as house:
        reader, writer = await house.raw()
        for at in range(len(VERSION_2)):
            writer.write(VERSION_2[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        assert await is_answered(reader)
        assert addresses(house) == [SOURCE]
        writer.close()


@pytest.mark.parametrize("begin", [SSH, VERSION_1 + SSH, b"GET / HTTP/1.1\r\n"])
async def test_where_the_header_is_enforced_only_version_2_will_do(begin: bytes) -> None:
    async with sftp_house(server=ENFORCED, settings=BALANCER, ingress=group(SOURCE)) as house:
        async with said(house, begin) as reader:
            assert not await is_answered(reader)
        async with said(house, VERSION_2 + SSH) as reader:
            assert await is_answered(reader)


async def test_a_security_group_that_is_kept_to_the_balancer_makes_its_word_good() -> None:
    async with sftp_house(server=ENFORCED, ingress=group("127.0.0.1")) as house, said(house, VERSION_2) as reader:
        assert await is_answered(reader)
        assert addresses(house) == [SOURCE]
    async with sftp_house(server=ENFORCED, ingress=group(SOURCE)) as house, said(house, VERSION_2) as reader:
        assert not await is_answered(reader)


async def test_where_nobody_vouches_for_it_a_balancer_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    server = sftp_server(needs_proxy_header=True)
    caplog.set_level("INFO")
    async with sftp_house(server=server) as house, said(house, VERSION_2) as reader:
        assert not await is_answered(reader)
    [refused] = [record for record in caplog.records if record.message == "ssh connection refused"]
    told = vars(refused)
    assert (told["server_id"], told["source_ip"]) == (server.server_id, "127.0.0.1")
    assert "sftp.proxy_protocol_from" in told["reason"]
    assert "security group" in told["reason"]


async def test_elsewhere_a_header_is_passed_over_and_not_believed() -> None:
    async with sftp_house() as house, said(house, VERSION_2 + SSH) as reader:
        assert await is_answered(reader)
        assert (await reader.readexactly(6))[5] == 20, "KEXINIT, for the version was found behind the header"
        assert addresses(house) == ["127.0.0.1"]


@pytest.mark.parametrize("begin", [SSH, VERSION_2 + SSH])
async def test_a_balancer_that_may_leave_the_header_out_may_send_it(begin: bytes) -> None:
    async with sftp_house(settings=MAY) as house, said(house, begin) as reader:
        assert await is_answered(reader)
        assert addresses(house) == [SOURCE if begin.startswith(V2) else "127.0.0.1"]


async def test_who_may_leave_the_header_out_and_waits_for_the_server_is_not_left_waiting() -> None:
    async with sftp_house(settings=MAY) as house, said(house, b"") as reader:
        await eventually(lambda: bool(house.listener._door._acceptor and house.listener._door._acceptor._active_count))
        for _ in range(20):
            await asyncio.sleep(0)
        pass_time(SILENCE_S)
        assert await is_answered(reader)


async def test_a_header_that_does_not_come_ends_the_connection() -> None:
    async with sftp_house(settings=BALANCER) as house, said(house, VERSION_2[:-1]) as reader:
        await eventually(lambda: bool(house.listener._door.lobby._here))
        pass_time(BALANCER.login_timeout_s)
        assert not await is_answered(reader)


async def test_who_owes_a_header_goes_with_the_listener() -> None:
    async with sftp_house(settings=BALANCER) as house, said(house, VERSION_2[:5]) as reader:
        await eventually(lambda: bool(house.listener._door.lobby._here))
        await house.listener.close(drain_timeout_s=0)
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                assert await reader.read() == b""
        await eventually(lambda: not house.listener._door.lobby._here)


async def is_cut(reader: asyncio.StreamReader) -> bool:
    """Without a byte."""
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionError):
            return await reader.read() == b""
    return True


async def test_whom_the_rules_do_not_let_in_is_not_asked_for_a_header() -> None:
    async with sftp_house(server=ENFORCED, ingress=group("192.0.2.1")) as house, said(house, b"") as reader:
        assert await is_cut(reader)
        assert house.limits.connections == 0


async def test_who_owes_a_header_counts() -> None:
    async with sftp_house(server=ENFORCED, ingress=group("127.0.0.1"), per_address=2) as house:
        async with said(house, b""), said(house, VERSION_2[:-1]):
            await eventually(lambda: house.limits.connections == 2)
            async with said(house, VERSION_2) as third:
                assert await is_cut(third)
        await eventually(lambda: house.limits.connections == 0)
        async with said(house, VERSION_2) as reader:
            assert await is_answered(reader)
            assert addresses(house) == [SOURCE]


async def test_all_who_come_by_a_named_balancer_count_in_total_alone() -> None:
    async with sftp_house(settings=BALANCER, per_address=1, total=2) as house, said(house, b""), said(house, b""):
        await eventually(lambda: house.limits.connections == 2)
        async with said(house, VERSION_2) as third:
            assert await is_cut(third)


@pytest.mark.parametrize(("settings", "fate"), [(BALANCER, "applied"), (None, "ignored")])
async def test_the_log_tells_what_became_of_the_header(settings: SftpSettings | None, fate: str) -> None:
    async with sftp_house(settings=settings) as house:
        sock = socket.create_connection(("127.0.0.1", house.listener.port))
        sock.sendall(VERSION_2)
        sock.setblocking(False)
        async with house.client(sock=sock):
            pass
        await house.everybody_left()
        [connected] = [event for _, event in house.log.events if event["activity-type"] == "CONNECTED"]
        assert connected["proxy-protocol-v2-header"] == fate
        assert connected["source-ip"] == (SOURCE if fate == "applied" else "127.0.0.1")
