"""The pipe of the fast path: order, ends, and who has to wait for whom."""

import asyncio
import os

import pytest
from tests.fakes.fast_ssh import ClientChannel, House, ServerSession, ssh_house, within

from crossdock.sftp.fast_pipe import FastPipe

WINDOW = 256 << 10


async def silent(house: House, **options: object) -> tuple[ServerSession, ClientChannel]:
    """A channel whose conversation only listens."""
    channel = await (await house.connect()).channel(**options)
    channel.write(b".")
    assert await channel.read(1) == b"."
    session = house.sessions[-1]
    session.echo.is_silent = True
    session.echo.heard.clear()
    assert isinstance(session.pipe, FastPipe)
    return session, channel


async def test_chunks_of_all_kinds_and_sizes_come_in_order():
    data = os.urandom(400_000)
    view = memoryview(data)
    chunks = [data[:1], bytearray(data[1:9]), b"", view[9:70_000], view[70_000:70_000], view[70_000:]]
    async with ssh_house() as house:
        session, channel = await silent(house)
        session.pipe.send(chunks)
        session.pipe.send([b"end"])
        assert await channel.read(len(data) + 3) == data + b"end"


async def test_packets_are_no_longer_than_the_client_takes():
    sizes = []

    class Counting(ClientChannel):
        def data_received(self, data: bytes, datatype: int | None) -> None:
            sizes.append(len(data))
            super().data_received(data, datatype)

    async with ssh_house() as house:
        client = await house.connect()
        _, channel = await client.conn.create_session(
            Counting, subsystem="sftp", encoding=None, max_pktsize=5000, window=1 << 20
        )
        channel.write(b".")
        assert await channel.read(1) == b"."
        house.sessions[0].pipe.send([bytes(23_456)])
        assert await channel.read(23_456) == bytes(23_456)
        assert sizes[1:] == [5000] * 4 + [3456]


async def test_a_client_that_reads_nothing_makes_the_conversation_wait_and_not_the_connection():
    data = os.urandom(900_000)
    async with ssh_house() as house:
        client = await house.connect()
        stuck = await client.channel(window=100_000)
        stuck.write(b".")
        assert await stuck.read(1) == b"."
        stuck.chan.pause_reading()
        pipe = house.sessions[0].pipe
        pipe.send([data])
        waiting = asyncio.ensure_future(pipe.drained())
        other = await client.channel()
        other.write(b"other")
        assert await other.read(5) == b"other"
        assert not waiting.done()
        assert pipe.queued > len(data) - 200_000
        stuck.chan.resume_reading()
        await within(waiting)
        assert pipe.queued <= 256 << 10
        assert await stuck.read(len(data)) == data
        await within(pipe.drained())


async def test_a_socket_that_takes_no_more_makes_the_conversation_wait():
    """The window is wide open, but the client's machine reads nothing."""
    data = os.urandom(30_000_000)
    async with ssh_house() as house:
        client = await house.connect()
        channel = await client.channel(window=64 << 20)
        channel.write(b".")
        assert await channel.read(1) == b"."
        client.conn._transport.pause_reading()
        pipe, transport = house.sessions[0].pipe, house.logins[0].conn._transport
        pipe.send([data])
        waiting = asyncio.ensure_future(pipe.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert pipe.queued > 10_000_000
        assert transport.get_write_buffer_size() < 1 << 20  # what waits is neither sealed nor copied
        client.conn._transport.resume_reading()
        await within(waiting)
        assert await channel.read(len(data)) == data


async def test_a_paused_client_sends_no_more_than_its_window():
    data = os.urandom(3 * WINDOW)
    async with ssh_house(window=WINDOW) as house:
        session, channel = await silent(house)
        session.pipe.pause()
        channel.write(data)
        await session.echo.until_heard(WINDOW - 1)
        session.pipe.send([b"a round trip"])
        assert await channel.read(12) == b"a round trip"
        assert WINDOW - 1 <= len(session.echo.heard) <= WINDOW
        session.pipe.resume()
        await session.echo.until_heard(len(data))
        assert bytes(session.echo.heard) == data


async def test_closing_comes_after_what_was_sent_and_only_once():
    data = os.urandom(700_000)
    async with ssh_house() as house:
        session, channel = await silent(house, window=50_000)
        session.pipe.send([data])
        session.pipe.close()
        session.pipe.close()
        session.pipe.send([b"too late"])
        assert await channel.closed() is None
        assert bytes(channel.got) == data
        assert channel.status == 0
        await house.until(lambda: session.lost_by == [None])


async def test_a_closed_channel_is_gone_for_its_conversation_only():
    async with ssh_house() as house:
        session, channel = await silent(house, window=10)
        session.pipe.send([bytes(600_000)])
        waiting = asyncio.ensure_future(session.pipe.drained())
        channel.chan.close()
        with pytest.raises(ConnectionError):
            await within(waiting)
        await house.until(lambda: session.lost_by == [None])
        session.pipe.send([b"x"])
        session.pipe.close()
        session.pipe.pause()
        session.pipe.resume()
        assert session.pipe.queued == 0
        with pytest.raises(ConnectionError):
            await session.pipe.drained()


async def test_who_waits_may_be_cancelled():
    async with ssh_house() as house:
        session, channel = await silent(house, window=10_000)
        session.pipe.send([bytes(600_000)])
        waiting = asyncio.ensure_future(session.pipe.drained())
        await asyncio.sleep(0)
        waiting.cancel()
        assert await within(channel.read(600_000)) == bytes(600_000)
        await within(session.pipe.drained())


async def test_bytes_that_come_before_there_is_a_conversation_are_left_to_asyncssh():
    async with ssh_house() as house:
        session, _ = await silent(house)
        path = house.logins[0].path()
        assert path is not None
        assert not FastPipe(session.chan, path).receive(memoryview(b"x"))
        assert session.pipe.receive(memoryview(b"x"))
