"""What is said to one client too many."""

import asyncio
from contextlib import suppress

from asyncssh.constants import MSG_DISCONNECT
from asyncssh.packet import SSHPacket
from tests.fakes.ftp_house import pass_time
from tests.fakes.sftp_house import PATIENCE_S, SftpHouse, eventually, sftp_house

from crossdock.sftp.ssh_refusal import HEARD_OUT_S, MOST_HEARD_OUT, TOO_MANY_CONNECTIONS


def test_it_is_an_identification_and_a_packet_that_says_too_many_connections() -> None:
    version, _, binary = TOO_MANY_CONNECTIONS.partition(b"\r\n")
    assert version == b"SSH-2.0-Crossdock"
    length, padding = int.from_bytes(binary[:4]), binary[4]
    assert len(binary) == 4 + length
    assert len(binary) % 8 == 0
    assert padding >= 4
    packet = SSHPacket(binary[5 : len(binary) - padding])
    assert packet.get_byte() == MSG_DISCONNECT
    assert packet.get_uint32() == 12
    assert packet.get_string() == b"Too many connections"
    assert packet.get_string() == b"en"
    packet.check_end()


def heard_out(house: SftpHouse) -> int:
    return len(house.listener._door.lobby._here)


async def test_who_is_still_saying_something_hears_it_all_the_same() -> None:
    async with sftp_house(total=0) as house:
        reader, writer = await house.raw()
        writer.write(b"SSH-2.0-client\r\n")
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == TOO_MANY_CONNECTIONS
        writer.write(bytes(100_000))
        await writer.drain()
        assert heard_out(house) == 1
        writer.close()
        await eventually(lambda: not heard_out(house))


async def test_nobody_is_heard_out_for_long() -> None:
    async with sftp_house(total=0) as house:
        reader, writer = await house.raw()
        await eventually(lambda: heard_out(house) == 1)
        pass_time(HEARD_OUT_S + 1)
        await eventually(lambda: not heard_out(house))
        with suppress(ConnectionError):
            await reader.read()
        writer.close()


async def test_of_a_flood_few_are_heard_out_and_all_go_with_the_listener() -> None:
    async with sftp_house(total=0) as house:
        strangers = [await house.raw() for _ in range(MOST_HEARD_OUT + 10)]
        for reader, _ in strangers:
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == TOO_MANY_CONNECTIONS
        assert heard_out(house) == MOST_HEARD_OUT
        await house.listener.close(drain_timeout_s=0)
        await eventually(lambda: not heard_out(house))
        for _, writer in strangers:
            writer.close()
