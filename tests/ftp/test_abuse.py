"""Bad input: it costs its sender the connection or an error, others nothing."""

import pytest
from tests.fakes.ftp_house import ftp_house, pass_time, turns
from tests.fakes.loopback import held_back


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
        client.send((b"NOOP\r\n" * 9 + b"SIZE gone\r\n") * 1000 + b"QUIT\r\n")
        codes = [line[:4] for line in (await client.rest()).splitlines()]
        assert codes == ([b"200 "] * 9 + [b"550 "]) * 1000 + [b"221 "]


async def test_others_are_served_while_one_sends_ten_thousand_commands() -> None:
    async with ftp_house() as house:
        greedy, modest = await house.log_in("user1"), await house.log_in("user2")
        greedy.send(b"NOOP\r\n" * 10_000 + b"QUIT\r\n")
        assert (await modest.say("NOOP"))[0] == 200
        assert (await greedy.rest()).count(b"200 ") == 10_000


async def test_a_client_that_does_not_read_its_replies_is_held_back_and_cut_off() -> None:
    async with ftp_house(unread_timeout_s=600) as house:
        client = await house.log_in()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"FEAT\r\n" * 1_000_000)
        await held_back(client.writer)
        pass_time(300)
        await held_back(client.writer)
        assert house.limits.connections == 1
        assert client.writer.transport.get_write_buffer_size() > 0, "all of it was taken"
        pass_time(300)
        await house.everybody_left()


async def test_a_slow_reader_gets_every_reply_in_the_end() -> None:
    count = 10_000
    async with ftp_house() as house:
        client = await house.log_in()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"FEAT\r\n" * count + b"QUIT\r\n")
        await turns(500)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        said = await client.rest()
        assert said.count(b"211 End\r\n") == count
        assert said.endswith(b"221 Goodbye.\r\n")
