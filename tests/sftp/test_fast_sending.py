"""Many packets leave in one write, pipes take turns, and nothing leaves during a key exchange."""

import asyncio
import os
from typing import Any

from tests.fakes.fast_ssh import ClientChannel, House, ssh_house

from crossdock.sftp.fast_sending import WRITE_BYTES

PACKET = 32768


class Tap:
    """A transport that remembers how long each write was."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.writes: list[int] = []
        self._transport = transport

    def write(self, data: memoryview) -> None:
        self.writes.append(len(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Noting(ClientChannel):
    """Notes in a common list who got how much."""

    log: list[tuple[str, int]]

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.log.append((self.name, len(data)))
        super().data_received(data, datatype)


async def ready(house: House) -> ClientChannel:
    channel = await (await house.connect()).channel(window=8 << 20)
    channel.write(b".")
    assert await channel.read(1) == b"."
    return channel


def tapped(house: House) -> Tap:
    conn = house.logins[0].conn
    conn._transport = Tap(conn._transport)
    return conn._transport


async def test_small_chunks_leave_in_large_packets_and_few_writes_and_nothing_between_them():
    data = os.urandom(1_000_000)
    async with ssh_house() as house:
        channel = await ready(house)
        tap, server = tapped(house), house.logins[0].conn
        first = server._send_seq
        house.sessions[0].pipe.send([data[at : at + 1000] for at in range(0, len(data), 1000)])
        assert await channel.read(len(data)) == data
        assert server._send_seq - first <= len(data) // PACKET + len(tap.writes)
        assert len(tap.writes) <= len(data) // WRITE_BYTES + 1
        assert max(tap.writes) < WRITE_BYTES + 2 * PACKET


async def test_what_several_requests_are_answered_leaves_in_one_write():
    async with ssh_house() as house:
        channel = await ready(house)
        tap = tapped(house)
        client, held = house.clients[0], bytearray()
        client._send, send = held.extend, client._send
        for _ in range(20):
            channel.write(b"a small request")
        client._send = send
        send(bytes(held))
        assert await channel.read(300) == b"a small request" * 20
        assert len(tap.writes) == 1


async def test_channels_take_turns_when_the_socket_is_full():
    log: list[tuple[str, int]] = []
    size = 12_000_000
    async with ssh_house() as house:
        client = await house.connect()
        channels = []
        for name in "ab":
            _, channel = await client.conn.create_session(Noting, subsystem="sftp", encoding=None, window=64 << 20)
            channel.name, channel.log = name, []
            channel.write(b".")
            assert await channel.read(1) == b"."
            channel.log = log
            channels.append(channel)
        client.conn._transport.pause_reading()
        for session in house.sessions:
            session.pipe.send([bytes(size)])
        client.conn._transport.resume_reading()
        for channel in channels:
            assert await channel.read(size) == bytes(size)
    got = {"a": 0, "b": 0}
    for name, count in log:
        got[name] += count
        if size in got.values():
            break
    assert min(got.values()) > size // 3


async def test_no_data_leaves_between_the_beginning_of_a_key_exchange_and_the_new_keys():
    async with ssh_house() as house:
        channel = await ready(house)
        server = house.logins[0].conn
        tap = tapped(house)
        server._send_kexinit()
        server._kexinit_sent = True
        before = len(tap.writes)
        house.sessions[0].pipe.send([bytes(100_000)])
        house.sessions[0].pipe.close()
        assert len(tap.writes) == before
        assert await channel.read(100_000) == bytes(100_000)
        assert await channel.closed() is None


async def test_a_key_exchange_that_is_due_is_begun_by_data_alone():
    async with ssh_house(rekey_bytes=500_000) as house:
        channel = await ready(house)
        server = house.logins[0].conn
        encryption = server._send_encryption
        for _ in range(8):
            house.sessions[0].pipe.send([bytes(100_000)])
            assert await channel.read(100_000) == bytes(100_000)
        assert server._send_encryption is not encryption
        assert server._rekey_bytes_sent < 500_000


async def test_after_the_end_of_the_connection_nothing_is_sent():
    async with ssh_house() as house:
        await ready(house)
        tap, pipe = tapped(house), house.sessions[0].pipe
        house.logins[0].conn.abort()
        writes = len(tap.writes)
        pipe.send([b"x"])
        assert len(tap.writes) == writes
        await house.until(lambda: bool(house.ends))
        assert pipe.queued == 0
