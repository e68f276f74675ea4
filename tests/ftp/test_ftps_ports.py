"""FTPS on a port of its own or one that it shares, and the certificates that are shown there."""

import ssl

import pytest
from tests.fakes.certificates import FakeCertificates, client_context, self_signed
from tests.fakes.ftp_house import (
    PATIENCE_S,
    FtpHouse,
    ftp_house,
    ftp_server,
    pass_time,
    turns,
)
from tests.fakes.ftps_streams import FTP, FTPS, FtpsClient, admit, ftps_house, hello, log_in, secure, was_cut
from tests.fakes.loopback import all_taken

from crossdock.core.servers import FTPS_TAG
from crossdock.ports.certificates import CertificateUnavailable

# Implicit TLS.

IMPLICIT = {"tags": {FTPS_TAG: "implicit"}}


async def implicit(house: FtpHouse) -> FtpsClient:
    client = FtpsClient(await house.connect(), client_context())
    await client.control.shake()
    return client


async def test_implicit_tls_greets_under_tls_and_works_as_the_other_does() -> None:
    async with ftps_house(server=IMPLICIT) as house:
        client = await implicit(house)
        assert (await client.reply())[0] == 220
        assert (await client.say("AUTH TLS"))[0] == 534
        await admit(client)
        assert (await client.store("a", b"x"))[0] == 226
        assert [one.protocol for one in house.door.attempts] == [FTPS]


async def test_nothing_is_said_in_the_clear_where_tls_is_implicit() -> None:
    async with ftps_house(server=IMPLICIT) as house:
        client = await house.connect()
        client.send(b"USER user1\r\n")
        assert await was_cut(client)
        silent = await house.connect()
        await all_taken(silent.writer)
        pass_time(61)
        assert await was_cut(silent)
        await house.everybody_left()


async def test_one_connection_too_many_is_refused_without_a_word_where_tls_is_implicit() -> None:
    async with ftps_house(server=IMPLICIT, per_address=1) as house:
        client = await implicit(house)
        assert (await client.reply())[0] == 220
        assert await was_cut(await house.connect())


async def test_commands_that_do_not_wait_for_the_greeting_are_answered_behind_it() -> None:
    async with ftps_house(server=IMPLICIT) as house:
        client = await implicit(house)
        client.send(b"USER user1\r\nPASS secret\r\nNOOP\r\n")
        assert [(await client.reply())[0] for _ in range(4)] == [220, 331, 230, 200]


async def test_implicit_tls_and_the_rest_cannot_share_a_port() -> None:
    async with ftp_house() as house:
        with pytest.raises(OSError, match="implicit TLS") as raised:
            await house.edge.open(ftp_server(protocols=(FTPS,), **IMPLICIT), FTPS, "127.0.0.1", house.port)
        assert raised.value.errno is None
        assert (await hello(house)) is not None


async def test_an_implicit_server_that_stops_sends_its_clients_away() -> None:
    async with ftps_house(server=IMPLICIT) as house:
        shaking, client = await house.connect(), await implicit(house)
        assert (await client.reply())[0] == 220
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        assert (await client.reply())[0] == 421
        assert await was_cut(shaking)
        client.close()
        shaking.close()
        await closing


# FTP and FTPS of one server on one port.


async def test_taking_ftps_away_sends_its_clients_away_and_no_others() -> None:
    async with ftps_house(FTP, FTPS) as house:
        plain, client = await house.log_in("user1"), await log_in(house, "user2")
        closing = house.tasks.start(house.listeners[1].close(drain_timeout_s=PATIENCE_S), name="close")
        assert (await client.reply())[0] == 421
        client.close()
        await closing
        assert (await plain.store("a", b"x"))[0] == 226
        late = await hello(house)
        assert (await late.say("AUTH TLS"))[0] == 502
        assert (await late.say("USER user1"))[0] == 331


async def test_taking_ftp_away_sends_its_clients_away_and_no_others() -> None:
    async with ftps_house(FTP, FTPS) as house:
        plain, client = await house.log_in("user1"), await log_in(house, "user2")
        stranger = await hello(house)
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        assert (await plain.reply())[0] == 421
        assert (await stranger.reply())[0] == 421
        plain.close()
        stranger.close()
        await closing
        assert (await client.store("a", b"x"))[0] == 226
        late = await hello(house)
        assert (await late.say("USER user1"))[0] == 530
        assert (await (await log_in(house)).store("b", b"x"))[0] == 226


async def test_a_private_upload_may_finish_when_ftps_is_taken_away() -> None:
    async with ftps_house(FTP, FTPS) as house:
        client = await log_in(house)
        data = await client.begin_tls_upload()
        closing = house.tasks.start(house.listeners[1].close(drain_timeout_s=PATIENCE_S), name="close")
        await turns()
        await data.close()
        assert [(await client.reply())[0] for _ in range(2)] == [226, 421]
        client.close()
        await closing


async def test_who_comes_after_ftps_was_opened_again_is_not_drained_with_those_before() -> None:
    async with ftps_house(FTP, FTPS) as house:
        early = await log_in(house, "user1")
        data = await early.begin_tls_upload()
        closing = house.tasks.start(house.listeners[1].close(drain_timeout_s=0.05), name="close")
        await turns()
        server = ftp_server(protocols=(FTP, FTPS))
        house.listeners[1] = await house.edge.open(server, FTPS, "127.0.0.1", house.port)
        late = await log_in(house, "user2")
        await closing
        assert [(await early.reply())[0] for _ in range(2)] == [426, 421]
        data.writer.close()
        assert (await late.store("b", b"x"))[0] == 226


# Certificates.


async def test_a_new_certificate_counts_at_the_next_connection() -> None:
    certificates = FakeCertificates()
    async with ftps_house(certificates=certificates) as house:
        early = await log_in(house)
        certificates.current = self_signed("renewed")
        renewed = client_context(certificates.current)
        renewed.check_hostname = False
        late = await log_in(house, "user2", renewed)
        assert (await late.store("a", b"x"))[0] == 226
        assert (await early.store("a", b"x"))[0] == 226
        with pytest.raises(ssl.SSLCertVerificationError):
            await secure(house)


async def test_the_last_certificate_is_shown_while_none_can_be_had() -> None:
    certificates = FakeCertificates()
    async with ftps_house(certificates=certificates) as house:
        certificates.current = None
        assert (await (await log_in(house)).store("a", b"x"))[0] == 226


async def test_without_a_certificate_ftps_does_not_open_and_the_sentence_is_passed_on() -> None:
    certificates = FakeCertificates()
    async with ftp_house(certificates=certificates) as house:
        certificates.current = None
        with pytest.raises(OSError, match="the certificate is gone") as raised:
            await house.edge.open(ftp_server(protocols=(FTP, FTPS)), FTPS, "127.0.0.1", house.port)
        assert raised.value.errno is None
        assert isinstance(raised.value.__cause__, CertificateUnavailable)
        client = await hello(house)
        assert (await client.say("AUTH TLS"))[0] == 502
