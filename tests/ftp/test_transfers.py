"""Transfers that are interrupted keep nothing; data connections belong to who expects them."""

import asyncio
import fcntl
import socket
import sys
import termios
from collections.abc import Mapping

import pytest
from tests.fakes.ftp_house import PATIENCE_S, SOME, FtpHouse, eventually, ftp_house, pass_time, read_to_end, turns
from tests.fakes.loopback import all_taken

from crossdock.ports.state import JsonValue
from crossdock.settings import FtpSettings

FIN_WAIT_2 = b"\x05"
"""TCP's state when the other side's kernel has the end of what was sent."""


@pytest.fixture(params=[True, False], ids=["staging", "parts"])
def stages(request: pytest.FixtureRequest) -> bool:
    """Both ways of an upload: through a file on this disk, or through parts in memory."""
    return bool(request.param)


async def test_abor_during_an_upload_keeps_nothing(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        assert (await client.say("ABOR"))[0] == 426
        assert (await client.reply())[0] == 226
        assert (await client.say("SIZE a"))[0] == 550
        assert (await client.store("b", b"later"))[0] == 226
        data.close()
        assert house.names() == ["user1/", "user1/b", "user2/", "user3/"]
        assert not house.s3.staged


async def test_abor_with_urgent_data_is_heard() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await client.begin_upload()
        connection: socket.socket = client.writer.get_extra_info("socket")._sock
        connection.send(b"\xff\xf4\xff", socket.MSG_OOB)
        connection.send(b"\xf2ABOR\r\n")
        assert (await client.reply())[0] == 426
        assert (await client.reply())[0] == 226
        data.close()


async def test_abor_while_no_data_connection_comes() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        await client.passive()
        assert (await client.say("STOR a"))[0] == 150
        assert (await client.say("ABOR"))[0] == 426
        assert (await client.reply())[0] == 226


async def test_abor_during_a_download_resets_the_data_connection(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        house.s3.add("home", "user1/big", b"x" * 12_000_000)
        client = await house.log_in()
        reader, data = await client.data()
        assert (await client.say("RETR big"))[0] == 150
        await reader.readexactly(1000)
        assert (await client.say("ABOR"))[0] == 426
        assert (await client.reply())[0] == 226
        with pytest.raises(ConnectionResetError):
            await read_to_end(reader)
        data.close()


async def test_abor_while_the_store_is_asked_ends_the_transfer() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        await client.data()
        gate = house.s3.hold("PutObject")
        client.send(b"STOR a\r\n")
        await gate.entered.wait()
        assert (await client.say("ABOR"))[0] == 426
        assert (await client.reply())[0] == 226


async def test_abor_during_the_commit_comes_too_late() -> None:
    async with ftp_house(stages=False) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        gate = house.s3.hold("PutObject")
        data.close()
        await gate.entered.wait()
        client.send(b"ABOR\r\nNOOP\r\n")
        await asyncio.sleep(0)
        gate.open.set()
        assert (await client.reply())[0] == 226
        assert (await client.reply())[0] == 226
        assert (await client.reply())[0] == 200
        assert len(house.content("user1/a")) == 100_000


async def test_a_data_connection_that_is_reset_keeps_nothing(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        data.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        data.transport.abort()
        assert (await client.reply())[0] == 426
        client.close()
        await house.kept_nothing()
        assert "PARTIAL_CLOSE" in house.log.activities()


async def test_a_control_connection_that_is_closed_during_an_upload_keeps_nothing(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        client.close()
        await house.kept_nothing()
        data.close()


async def test_a_client_that_dies_during_an_upload_keeps_nothing(stages: bool) -> None:
    """Both connections end in the same moment, as when a process is killed."""
    async with ftp_house(stages=stages) as house:
        for _ in range(10):
            client = await house.log_in()
            data = await client.begin_upload()
            client.writer.transport.abort()
            data.transport.abort()
            await house.kept_nothing()


async def test_a_control_connection_that_is_reset_during_an_upload_keeps_nothing() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await client.begin_upload()
        client.reset()
        await house.kept_nothing()
        data.close()


async def test_a_half_closed_control_connection_is_noticed_behind_unread_commands() -> None:
    """The commands behind the upload fill every queue, so that the end of the connection cannot be read."""
    async with ftp_house() as house:
        client = await house.log_in()
        data = await client.begin_upload()
        client.send(b"PWD\r\n" * 100)
        client.writer.write_eof()
        connection: socket.socket = client.writer.get_extra_info("socket")
        await eventually(lambda: connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == FIN_WAIT_2)
        data.close()
        assert (await client.reply())[0] == 426
        client.abandon()
        await house.kept_nothing()


async def test_a_stalled_upload_is_given_up() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await client.begin_upload()
        await all_taken(data)
        pass_time(FtpSettings().stalled_timeout_s)
        assert await client.reply() == (426, "426 Transfer stalled for too long, aborted.\n")
        assert (await client.say("NOOP"))[0] == 200
        client.close()
        await house.kept_nothing()
        data.close()


async def test_a_stalled_download_is_given_up() -> None:
    async with ftp_house(ftp=FtpSettings(stalled_timeout_s=0.05)) as house:
        house.s3.add("home", "user1/big", b"x" * 12_000_000)
        client = await house.log_in()
        _, data = await client.data()
        data.transport.pause_reading()  # type: ignore[attr-defined]
        assert (await client.say("RETR big"))[0] == 150
        assert (await client.reply())[0] == 426
        data.close()


async def test_everything_a_client_sent_before_it_closed_is_read(stages: bool) -> None:
    """The client has sent and closed before the server has even looked."""
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        for number in range(10):
            port = await client.passive()
            content = SOME * 20
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(content)
            connection.close()
            assert (await client.say(f"STOR {number}"))[0] == 150
            assert (await client.reply())[0] == 226
            assert house.content(f"user1/{number}") == content


async def test_an_urgent_byte_is_not_the_end_of_an_upload(stages: bool) -> None:
    """Only what the client closed is answered with 226, and then with all of it stored."""
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        connection = socket.create_connection(("127.0.0.1", await client.passive()))
        assert (await client.say("STOR a"))[0] == 150
        connection.sendall(b"x" * 100_000)
        connection.send(b"!", socket.MSG_OOB)
        connection.sendall(b"y" * 100_000)
        # No reply comes while the connection is open, however far the upload has gone.
        await eventually(lambda: unacknowledged(connection) == 0)
        replied = asyncio.get_running_loop().create_task(client.reply())
        await turns(200)
        assert not replied.done()
        connection.close()
        assert (await replied)[0] == 226
        assert house.content("user1/a") == b"x" * 100_000 + b"!" + b"y" * 100_000


def unacknowledged(sender: socket.socket) -> int:
    """Bytes that the other side's kernel has not acknowledged."""
    return int.from_bytes(fcntl.ioctl(sender, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def partial_close(house: FtpHouse) -> Mapping[str, JsonValue]:
    (event,) = (event for _, event in house.log.events if event["activity-type"] == "PARTIAL_CLOSE")
    return event


async def test_an_aborted_download_is_logged_with_what_had_gone(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        house.s3.add("home", "user1/big", b"x" * 12_000_000)
        client = await house.log_in()
        reader, data = await client.data()
        assert (await client.say("RETR big"))[0] == 150
        await reader.readexactly(1000)
        assert (await client.say("ABOR"))[0] == 426
        assert 1000 <= int(str(partial_close(house)["bytes-out"])) < 12_000_000
        data.close()


async def test_a_cut_upload_is_logged_with_what_had_come(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        with socket.create_connection(("127.0.0.1", await client.passive())) as data:
            data.sendall(b"0123456789")
            data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert (await client.say("STOR a"))[0] == 150
        assert (await client.reply())[0] == 426
        assert partial_close(house)["bytes-in"] == "10"


# Data connections from elsewhere.


async def test_a_session_that_asks_for_ports_without_end_locks_nobody_out() -> None:
    async with ftp_house() as house:
        greedy, modest = await house.log_in("user1"), await house.log_in("user2")
        assert len({await greedy.passive() for _ in range(30)}) == 1
        for number in range(30):
            assert (await modest.store(f"{number}", b"x"))[0] == 226


async def test_a_data_connection_from_another_address_is_never_served() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/f", b"mine")
        client = await house.log_in()
        port = await client.passive()
        reader, foreign = await client.connect_data(port, source="127.0.0.2")
        assert (await client.say("RETR f"))[0] == 150
        assert await reader.read() == b""
        pass_time(PATIENCE_S)
        assert (await client.reply())[0] == 425
        foreign.close()


async def test_a_foreign_connection_does_not_take_the_place_of_the_right_one() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/f", b"mine")
        client = await house.log_in()
        port = await client.passive()
        foreign_reader, foreign = await client.connect_data(port, source="127.0.0.2")
        reader, data = await client.connect_data(port)
        assert (await client.say("RETR f"))[0] == 150
        assert await reader.read() == b"mine"
        assert await foreign_reader.read() == b""
        assert (await client.reply())[0] == 226
        foreign.close()
        data.close()


async def test_a_second_connection_to_the_same_port_is_closed() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        port = await client.passive()
        _, first = await client.connect_data(port)
        reader, second = await client.connect_data(port)
        assert await reader.read() == b""
        first.close()
        second.close()


async def test_no_data_connection_is_425_after_a_while() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        await client.passive()
        assert (await client.say("LIST"))[0] == 150
        pass_time(PATIENCE_S)
        assert (await client.reply())[0] == 425


async def test_the_data_connection_may_come_after_the_command() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/f", b"mine")
        client = await house.log_in()
        port = await client.passive()
        assert (await client.say("RETR f"))[0] == 150
        reader, data = await client.connect_data(port)
        assert await reader.read() == b"mine"
        assert (await client.reply())[0] == 226
        data.close()


async def test_two_users_at_one_address_get_their_own_bytes() -> None:
    async with ftp_house() as house:
        clients = [await house.log_in(user) for user in ("user1", "user2", "user3")]
        for number in range(10):
            replies = await asyncio.gather(
                *(client.store(f"{number}", f"{index} {number}".encode()) for index, client in enumerate(clients))
            )
            assert [code for code, _ in replies] == [226, 226, 226]
        for number in range(10):
            for index, user in enumerate(("user1", "user2", "user3")):
                assert house.content(f"{user}/{number}") == f"{index} {number}".encode()
