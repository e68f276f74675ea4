"""The receive loop: bytes cut anywhere, packets in any mixture, and clients that do wrong."""

import asyncio
import os
from collections.abc import Callable

import asyncssh
import pytest
from asyncssh.constants import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_DEBUG,
    MSG_IGNORE,
    MSG_KEXINIT,
    MSG_USERAUTH_REQUEST,
)
from asyncssh.packet import Boolean, String, UInt32
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.fast_ssh import RawChannel, ssh_house

from crossdock.sftp.fast_receiving import Receiver

ETM = "hmac-sha2-256-etm@openssh.com"
SUITES = [
    ("aes128-gcm@openssh.com", ETM),
    ("chacha20-poly1305@openssh.com", ETM),
    ("aes128-ctr", ETM),
    ("aes128-ctr", "hmac-sha2-256"),
]

Flaw = Callable[[bytearray], None]


def _flip(at: int) -> Flaw:
    def flip(packet: bytearray) -> None:
        packet[at] ^= 1

    return flip


def _wrong_length(packet: bytearray) -> None:
    packet[2] ^= 1
    packet += os.urandom(50_000)  # so that there are as many bytes as it may ask for


def _missing_byte(packet: bytearray) -> None:
    packet[-1:] = bytes([packet[-1] ^ 1]) + os.urandom(50_000)


def _garbage(packet: bytearray) -> None:
    packet[:] = b"\xff" * len(packet)


def _zeros(packet: bytearray) -> None:
    packet[:] = bytes(40_000)


FLAWS = {
    "a changed byte": _flip(40),
    "a changed MAC": _flip(-1),
    "a wrong length": _wrong_length,
    "a huge length": _flip(0),
    "a missing byte": _missing_byte,
    "garbage": _garbage,
    "zeros": _zeros,
}


async def ended_by(*, is_fast: bool, suite: tuple[str, str], flaw: Flaw) -> tuple[str, str]:
    """What the client, and what the server, hears when a packet of data arrives so."""
    async with ssh_house(is_fast=is_fast, encryption_algs=[suite[0]], mac_algs=[suite[1]]) as house:
        client = await house.connect()
        channel = await client.channel()
        channel.write(b"sound")
        assert await channel.read(5) == b"sound"
        send, packets = client.conn._send, []
        client.conn._send = packets.append
        channel.write(bytes(60_000))
        client.conn._send = send
        spoiled = bytearray(packets[1])  # the packet after the first MSG_IGNORE
        flaw(spoiled)
        send(packets[0] + bytes(spoiled))
        heard = await channel.closed()
        await house.until(lambda: bool(house.ends))
        assert bytes(house.sessions[0].echo.heard) == b"sound"
        return repr(heard), repr(house.ends[0])


@pytest.mark.parametrize("suite", SUITES, ids="/".join)
@pytest.mark.parametrize("flaw", FLAWS.values(), ids=list(FLAWS))
async def test_a_spoiled_packet_ends_the_connection_as_asyncssh_ends_it(suite: tuple[str, str], flaw: Flaw):
    fast = await ended_by(is_fast=True, suite=suite, flaw=flaw)
    assert fast == await ended_by(is_fast=False, suite=suite, flaw=flaw)
    assert "MACError" in fast[1] or "ProtocolError" in fast[1]


VIOLATIONS: dict[str, list[tuple[int, tuple[bytes, ...], int]]] = {
    "more than the window": [(MSG_CHANNEL_DATA, (String(bytes(65_000)),), 0)],
    "data of no channel": [(MSG_CHANNEL_DATA, (String(b"x"),), 9)],
    "data without its length": [(MSG_CHANNEL_DATA, (b"\0\0",), 0)],
    "data longer than its packet": [(MSG_CHANNEL_DATA, (UInt32(900), b"x"), 0)],
    "data and more": [(MSG_CHANNEL_DATA, (String(b"x"), b"y"), 0)],
    "data after the end": [(MSG_CHANNEL_EOF, (), 0), (MSG_CHANNEL_DATA, (String(b"x"),), 0)],
    "a short window adjustment": [(MSG_CHANNEL_WINDOW_ADJUST, (b"\0",), 0)],
    "a long window adjustment": [(MSG_CHANNEL_WINDOW_ADJUST, (UInt32(1), b"\0"), 0)],
    "a window adjustment of no channel": [(MSG_CHANNEL_WINDOW_ADJUST, (UInt32(1),), 9)],
    "a malformed MSG_IGNORE": [(MSG_IGNORE, (b"\0",), 900)],
    "a short MSG_DEBUG": [(MSG_DEBUG, (), 0)],
    "a second login": [(MSG_USERAUTH_REQUEST, (String("x"), String("ssh-connection"), String("none")), 4)],
    "a malformed KEXINIT": [(MSG_KEXINIT, (bytes(20),), 0)],
    "an unknown message": [(222, (), 0), (MSG_CHANNEL_DATA, (b"",), 9)],
}


@pytest.mark.parametrize("packets", VIOLATIONS.values(), ids=list(VIOLATIONS))
async def test_a_violation_is_answered_as_asyncssh_answers_it(packets: list[tuple[int, tuple[bytes, ...], int]]):
    heard = []
    for is_fast in (True, False):
        async with ssh_house(is_fast=is_fast, window=64_000) as house:
            client = await house.connect()
            channel = RawChannel(client.conn)
            await channel.open(window=0)
            channel.begin()
            channel.send(MSG_CHANNEL_DATA, String(b"sound"))
            await house.until(lambda house=house: bool(house.sessions))
            house.sessions[0].echo.is_silent = True
            await house.sessions[0].echo.until_heard(5)
            for kind, body, number in packets:
                channel.send(kind, *body, number=number)
            await house.until(lambda house=house: bool(house.ends))
            heard.append((repr(house.ends[0]), len(house.sessions[0].echo.heard)))
    assert heard[0] == heard[1]
    assert "Error" in heard[0][0]


async def test_an_empty_or_unknown_packet_does_no_harm():
    async with ssh_house() as house:
        client = await house.connect()
        channel = RawChannel(client.conn)
        await channel.open()
        channel.begin()
        channel.send(MSG_CHANNEL_DATA, String(b""))
        client.conn.send_packet(222, b"what is that")  # answered by MSG_UNIMPLEMENTED
        client.conn.send_packet(MSG_DEBUG, Boolean(False), String("hello"), String(""))
        client.conn.send_packet(MSG_IGNORE, String(bytes(500)))
        channel.send(MSG_CHANNEL_DATA, String(b"x"))
        await channel.until(lambda: channel.data == b"x")


@pytest.mark.parametrize("suite", SUITES, ids="/".join)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=6), data=st.data())
def test_bytes_may_be_cut_anywhere(suite: tuple[str, str], sizes: list[int], data: st.DataObject):
    async def talk() -> None:
        async with ssh_house(encryption_algs=[suite[0]], mac_algs=[suite[1]]) as house:
            client = await house.connect()
            channel = await client.channel()
            channel.write(b"first")
            assert await channel.read(5) == b"first"
            held = bytearray()
            client.conn._send, send = held.extend, client.conn._send
            expected = [os.urandom(size) for size in sizes]
            for part in expected:
                channel.write(part)
            client.conn._send = send
            receiver = house.logins[0].conn._transport.get_protocol()
            assert isinstance(receiver, Receiver)
            while held:
                size = data.draw(st.one_of(st.integers(1, 40), st.integers(1, len(held))))
                space = receiver.get_buffer(-1)
                size = min(size, len(space), len(held))
                space[:size] = held[:size]
                receiver.get_buffer(-1)  # asked again when there was nothing to be read
                receiver.buffer_updated(size)
                del held[:size]
            assert await channel.read(sum(sizes)) == b"".join(expected)

    asyncio.run(talk())


async def test_what_comes_during_a_key_exchange_waits_and_no_more_is_read_than_fits():
    """asyncssh processes a KEXINIT in a task; the bytes behind it are not touched before."""
    data = os.urandom(1_500_000)
    async with ssh_house(window=4 << 20) as house:
        client = await house.connect()
        channel = await client.channel()
        channel.write(b"first")
        assert await channel.read(5) == b"first"
        server = house.logins[0].conn
        house.sessions[0].echo.is_silent = True
        transport, receiver = server._transport, server._transport.get_protocol()
        finish, server._recv_handler = server._recv_handler, lambda: False  # as during a task
        channel.write(data)
        async with asyncio.timeout(20):
            while transport.is_reading():  # noqa: ASYNC110 - nobody tells of that
                await asyncio.sleep(0)
        assert 768 << 10 < len(receiver._left) <= 1 << 20
        server._recv_handler = finish
        server._recv_data()
        await house.sessions[0].echo.until_heard(5 + len(data))
        assert bytes(house.sessions[0].echo.heard) == b"first" + data
        assert transport.is_reading()


async def test_a_mistake_of_the_conversation_ends_its_connection_only():
    class Mistaken(Exception):
        pass

    def mistaken(view: memoryview) -> None:
        raise Mistaken

    async with ssh_house() as house:
        one, other = await house.connect(), await house.connect()
        first, second = await one.channel(), await other.channel()
        house.sessions[0].echo.received = mistaken
        first.write(b"x")
        assert isinstance(await first.closed(), asyncssh.ConnectionLost)
        assert isinstance(house.ends[0], Mistaken)
        second.write(b"y")
        assert await second.read(1) == b"y"
