"""The fast path carries what asyncssh would have carried, and leaves the rest to it."""

import asyncio
import logging
import os

import asyncssh
import pytest
from asyncssh.constants import MSG_CHANNEL_DATA
from asyncssh.encryption import get_encryption_algs
from asyncssh.mac import get_mac_algs
from asyncssh.packet import String
from tests.fakes.fast_ssh import ClientChannel, House, RawChannel, ssh_house, within

from crossdock.core.security_policies import SECURITY_POLICIES
from crossdock.sftp.fast_path import FastPaths
from crossdock.sftp.fast_pipe import FastPipe

KNOWN_MACS = [mac.decode() for mac in get_mac_algs()]
CIPHERS = sorted({cipher for policy in SECURITY_POLICIES.values() for cipher in policy.ssh_ciphers})
MACS = sorted(
    {mac for policy in SECURITY_POLICIES.values() for mac in policy.ssh_macs if mac.encode() in get_mac_algs()}
)
ETM, LATE = "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512"
SUITES = [(cipher, ETM) for cipher in CIPHERS] + [("aes128-ctr", mac) for mac in MACS if mac != ETM]
FEW = [
    ("aes128-gcm@openssh.com", ETM),
    ("chacha20-poly1305@openssh.com", ETM),
    ("aes256-ctr", ETM),
    ("aes256-ctr", LATE),
]


def chosen(suite: tuple[str, str]) -> dict[str, list[str]]:
    return {"encryption_algs": [suite[0]], "mac_algs": [suite[1]]}


async def echoed(channel: ClientChannel, data: bytes) -> bytes:
    channel.write(data)
    return await channel.read(len(data))


def nothing_took_asyncsshs_way(house: House) -> bool:
    return all(isinstance(session.pipe, FastPipe) and not session.strays for session in house.sessions)


def key_exchanges(caplog: pytest.LogCaptureFixture) -> int:
    """How many both sides have seen the end of, beyond the first."""
    return sum("Completed key exchange" in record.getMessage() for record in caplog.records) - 2


def test_every_cipher_of_the_policies_is_tried_here():
    assert {cipher.encode() for cipher in CIPHERS} <= set(get_encryption_algs())


@pytest.mark.parametrize("suite", SUITES, ids="/".join)
async def test_bytes_come_through_both_ways(suite: tuple[str, str]):
    data = os.urandom(700_001)
    async with ssh_house(**chosen(suite)) as house:
        client = await house.connect()
        channel = await client.channel()
        assert await echoed(channel, data) == data
        for size in (1, 2, 15, 16, 17, 300):  # all lengths of padding
            assert await echoed(channel, data[:size]) == data[:size]
        assert nothing_took_asyncsshs_way(house)


@pytest.mark.parametrize("suite", FEW, ids="/".join)
@pytest.mark.parametrize("side", ["client", "server", "both"])
async def test_keys_are_exchanged_amid_a_transfer(suite: tuple[str, str], side: str, caplog: pytest.LogCaptureFixture):
    data = os.urandom(3_000_000)
    often = {"rekey_bytes": 300_000}
    caplog.set_level(logging.DEBUG, logger="asyncssh")
    async with ssh_house(**chosen(suite), **({} if side == "client" else often)) as house:
        client = await house.connect(**({} if side == "server" else often))
        channels = [await client.channel() for _ in range(2)]
        got = await asyncio.gather(*(echoed(channel, data) for channel in channels))
        assert got == [data, data]
        assert nothing_took_asyncsshs_way(house)
    assert key_exchanges(caplog) >= 10


async def test_keys_are_exchanged_again_after_a_time(caplog: pytest.LogCaptureFixture):
    data = os.urandom(100_000)
    caplog.set_level(logging.DEBUG, logger="asyncssh")
    async with ssh_house() as house:
        channel = await (await house.connect()).channel()
        for _ in range(5):
            house.logins[0].conn._rekey_time = 0.0  # its hour is over
            assert await echoed(channel, data) == data
    assert key_exchanges(caplog) >= 5


async def test_ciphers_may_change_with_the_keys():
    data = os.urandom(200_000)
    async with ssh_house(encryption_algs=[suite[0] for suite in FEW], mac_algs=[ETM, LATE]) as house:
        client = await house.connect(encryption_algs=[FEW[0][0]], mac_algs=[ETM])
        channel = await client.channel()
        for cipher, mac in [*FEW, *reversed(FEW)]:
            client.conn._enc_algs, client.conn._mac_algs = [cipher.encode()], [mac.encode()]
            client.conn._rekey_bytes_sent = client.conn._rekey_bytes  # due with the next packet
            assert await echoed(channel, data) == data
            assert client.conn.get_extra_info("send_cipher") == cipher
        assert nothing_took_asyncsshs_way(house)


async def test_numbers_of_packets_begin_anew_with_the_keys_under_strict_key_exchange():
    async with ssh_house() as house:
        client = await house.connect()
        channel = await client.channel()
        assert await echoed(channel, bytes(100_000)) == bytes(100_000)
        server = house.logins[0].conn
        assert server._strict_kex
        before = server._send_seq
        client.conn._rekey_bytes_sent = client.conn._rekey_bytes
        assert await echoed(channel, b"again") == b"again"
        assert server._send_seq < before


async def test_numbers_of_packets_go_round():
    async with ssh_house(encryption_algs=["chacha20-poly1305@openssh.com"]) as house:
        client = await house.connect()
        channel = await client.channel()
        assert await echoed(channel, b"x") == b"x"
        server = house.logins[0].conn
        client.conn._send_seq = server._recv_seq = client.conn._recv_seq = server._send_seq = 0xFFFF_FFFE
        data = os.urandom(500_000)
        assert await echoed(channel, data) == data
        assert server._recv_seq < 1000
        assert server._send_seq < 1000


async def test_channels_of_one_connection_share_it():
    datas = [os.urandom(400_000 + i) for i in range(8)]
    async with ssh_house() as house:
        client = await house.connect()
        channels = [await client.channel(window=50_000 + 1000 * i) for i in range(8)]
        assert await asyncio.gather(*map(echoed, channels, datas)) == datas
        channels[3].chan.close()
        await channels[3].closed()
        assert await echoed(channels[4], b"still there") == b"still there"
        channels.append(await client.channel())
        assert await echoed(channels[-1], datas[0]) == datas[0]
        assert nothing_took_asyncsshs_way(house)


async def test_what_is_not_data_is_answered_by_asyncssh_amid_a_transfer():
    data = os.urandom(2_000_000)
    async with ssh_house() as house:
        client = await house.connect()
        channel = await client.channel()
        channel.write(data)
        answers = [await within(client.conn._make_global_request(b"keepalive@openssh.com")) for _ in range(5)]
        assert await channel.read(len(data)) == data
        assert len(answers) == 5
        with pytest.raises(asyncssh.ChannelOpenError):
            await client.conn.open_connection("localhost", 1)


async def test_the_end_of_what_a_client_sends_comes_after_its_bytes():
    data = os.urandom(300_000)
    async with ssh_house() as house:
        channel = await (await house.connect()).channel()
        channel.write(data)
        channel.chan.write_eof()
        assert await channel.closed() is None
        assert bytes(channel.got) == data
        assert channel.status == 0
        assert house.sessions[0].echo.has_ended


async def test_a_connection_that_breaks_is_lost_once_for_each_channel():
    async with ssh_house() as house:
        client = await house.connect()
        channels = [await client.channel() for _ in range(3)]
        for channel in channels:
            assert await echoed(channel, b"x") == b"x"
        client.conn._transport.abort()
        await house.until(lambda: len(house.ends) == 1)
        assert [len(session.lost_by) for session in house.sessions] == [1, 1, 1]
        assert house.sessions[0].pipe.queued == 0
        with pytest.raises(ConnectionError):
            await house.sessions[0].pipe.drained()


@pytest.mark.parametrize("suite", FEW, ids="/".join)
async def test_a_client_need_not_wait_for_its_subsystem(suite: tuple[str, str]):
    """Its bytes come in one go with the request for the subsystem: asyncssh has read them when the fast path begins."""
    data = os.urandom(60_000)
    async with ssh_house(**chosen(suite)) as house:
        client = await house.connect()
        raw, held = RawChannel(client.conn), bytearray()
        await raw.open()
        client.conn._send = held.extend
        raw.begin()
        for at in range(0, len(data), 30_000):
            raw.send(MSG_CHANNEL_DATA, String(data[at : at + 30_000]))
        del client.conn._send
        client.conn._send(bytes(held))
        await raw.until(lambda: len(raw.data) == len(data))
        assert raw.data == data
        raw.send(MSG_CHANNEL_DATA, String(b"and on"))
        await raw.until(lambda: raw.data == data + b"and on")


async def test_more_than_the_buffer_holds_may_have_piled_up_before():
    """As while a login takes its time: asyncssh reads on without bounds."""
    data = os.urandom(1_500_000)
    async with ssh_house(window=4 << 20) as house:
        client = await house.connect()
        raw, held = RawChannel(client.conn), bytearray()
        await raw.open(window=4 << 20)
        client.conn._send = held.extend
        raw.begin()
        for at in range(0, len(data), 30_000):
            raw.send(MSG_CHANNEL_DATA, String(data[at : at + 30_000]))
        del client.conn._send
        house.logins[0].conn.data_received(bytes(held))
        await raw.until(lambda: len(raw.data) == len(data))
        assert raw.data == data
        assert 0 < house.sessions[0].strays < len(data)


async def test_a_connection_may_be_taken_over_at_rest():
    async with ssh_house() as house:
        client = await house.connect()
        assert house.logins[0].path() is not None
        channel = await client.channel()
        assert await echoed(channel, bytes(200_000)) == bytes(200_000)
        assert nothing_took_asyncsshs_way(house)


async def test_a_connection_with_compression_is_left_to_asyncssh():
    async with ssh_house(compression_algs=["zlib@openssh.com", "none"]) as house:
        client = await house.connect(compression_algs=["zlib@openssh.com"])
        channel = await client.channel()
        assert await echoed(channel, b"abc" * 1000) == b"abc" * 1000
        assert not isinstance(house.sessions[0].pipe, FastPipe)


async def test_a_connection_is_not_taken_over_before_its_login_nor_after_its_end():
    taken = []

    class Early(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self.conn = conn
            taken.append(FastPaths().take_over(conn))

        def connection_lost(self, exc: Exception | None) -> None:
            taken.append(FastPaths().take_over(self.conn))
            gone.set()

    gone = asyncio.Event()
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with await asyncssh.listen("127.0.0.1", 0, server_factory=Early, server_host_keys=[key]) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.get_port())
        writer.close()
        await within(gone.wait())
    assert taken == [None, None]
