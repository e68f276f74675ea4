"""What an FTP server leaves of uploads that do not come to their end, in every way that they are interrupted."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from tests.fakes.ftp_house import FtpClient, FtpHouse, ftp_house, ftp_server, pass_time
from tests.fakes.loop_time import time_stands_still
from tests.fakes.loopback import all_taken, end_heard
from tests.fakes.patience import eventually

from crossdock.core.errors import Denied
from crossdock.core.servers import InterruptedUploads
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.ftp.transfers import MOMENT, MOST_MOMENT_S
from crossdock.settings import FtpSettings

KEEP = ftp_server(interrupted_uploads=InterruptedUploads.KEEP)
RESUME = ftp_server(interrupted_uploads=InterruptedUploads.RESUME)
SENT = 100_000
RESET = b"\1\0\0\0\0\0\0\0"
STORED = 3 * BLOCK_SIZE
LARGE = b"x" * (STORED + 10)

Interrupt = Callable[[FtpClient, asyncio.StreamWriter], Awaitable[None]]


async def reset(client: FtpClient, data: asyncio.StreamWriter) -> None:
    data.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    data.transport.abort()
    assert (await client.reply())[0] == 426


async def abort(client: FtpClient, data: asyncio.StreamWriter) -> None:
    assert (await client.say("ABOR"))[0] == 426
    assert (await client.reply())[0] == 226
    data.close()


async def stall(client: FtpClient, data: asyncio.StreamWriter) -> None:
    pass_time(FtpSettings().stalled_timeout_s + 1)
    assert (await client.reply())[0] == 426
    data.close()


async def hang_up(client: FtpClient, data: asyncio.StreamWriter) -> None:
    client.close()
    data.close()


async def vanish(client: FtpClient, data: asyncio.StreamWriter) -> None:
    client.reset()
    data.close()


every_way = pytest.mark.parametrize("interrupt", [reset, abort, stall, hang_up, vanish])
both_stores = pytest.mark.parametrize("stages", [True, False], ids=["staging", "parts"])


async def die(client: FtpClient, data: asyncio.StreamWriter) -> None:
    """As a process that is killed: the kernel closes its connections one after the other, within a moment."""
    await all_taken(data)
    with time_stands_still():
        data.close()
        await end_heard(data)
        client.close()
        await end_heard(client.writer)


async def begin_large(house: FtpHouse, client: FtpClient) -> asyncio.StreamWriter:
    """An upload of which all but what fills no part is stored."""
    _, data = await client.data()
    assert (await client.say("STOR a"))[0] == 150
    data.write(LARGE)
    await data.drain()
    await eventually(lambda: house.s3.parts() * BLOCK_SIZE == STORED)
    return data


@every_way
@both_stores
async def test_what_had_arrived_is_the_file_where_it_is_kept(interrupt: Interrupt, stages: bool) -> None:
    async with ftp_house(server=KEEP, stages=stages) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        await all_taken(data)  # so that what it does next does not overtake it
        await interrupt(client, data)
        client.abandon()
        await house.everybody_left()
        assert house.content("user1/a") == b"x" * SENT
        assert not house.s3.uploads
        (told,) = [event for _, event in house.log.events if event["activity-type"] == "PARTIAL_CLOSE"]
        assert f"what had arrived is the file, of {SENT} bytes" in str(told["message"])


@both_stores
async def test_nothing_is_kept_where_that_is_denied_by_then(stages: bool) -> None:
    async with ftp_house(server=KEEP, stages=stages) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        await all_taken(data)  # so that what it does next does not overtake it
        for _ in range(2 if stages else 1):
            house.s3.fail("PutObject", Denied("the bucket policy"))
        await reset(client, data)
        client.close()
        await house.kept_nothing()


@both_stores
async def test_nothing_is_kept_of_nothing(stages: bool) -> None:
    """A data connection that never sends anything replaces no file."""
    async with ftp_house(server=KEEP, stages=stages) as house:
        house.s3.add("home", "user1/a", b"old")
        client = await house.log_in()
        _, data = await client.data()
        assert (await client.say("STOR a"))[0] == 150
        await abort(client, data)
        assert house.content("user1/a") == b"old"


@both_stores
async def test_another_size_than_announced_is_kept_too(stages: bool) -> None:
    async with ftp_house(server=KEEP, stages=stages) as house:
        client = await house.log_in()
        assert (await client.say("ALLO 5"))[0] == 200
        assert (await client.store("a", b"123"))[0] != 226
        assert house.content("user1/a") == b"123"


@every_way
@both_stores
async def test_an_upload_goes_on_where_size_says(interrupt: Interrupt, stages: bool) -> None:
    async with ftp_house(server=RESUME, stages=stages) as house:
        client = await house.log_in()
        data = await begin_large(house, client)
        await all_taken(data)  # so that what it does next does not overtake it
        await interrupt(client, data)
        client.abandon()
        await house.everybody_left()
        assert house.names() == ["user1/", "user2/", "user3/"]
        client = await house.log_in()
        assert await client.say("SIZE a") == (213, f"213 {STORED}\n")
        assert (await client.fetch("NLST"))[1] == b""
        assert (await client.fetch("RETR a"))[0] == 550
        assert (await client.say(f"REST {STORED}"))[0] == 350
        assert (await client.store("a", b"the end"))[0] == 226
        assert house.content("user1/a") == LARGE[:STORED] + b"the end"
        assert not house.s3.uploads


async def test_appe_goes_on_as_well_and_another_offset_is_554() -> None:
    async with ftp_house(server=RESUME) as house:
        client = await house.log_in()
        data = await begin_large(house, client)
        await abort(client, data)
        assert (await client.say("SIZE a"))[0] == 213
        assert (await client.say("REST 5"))[0] == 350
        assert (await client.store("a", b"new"))[0] == 554
        assert (await client.store("a", b"the end", verb="APPE"))[0] == 226
        assert house.content("user1/a") == LARGE[:STORED] + b"the end"


async def test_files_that_are_not_resumed_can_be_appended_to_as_well() -> None:
    """A client says APPE either way."""
    async with ftp_house(server=RESUME) as house:
        client = await house.log_in()
        assert (await client.store("a", b"one "))[0] == 226
        assert (await client.store("a", b"two", verb="APPE"))[0] == 226
        assert house.content("user1/a") == b"one two"


async def test_an_interrupted_upload_is_deleted_like_a_file() -> None:
    async with ftp_house(server=RESUME) as house:
        client = await house.log_in()
        data = await begin_large(house, client)
        await abort(client, data)
        assert (await client.say("DELE a"))[0] == 250
        assert (await client.say("DELE a"))[0] == 550
        assert (await client.say("SIZE a"))[0] == 550


@both_stores
async def test_a_killed_client_whose_data_connection_ends_first_has_not_sent_all(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        pass_time(MOST_MOMENT_S / MOMENT)
        await die(client, data)
        await house.kept_nothing()


async def test_a_killed_client_that_had_nothing_sent_yet_has_not_said_that_this_is_all() -> None:
    async with ftp_house(server=RESUME) as house:
        client = await house.log_in()
        data = await begin_large(house, client)
        await reset(client, data)
        assert (await client.say("SIZE a")) == (213, f"213 {STORED}\n")
        _, data = await client.data()
        assert (await client.say("APPE a"))[0] == 150
        await die(client, data)
        await house.everybody_left()
        assert "user1/a" not in house.names()
        client = await house.log_in()
        assert (await client.say("SIZE a")) == (213, f"213 {STORED}\n")
