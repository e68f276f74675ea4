"""Uploads that the store refuses while their client sends: it hears so at once, what it still sends is thrown away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.fakes.ftp_house import FtpClient, FtpHouse, ftp_house, pass_time, read_to_end, turns
from tests.fakes.loopback import all_taken

from crossdock.core.errors import Denied
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.ftp.parting import REFUSED

MORE = bytes(4 << 20)
"""More than the kernels hold of one connection."""
MOST_TRIES = 50
"""Of what was sent, a kernel takes some before it hears of the reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A client that was told 550 and goes on sending."""

    house: FtpHouse
    client: FtpClient
    reader: asyncio.StreamReader
    data: asyncio.StreamWriter

    async def send_more(self) -> None:
        await send_more(self.data)

    async def is_reset(self) -> None:
        await is_reset(self.data)


async def send_more(data: asyncio.StreamWriter) -> None:
    data.write(MORE)
    await data.drain()


async def is_reset(data: asyncio.StreamWriter) -> None:
    """The connection breaks at once, under whoever sends more."""
    assert await broken_after(data, MOST_TRIES, MORE) < MOST_TRIES


async def broken_after(data: asyncio.StreamWriter, most: int, piece: bytes, *, pause_s: float = 0) -> int:
    """How many pieces could be sent before the connection broke, `most` when it did not."""
    for sent in range(most):
        try:
            data.write(piece)
            await data.drain()
        except (ConnectionResetError, BrokenPipeError):
            return sent
        if pause_s:
            await all_taken(data)
        await turns()
        pass_time(pause_s)
    return most


@pytest.fixture
async def house() -> AsyncIterator[FtpHouse]:
    async with ftp_house(stages=False) as house:
        house.s3.fail("UploadPart", Denied("no"))
        yield house


@pytest.fixture
async def refused(house: FtpHouse) -> Refused:
    client = await house.log_in()
    reader, data = await begin(client)
    assert await client.reply() == (550, "550 Permission denied.\n")
    return Refused(house=house, client=client, reader=reader, data=data)


async def begin(client: FtpClient, command: str = "STOR a") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upload of some parts, the first of which fails before the last of them is there."""
    reader, data = await client.data()
    assert (await client.say(command))[0] == 150
    data.write(bytes(4 * BLOCK_SIZE))
    return reader, data


async def test_a_client_that_reads_the_reply_at_the_end_comes_to_an_end(refused: Refused) -> None:
    for _ in range(20):
        await refused.send_more()
    refused.data.write_eof()
    assert await read_to_end(refused.reader) == b""
    assert (await refused.client.say("NOOP"))[0] == 200
    refused.client.close()
    await refused.house.kept_nothing()


@pytest.mark.parametrize("command", ["STOR a", "STOU"])
async def test_every_kind_of_upload_ends_so(house: FtpHouse, command: str) -> None:
    client = await house.log_in()
    reader, data = await begin(client, command)
    assert (await client.reply())[0] == 550
    await send_more(data)
    data.write_eof()
    assert await read_to_end(reader) == b""


async def test_who_sees_the_reply_may_go_on_at_once(refused: Refused) -> None:
    client = refused.client
    assert (await client.say("NOOP"))[0] == 200
    assert (await client.say("ABOR"))[0] == 226
    assert (await client.store("b", b"next"))[0] == 226
    assert refused.house.content("user1/b") == b"next"
    # A session has one of them: the next transfer ended it.
    await refused.is_reset()


async def test_a_session_that_quits_hears_it_while_it_still_sends(refused: Refused) -> None:
    assert (await refused.client.say("QUIT"))[0] == 221
    await refused.send_more()
    refused.client.close()
    await refused.house.kept_nothing()
    await refused.is_reset()


async def test_nothing_outlives_a_client_that_leaves(refused: Refused) -> None:
    refused.client.reset()
    await refused.house.kept_nothing()
    await refused.is_reset()


async def test_who_pauses_for_too_long_is_not_waited_for(refused: Refused) -> None:
    await refused.send_more()
    await all_taken(refused.data)
    pass_time(REFUSED.pause_s + 1)
    await refused.is_reset()


async def test_who_sends_little_by_little_is_listened_to_for_a_bounded_time(refused: Refused) -> None:
    """Each byte comes before the pause is too long."""
    least = int(REFUSED.most_s / REFUSED.pause_s)
    assert least < await broken_after(refused.data, 10 * least, b"x", pause_s=REFUSED.pause_s / 2) < 10 * least


async def test_a_server_that_stops_does_not_wait_for_it(refused: Refused) -> None:
    house = refused.house
    closing = house.tasks.start(house.listener.close(drain_timeout_s=600), name="close")
    assert (await refused.client.reply())[0] == 421
    refused.client.close()
    await closing
    await refused.is_reset()


async def test_abor_before_the_reply_resets_the_connection(house: FtpHouse) -> None:
    client = await house.log_in()
    gate = house.s3.hold("AbortMultipartUpload")
    _, data = await begin(client)
    await gate.entered.wait()
    client.send(b"ABOR\r\n")
    await all_taken(client.writer)
    gate.open.set()
    assert [(await client.reply())[0] for _ in range(2)] == [426, 226]
    await is_reset(data)
