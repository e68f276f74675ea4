"""How control connections end: what a client said before it closed, and what it hears when its server stops."""

import asyncio
import socket

import pytest
from tests.fakes.ftp_house import PATIENCE_S, FtpHouse, ftp_house, pass_time, turns
from tests.fakes.ftps_streams import FtpsClient, ftps_house, hello, log_in
from tests.fakes.loopback import all_taken, end_heard

from crossdock.core.homes import PathHome
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.parts_in_flight import IN_FLIGHT

LOGIN = b"USER user1\r\nPASS secret\r\n"
DIRECTORIES = [f"d{number}" for number in range(40)]
"""More than may wait at once."""


def made(house: FtpHouse) -> list[str]:
    return sorted(name.removeprefix("user1/").rstrip("/") for name in house.names() if name.startswith("user1/d"))


def commands(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


async def test_what_a_client_said_before_it_closed_is_done() -> None:
    """Its kernel resets the connection as soon as the first reply comes, which tells nothing."""
    async with ftp_house() as house:
        client = await hello(house)
        client.send(LOGIN + commands(*(f"MKD {name}" for name in DIRECTORIES), "QUIT"))
        client.close()
        await house.everybody_left()
        assert made(house) == sorted(DIRECTORIES)


async def test_what_a_client_said_before_it_closed_is_done_behind_a_slow_login() -> None:
    async with ftp_house() as house:
        house.door.gate = asyncio.Event()
        client = await hello(house)
        client.send(LOGIN + commands("MKD d1", "NOOP", "MKD d2"))
        client.close()
        await turns(100)
        house.door.gate.set()
        await house.everybody_left()
        assert made(house) == ["d1", "d2"]


@pytest.mark.parametrize("farewell", [b"QUIT\r\n", b""])
async def test_who_only_says_no_more_hears_every_answer(farewell: bytes) -> None:
    async with ftp_house() as house:
        client = await house.connect()
        client.send(LOGIN + commands("PWD", *(f"MKD {name}" for name in DIRECTORIES)) + farewell + b"MKD not-a-line")
        client.writer.write_eof()
        codes = [int(line[:3]) for line in (await client.rest()).splitlines()]
        assert codes == [220, 331, 230, 257, *(257 for _ in DIRECTORIES), *(221 for _ in farewell[:1])]
        client.close()
        await house.everybody_left()


async def test_under_tls_too_by_a_close_notify_or_without() -> None:
    async with ftps_house() as house:
        for name, says_goodbye in (("d1", True), ("d2", False)):
            client = await log_in(house)
            client.send(commands(f"MKD {name}", f"MKD {name}b"))
            assert isinstance(client, FtpsClient)
            if says_goodbye:
                client.control.close_notify()
            client.writer.close()
            await house.everybody_left()
        assert made(house) == ["d1", "d1b", "d2", "d2b"]


async def test_a_reset_ends_at_once_and_is_told_in_words() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        gate = house.s3.hold("PutObject")
        client.send(commands("MKD d1", "MKD d2"))
        await gate.entered.wait()
        client.reset()
        await end_heard(client.writer)
        gate.open.set()
        await house.everybody_left()
        assert made(house) == ["d1"]
        _, event = house.log.events[-1]
        assert (event["activity-type"], event["message"]) == ("DISCONNECTED", "the client reset the connection")


@pytest.mark.parametrize("ends", ["by a reset", "with its server"])
@pytest.mark.parametrize(
    ("call", "said", "activity"),
    [
        ("CopyObject", ("RNFR f", "RNTO g"), "RENAME"),
        ("DeleteObject", ("DELE f",), "DELETE"),
        ("DeleteObject", ("RMD d",), "RMDIR"),
        ("PutObject", ("MKD e",), "MKDIR"),
    ],
)
async def test_what_the_store_does_for_who_is_gone_is_logged(call: str, said: tuple[str], activity: str, ends: str):
    async with ftp_house() as house:
        for name in ("f", "d/"):
            house.s3.add("home", f"user1/{name}")
        client = await house.log_in()
        gate = house.s3.hold(call)
        client.send(commands(*said))
        await gate.entered.wait()
        if ends == "by a reset":
            client.reset()
            await end_heard(client.writer)
        else:
            closing = house.tasks.start(house.listener.close(drain_timeout_s=0), name="close")
            await client.rest()
        gate.open.set()
        await house.everybody_left()
        if ends != "by a reset":
            await closing
        assert house.log.activities()[-2:] == [activity, "DISCONNECTED"]


@pytest.mark.parametrize("ends", ["by a reset", "with its server"])
async def test_a_rename_that_reads_and_writes_through_here_is_given_up(ends: str) -> None:
    async with ftp_house() as house:
        house.door.are_apart = True
        house.s3.add_bucket("second-home")
        house.door.home = PathHome(root="/home/user1")
        house.s3.add("home", "user1/d1", bytes((IN_FLIGHT + 2) * BLOCK_SIZE))  # not all is read while none is written
        client = await house.log_in()
        assert (await client.say("RNFR d1"))[0] == 350
        gate = house.s3.hold("UploadPart")
        client.send(commands("RNTO /second-home/d1"))
        await gate.entered.wait()
        if ends == "by a reset":
            client.reset()
        else:
            await house.listener.close(drain_timeout_s=0)
        await house.everybody_left()
        assert (made(house), house.s3.keys("second-home"), house.s3.uploads) == (["d1"], [], {})


@pytest.mark.parametrize("closes", [True, False])
async def test_an_upload_still_ends_with_the_clients_side_of_the_connection(closes: bool) -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        port = await client.passive()
        client.send(commands("STOR d1", "MKD d2"))
        if closes:
            client.close()
        else:
            client.writer.write_eof()
        with socket.create_connection(("127.0.0.1", port)) as data:
            data.sendall(b"x")
        await house.everybody_left()
        assert made(house) == []


async def test_a_server_that_stops_may_stop_whoever_has_left_so() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        gate = house.s3.hold("PutObject")
        client.send(commands("MKD d1", "MKD d2"))
        client.close()
        await gate.entered.wait()
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        await turns(100)
        gate.open.set()
        await closing
        assert made(house) == ["d1"]


# The server is stopped.


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_who_has_a_transfer_under_way_when_the_time_is_over_hears_that_it_was_aborted(direction: str) -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/big", bytes(30_000_000))
        client = await house.log_in()
        if direction == "up":
            data = await client.begin_upload("d1")
            await all_taken(data)
        else:
            reader, data = await client.data()
            assert (await client.say("RETR big"))[0] == 150
            assert await reader.read(1)
        closing = house.tasks.start(house.listener.close(drain_timeout_s=30), name="close")
        await turns()
        pass_time(31)
        assert [await client.reply() for _ in range(3)] == [
            (426, "426 Transfer aborted.\n"),
            (421, "421 The service is shutting down, closing the connection.\n"),
            (0, ""),
        ]
        client.close()
        await closing
        data.transport.abort()
        assert made(house) == []


async def test_who_does_not_close_after_that_is_cut() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        await client.begin_upload("d1")
        closing = house.tasks.start(house.listener.close(drain_timeout_s=0), name="close")
        while not closing.done():
            pass_time(0.5)
            await turns()
        await house.everybody_left()
        assert made(house) == []
