"""Whoever is, or comes to be, where nobody is served any more is sent away, and a question ends with its server."""

import pytest
from tests.fakes.certificates import client_context
from tests.fakes.ftp_house import FtpHouse, eventually, ftp_house, ftp_server
from tests.fakes.ftps_streams import FTP, FTPS, FtpsClient, ftps_house, hello, was_cut

from crossdock.core.ids import ServerId
from crossdock.core.servers import HOSTNAME_TAG

RED, BLUE = ServerId("s-0000000000000000a"), ServerId("s-0000000000000000b")


async def add_blue(house: FtpHouse) -> None:
    blue = ftp_server(server_id=BLUE, tags={HOSTNAME_TAG: "blue.example"})
    house.listeners.append(await house.edge.open(blue, FTP, "127.0.0.1", house.port))


async def test_rein_to_a_server_that_has_left_is_goodbye() -> None:
    async with ftp_house(server=ftp_server(server_id=RED)) as house:
        await add_blue(house)
        client = await hello(house)
        assert (await client.say("HOST blue.example"))[0] == 220
        await house.listener.close(drain_timeout_s=0)
        assert (await client.say("REIN"))[0] == 421
        assert await client.reply() == (0, "")


async def test_rein_to_a_server_that_was_opened_again_is_a_greeting() -> None:
    async with ftp_house(server=ftp_server(server_id=RED)) as house:
        await add_blue(house)
        client = await hello(house)
        assert (await client.say("HOST blue.example"))[0] == 220
        await house.listener.close(drain_timeout_s=0)
        house.listeners[0] = await house.edge.open(ftp_server(server_id=RED), FTP, "127.0.0.1", house.port)
        assert (await client.say("REIN"))[0] == 220


async def test_auth_where_ftps_was_taken_away_is_goodbye_under_tls() -> None:
    async with ftps_house(FTP, FTPS) as house:
        plain = await hello(house)
        await house.listeners[1].close(drain_timeout_s=0)
        assert (await plain.say("AUTH TLS"))[0] == 234
        client = FtpsClient(plain, client_context())
        await client.control.shake()
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")


async def test_who_begins_tls_where_ftps_was_taken_away_does_not_outlive_the_server() -> None:
    async with ftps_house(FTP, FTPS) as house:
        client = await hello(house)
        await house.listeners[1].close(drain_timeout_s=0)
        assert (await client.say("AUTH TLS"))[0] == 234
        await house.listener.close(drain_timeout_s=0.02)
        assert await was_cut(client)
        await house.everybody_left()


async def test_a_rename_that_has_not_begun_to_move_is_given_up_when_its_server_stops(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/a", b"x")
        client = await house.log_in()
        assert (await client.say("RNFR a"))[0] == 350
        gate = house.s3.hold("HeadObject")
        client.send(b"RNTO b\r\nDELE a\r\n")
        await eventually(gate.entered.is_set)
        await house.listener.close(drain_timeout_s=0)
        assert house.limits.connections == 0
        gate.open.set()
        assert "user1/a" in house.names()
        assert "user1/b" not in house.names()
        assert not [record for record in caplog.records if record.levelname != "INFO"]


async def test_a_rename_that_moves_is_finished_though_its_server_stops() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/a", b"x")
        client = await house.log_in()
        assert (await client.say("RNFR a"))[0] == 350
        gate = house.s3.hold("DeleteObject")
        client.send(b"RNTO b\r\n")
        await eventually(gate.entered.is_set)
        closing = house.tasks.start(house.listener.close(drain_timeout_s=0), name="close")
        assert await was_cut(client)
        assert house.limits.connections == 1
        gate.open.set()
        await closing
        assert house.names() == ["user1/", "user1/b", "user2/", "user3/"]
