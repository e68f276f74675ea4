"""The driver on loopback: what a client sees of the whole edge."""

import asyncio
import ftplib
import io
import socket

import pytest
from tests.fakes.ftp_house import PATIENCE_S, FtpClient, FtpHouse, eventually, ftp_house, ftp_server, read_to_end

from crossdock.core.errors import Denied, OutOfSpace, Unavailable
from crossdock.core.homes import HomeMapping, LogicalHome
from crossdock.settings import FtpSettings, LoginSettings

FIN_WAIT_2 = b"\x05"
"""TCP's state when the other side's kernel has the end of what was sent."""
SOME = bytes(range(256)) * 40


@pytest.fixture(params=[True, False], ids=["staging", "parts"])
def stages(request: pytest.FixtureRequest) -> bool:
    """Both ways of an upload: through a file on this disk, or through parts in memory."""
    return bool(request.param)


# Files.


@pytest.mark.parametrize("size", [0, 1, 4096, 65536, 300_000, 9_000_001])
async def test_what_was_stored_is_what_is_fetched(stages: bool, size: int) -> None:
    content = (SOME * (size // len(SOME) + 1))[:size]
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        assert (await client.store("a.bin", content))[0] == 226
        assert house.content("user1/a.bin") == content
        assert await client.fetch("RETR a.bin") == (226, content)
        assert await client.say("SIZE a.bin") == (213, f"213 {size}\n")


async def test_python_s_ftplib_does_everything(stages: bool) -> None:
    def work(port: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", port, timeout=PATIENCE_S)
            ftp.login("user1", "secret")
            assert ftp.pwd() == "/home/user1"
            assert ftp.mkd("in") == "/home/user1/in"
            ftp.cwd("in")
            ftp.storbinary("STOR ü 1.txt", io.BytesIO(SOME))
            assert ftp.nlst() == ["ü 1.txt"]
            assert ftp.size("ü 1.txt") == len(SOME)
            facts = dict(ftp.mlsd(facts=["type", "size"]))
            assert facts == {"ü 1.txt": {"type": "file", "size": str(len(SOME))}}
            lines: list[str] = []
            ftp.dir(lines.append)
            assert lines[0].startswith("-rwxr--r--   1 - -        10240 Mar 15 ")
            assert lines[0].endswith(" ü 1.txt")
            got = io.BytesIO()
            ftp.retrbinary("RETR ü 1.txt", got.write)
            assert got.getvalue() == SOME
            ftp.rename("ü 1.txt", "b.txt")
            ftp.delete("b.txt")
            ftp.cwd("..")
            ftp.rmd("in")
            assert ftp.nlst() == []
            with pytest.raises(ftplib.error_perm, match="550"):
                ftp.cwd("in")
            ftp.quit()

    async with ftp_house(stages=stages) as house:
        await asyncio.to_thread(work, house.port)
        await house.everybody_left()
        assert house.names() == ["user1/", "user2/", "user3/"]
        assert house.log.activities()[-1] == "DISCONNECTED"


async def test_stou_stores_under_the_name_it_told() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        _, data = await client.data()
        code, text = await client.say("STOU")
        assert code == 150
        name = text.removeprefix("150 FILE: ").strip()
        data.write(b"x")
        data.close()
        assert (await client.reply())[0] == 226
        assert house.content(f"user1/{name}") == b"x"


async def test_nothing_is_visible_and_nothing_acknowledged_before_the_commit() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        _, data = await client.data()
        assert (await client.say("STOR a"))[0] == 150
        gate = house.s3.hold("PutObject")
        data.write(b"x")
        data.close()
        async with asyncio.timeout(PATIENCE_S):
            await gate.entered.wait()
        assert "user1/a" not in house.names()
        client.send(b"NOOP\r\n")
        assert (await client.reply())[0] == 200  # and no 226 before it
        gate.open.set()
        assert (await client.reply())[0] == 226
        assert house.content("user1/a") == b"x"


@pytest.mark.parametrize(("error", "code"), [(Denied("no"), 550), (OutOfSpace("full"), 452), (Unavailable("x"), 451)])
async def test_a_commit_that_fails_is_not_acknowledged(error: Denied, code: int) -> None:
    async with ftp_house(stages=False) as house:
        client = await house.log_in()
        house.s3.fail("PutObject", error)
        assert (await client.store("a", b"x"))[0] == code
        assert "user1/a" not in house.names()
        assert (await client.store("a", b"y"))[0] == 226


async def test_a_denied_upload_is_refused_before_any_data() -> None:
    async with ftp_house() as house:
        house.door.actions = frozenset({"s3:ListBucket", "s3:GetObject"})
        client = await house.log_in()
        reader, data = await client.data()
        assert (await client.say("STOR a"))[0] == 550
        assert await reader.read() == b""
        data.close()


async def test_a_drop_box_needs_no_more_than_put_object() -> None:
    async with ftp_house() as house:
        house.door.actions = frozenset({"s3:PutObject"})
        client = await house.log_in()
        assert (await client.store("a", b"x"))[0] == 226
        assert (await client.fetch("RETR a"))[0] == 550


async def test_a_download_that_the_store_breaks_off_is_reset_and_451() -> None:
    async with ftp_house(stages=False) as house:
        info = house.s3.add("home", "user1/a", b"x" * 100)
        stored = house.s3.buckets["home"]["user1/a"]
        house.s3.buckets["home"]["user1/a"] = type(stored)(b"x" * 50, info)
        client = await house.log_in()
        reader, data = await client.data()
        assert (await client.say("RETR a"))[0] == 150
        with pytest.raises(ConnectionResetError):
            await read_to_end(reader)
        assert (await client.reply())[0] == 451
        data.close()


# Directories.


async def test_listings_show_files_and_directories() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/d/x", b"x")
        house.s3.add("home", "user1/f", b"12345")
        client = await house.log_in()
        _, text = await client.fetch("LIST")
        directory, file = sorted(text.decode().splitlines(), reverse=True)
        assert directory == "drwxr--r--   1 - -            0 Jan  1  1970 d"
        assert file.startswith("-rwxr--r--   1 - -            5 Mar 15 00:47")
        assert sorted((await client.fetch("NLST"))[1].split()) == [b"d", b"f"]
        assert (await client.fetch("MLSD"))[1].count(b"type=dir; d\r\n") == 1
        assert (await client.fetch("LIST -la d"))[1].endswith(b" x\r\n")


async def test_the_listing_of_a_file_is_that_file_but_mlsd_wants_a_directory() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/f", b"12345")
        client = await house.log_in()
        code, text = await client.fetch("LIST f")
        assert code == 226
        assert text.endswith(b" f\r\n")
        assert (await client.fetch("MLSD f"))[0] == 550


@pytest.mark.parametrize("command", ["LIST gone", "NLST gone", "MLSD gone"])
async def test_a_missing_directory_is_550(command: str) -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert (await client.fetch(command))[0] == 550
        assert (await client.say("CWD gone"))[0] == 550
        assert (await client.say("STAT gone"))[0] == 550


async def test_an_empty_directory_is_an_empty_listing() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert await client.fetch("LIST") == (226, b"")
        assert await client.say("STAT /home/user1") == (
            213,
            "213-Status of /home/user1:\n213 End of status.\n",
        )


async def test_a_long_listing_is_complete_over_both_connections() -> None:
    async with ftp_house() as house:
        for number in range(3000):
            house.s3.add("home", f"user1/{number:05}")
        client = await house.log_in()
        code, text = await client.fetch("NLST")
        assert code == 226
        assert text.decode().split() == [f"{number:05}" for number in range(3000)]
        code, status = await client.say("STAT .")
        assert code == 213
        assert len(status.splitlines()) == 3002


async def test_a_logical_home_is_a_tree_of_its_own() -> None:
    async with ftp_house() as house:
        house.door.home = LogicalHome(
            mappings=(HomeMapping(entry="/in", target="/home/user2"), HomeMapping(entry="/out/x", target="/home/user3"))
        )
        client = await house.log_in()
        assert (await client.say("PWD"))[1].startswith('257 "/"')
        assert sorted((await client.fetch("NLST"))[1].split()) == [b"in", b"out"]
        assert (await client.store("/in/a", b"x"))[0] == 226
        assert house.content("user2/a") == b"x"
        assert (await client.store("/b", b"x"))[0] == 550


# Interrupted transfers: nothing of them is kept.


async def begin_upload(client: FtpClient, name: str = "a") -> asyncio.StreamWriter:
    """An upload that has sent something and goes on."""
    _, data = await client.data()
    assert (await client.say(f"STOR {name}"))[0] == 150
    data.write(b"x" * 100_000)
    await data.drain()
    return data


async def assert_nothing_kept(house: FtpHouse) -> None:
    await house.everybody_left()
    assert house.names() == ["user1/", "user2/", "user3/"]
    assert not house.s3.staged
    assert not house.s3.uploads


async def test_abor_during_an_upload_keeps_nothing(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        data = await begin_upload(client)
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
        data = await begin_upload(client)
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
        house.s3.add("home", "user1/big", b"x" * 30_000_000)
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
        data = await begin_upload(client)
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
        data = await begin_upload(client)
        data.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        data.transport.abort()
        assert (await client.reply())[0] == 426
        client.close()
        await assert_nothing_kept(house)
        assert "PARTIAL_CLOSE" in house.log.activities()


async def test_a_control_connection_that_is_closed_during_an_upload_keeps_nothing(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        data = await begin_upload(client)
        client.close()
        await assert_nothing_kept(house)
        data.close()


async def test_a_client_that_dies_during_an_upload_keeps_nothing(stages: bool) -> None:
    """Both connections end in the same moment, as when a process is killed."""
    async with ftp_house(stages=stages) as house:
        for _ in range(30):
            client = await house.log_in()
            data = await begin_upload(client)
            client.writer.transport.abort()
            data.transport.abort()
            await assert_nothing_kept(house)


async def test_a_control_connection_that_is_reset_during_an_upload_keeps_nothing() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await begin_upload(client)
        client.reset()
        await assert_nothing_kept(house)
        data.close()


async def test_a_half_closed_control_connection_is_noticed_behind_unread_commands() -> None:
    """The commands behind the upload fill every queue, so that the end of the connection cannot be read."""
    async with ftp_house() as house:
        client = await house.log_in()
        data = await begin_upload(client)
        client.send(b"PWD\r\n" * 100)
        client.writer.write_eof()
        connection: socket.socket = client.writer.get_extra_info("socket")
        await eventually(lambda: connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == FIN_WAIT_2)
        data.close()
        assert (await client.reply())[0] == 426
        client.abandon()
        await assert_nothing_kept(house)


async def test_a_stalled_upload_is_given_up() -> None:
    settings = FtpSettings(stalled_timeout_s=0.05)
    async with ftp_house(ftp=settings) as house:
        client = await house.log_in()
        data = await begin_upload(client)
        assert await client.reply() == (426, "426 Transfer stalled for too long, aborted.\n")
        assert (await client.say("NOOP"))[0] == 200
        client.close()
        await assert_nothing_kept(house)
        data.close()


async def test_a_stalled_download_is_given_up() -> None:
    async with ftp_house(ftp=FtpSettings(stalled_timeout_s=0.05)) as house:
        house.s3.add("home", "user1/big", b"x" * 30_000_000)
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
        for number in range(20):
            port = await client.passive()
            content = SOME * 20
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(content)
            connection.close()
            assert (await client.say(f"STOR {number}"))[0] == 150
            assert (await client.reply())[0] == 226
            assert house.content(f"user1/{number}") == content


# Data connections from elsewhere.


async def test_a_data_connection_from_another_address_is_never_served() -> None:
    async with ftp_house(ftp=FtpSettings(data_connect_timeout_s=0.2)) as house:
        house.s3.add("home", "user1/f", b"mine")
        client = await house.log_in()
        port = await client.passive()
        reader, foreign = await client.connect_data(port, source="127.0.0.2")
        assert (await client.say("RETR f"))[0] == 150
        assert await reader.read() == b""
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
    async with ftp_house(ftp=FtpSettings(data_connect_timeout_s=0.05)) as house:
        client = await house.log_in()
        await client.passive()
        assert (await client.say("LIST"))[0] == 150
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
        for number in range(30):
            replies = await asyncio.gather(
                *(client.store(f"{number}", f"{index} {number}".encode()) for index, client in enumerate(clients))
            )
            assert [code for code, _ in replies] == [226, 226, 226]
        for number in range(30):
            for index, user in enumerate(("user1", "user2", "user3")):
                assert house.content(f"{user}/{number}") == f"{index} {number}".encode()


# Bad input.


async def test_garbage_gets_errors_and_others_go_on() -> None:
    async with ftp_house() as house:
        good, bad = await house.log_in(), await house.connect()
        assert (await bad.reply())[0] == 220
        bad.send(bytes(range(256)) * 100 + b"\r\n")
        while (code := (await bad.reply())[0]) and code == 500:
            if (await good.say("NOOP"))[0] != 200:
                pytest.fail("another client suffered")
            bad.send(b"QUIT\r\n")
        assert code in (501, 221)


async def test_a_line_of_a_megabyte_is_one_error() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        client.send(b"STOR " + b"x" * (1 << 20) + b"\r\nNOOP\r\n")
        assert (await client.reply())[0] == 500
        assert (await client.reply())[0] == 200


async def test_ten_thousand_commands_in_one_packet_are_answered_in_order() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        client.send(b"NOOP\r\nSIZE gone\r\n" * 5000 + b"QUIT\r\n")
        for _ in range(5000):
            assert (await client.reply())[0] == 200
            assert (await client.reply())[0] == 550
        assert (await client.reply())[0] == 221
        assert await client.reply() == (0, "")


async def test_others_are_served_while_one_sends_ten_thousand_commands() -> None:
    async with ftp_house() as house:
        greedy, modest = await house.log_in("user1"), await house.log_in("user2")
        greedy.send(b"NOOP\r\n" * 10_000)
        assert (await modest.say("NOOP"))[0] == 200
        for _ in range(10_000):
            assert (await greedy.reply())[0] == 200


async def test_a_client_that_does_not_read_its_replies_is_held_back_and_cut_off() -> None:
    async with ftp_house(unread_timeout_s=0.3) as house:
        client = await house.log_in()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"FEAT\r\n" * 1_000_000)
        await house.everybody_left()
        assert client.writer.transport.get_write_buffer_size() > 0, "all of it was taken"


async def test_a_slow_reader_gets_every_reply_in_the_end() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"FEAT\r\n" * 30_000 + b"QUIT\r\n")
        await eventually(lambda: client.writer.transport.get_write_buffer_size() < 100)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(30_000):
            assert (await client.reply())[0] == 211
        assert (await client.reply())[0] == 221


# Logins, time and limits.


async def test_a_refused_login_says_nothing_and_three_end_the_connection() -> None:
    async with ftp_house() as house:
        client = await house.connect()
        assert (await client.reply())[0] == 220
        for user in ("user1", "nobody", "../x"):
            assert (await client.say(f"USER {user}"))[0] == 331
            assert await client.say("PASS wrong") == (530, "530 Login incorrect.\n")
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")
        assert [(a.username, a.source_ip, a.protocol) for a in house.door.attempts] == [
            (user, "127.0.0.1", "FTP") for user in ("user1", "nobody", "../x")
        ]


async def test_a_stranger_has_only_so_long_whatever_it_says() -> None:
    async with ftp_house(login=LoginSettings(pre_login_timeout_s=0.3)) as house:
        client = await house.connect()
        assert (await client.reply())[0] == 220
        codes = []
        while (code := (await client.say("NOOP"))[0]) == 200:
            codes.append(code)
        assert code == 421
        assert len(codes) > 3


async def test_an_idle_user_is_sent_away_later_than_a_stranger() -> None:
    settings = FtpSettings(idle_timeout_s=0.3)
    async with ftp_house(ftp=settings, login=LoginSettings(pre_login_timeout_s=0.1)) as house:
        client = await house.log_in()
        started = asyncio.get_running_loop().time()
        assert (await client.reply())[0] == 421
        assert asyncio.get_running_loop().time() - started >= 0.25
        client.close()
        await house.everybody_left()
        assert house.log.events[-1][1]["message"] == "Idle for too long, closing the connection."


async def test_a_slow_login_is_not_idleness() -> None:
    async with ftp_house(login=LoginSettings(pre_login_timeout_s=0.1)) as house:
        house.door.gate = asyncio.Event()
        client = await house.connect()
        await client.reply()
        await client.say("USER user1")
        client.send(b"PASS secret\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.reader.readline()
        house.door.gate.set()
        assert (await client.reply())[0] == 230


async def test_a_client_that_leaves_during_its_login_leaves_no_session_behind() -> None:
    async with ftp_house() as house:
        house.door.gate = asyncio.Event()
        client = await house.connect()
        await client.reply()
        await client.say("USER user1")
        client.send(b"PASS secret\r\n")
        await eventually(lambda: bool(house.door.attempts))
        client.close()
        assert (await read_to_end(client.reader)) == b""
        assert house.limits.connections == 1  # still counted: the login is still being decided
        house.door.gate.set()
        await house.everybody_left()
        assert house.log.activities()[-1] == "DISCONNECTED"


async def test_one_connection_too_many_is_421() -> None:
    async with ftp_house(per_address=2) as house:
        first, second = await house.connect(), await house.connect()
        assert (await first.reply())[0] == 220
        assert (await second.reply())[0] == 220
        third = await house.connect()
        assert (await third.reply())[0] == 421
        assert await third.reply() == (0, "")
        other = await house.connect(source="127.0.0.2")
        assert (await other.reply())[0] == 220
        first.close()
        await eventually(lambda: house.limits.connections < 3)
        assert (await (await house.connect()).reply())[0] == 220


async def test_an_error_inside_ends_that_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async with ftp_house() as house:
        good = await house.log_in()
        house.door.failure = RuntimeError("a mistake of ours")
        bad = await house.connect()
        await bad.reply()
        await bad.say("USER user1")
        assert (await bad.say("PASS secret"))[0] == 421
        assert await bad.reply() == (0, "")
        assert (await good.say("NOOP"))[0] == 200
        (record,) = [r for r in caplog.records if r.message == "ftp connection failed"]
        assert record.__dict__["source_ip"] == "127.0.0.1"
        assert "secret" not in caplog.text.replace('"PASS secret"', "")


async def test_a_health_checker_that_closes_at_once_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with ftp_house() as house:
        for _ in range(20):
            client = await house.connect()
            client.reset()
        client = await house.log_in()
        client.close()
        await house.everybody_left()
        assert not caplog.records
        assert house.log.activities() == ["DISCONNECTED"]


# The server's own settings and life.


async def test_banners_and_passive_address_are_the_servers() -> None:
    server = ftp_server(pre_login_banner="Hello\nthere", post_login_banner="Bye", passive_ip="198.51.100.9")
    async with ftp_house(server=server) as house:
        client = await house.connect()
        assert (await client.reply())[1].startswith("220-Hello\n there\n220 ")
        await client.say("USER user1")
        assert await client.say("PASS secret") == (230, "230-Bye\n230 Logged in.\n")
        assert (await client.say("PASV"))[1].startswith("227 Entering Passive Mode (198,51,100,9,")


async def test_passive_address_auto_is_the_one_the_client_connected_to() -> None:
    async with ftp_house(host="0.0.0.0") as house:
        client = await house.log_in(host="127.0.0.3")
        assert (await client.say("PASV"))[1].startswith("227 Entering Passive Mode (127,0,0,3,")
        assert (await client.store("a", b"x"))[0] == 226


async def test_over_ipv6_epsv_works_and_ipv4_clients_are_ipv4() -> None:
    async with ftp_house(host="::") as house:
        six = await house.log_in(source="::1", host="::1")
        assert (await six.say("PASV"))[0] == 502
        assert (await six.store("a", b"six"))[0] == 226
        four = await house.log_in("user2")
        assert (await four.say("PASV"))[0] == 227
        assert (await four.store("a", b"four"))[0] == 226
        assert [a.source_ip for a in house.door.attempts] == ["::1", "127.0.0.1"]


async def test_changed_settings_count_for_later_connections() -> None:
    async with ftp_house() as house:
        early = await house.log_in()
        house.listener.update(ftp_server(pre_login_banner="New", passive_ip="0.0.0.0"))
        late = await house.connect()
        assert "New" in (await late.reply())[1]
        assert "(127,0,0,1," in (await early.say("PASV"))[1]


async def test_a_server_that_stops_lets_a_transfer_finish_and_sends_the_idle_away() -> None:
    async with ftp_house() as house:
        idle, busy = await house.log_in("user1"), await house.log_in("user2")
        data = await begin_upload(busy)
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        assert (await idle.reply())[0] == 421
        with pytest.raises(ConnectionRefusedError):
            await house.connect()
        data.close()
        assert (await busy.reply())[0] == 226
        assert (await busy.reply())[0] == 421
        busy.close()
        idle.close()
        await closing
        assert len(house.content("user2/a")) == 100_000


async def test_a_transfer_that_does_not_finish_in_time_is_cut_and_keeps_nothing() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await begin_upload(client)
        await house.listener.close(drain_timeout_s=0.05)
        await assert_nothing_kept(house)
        data.close()


async def test_servers_on_one_address_share_the_passive_ports() -> None:
    async with ftp_house() as house:
        other = await house.edge.open(ftp_server(), "127.0.0.1", 0)
        assert other.passive_ports == house.listener.passive_ports
        assert len(set(other.passive_ports)) == 9
        await other.close(drain_timeout_s=0)
        client = await house.log_in()
        assert (await client.store("a", b"x"))[0] == 226


async def test_passive_ports_chosen_by_the_system_are_kept_while_the_service_runs() -> None:
    async with ftp_house() as house:
        ports = house.listener.passive_ports
        await house.listener.close(drain_timeout_s=0)
        again = await house.edge.open(ftp_server(), "127.0.0.1", 0)
        assert again.passive_ports == ports
        await again.close(drain_timeout_s=0)


async def test_a_busy_control_port_is_an_os_error_and_leaves_the_others_alone() -> None:
    async with ftp_house() as house:
        with pytest.raises(OSError, match="in use"):
            await house.edge.open(ftp_server(), "127.0.0.1", house.port)
        client = await house.log_in()
        assert (await client.store("a", b"x"))[0] == 226
