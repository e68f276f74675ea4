"""Control connections under TLS: how TLS begins, what is said under it, and how it ends."""

import asyncio
import ssl
from collections.abc import Callable

import pytest
from tests.fakes.certificates import FakeCertificates, client_context, self_signed
from tests.fakes.ftp_house import (
    PATIENCE_S,
    FtpClient,
    eventually,
    pass_time,
    turns,
)
from tests.fakes.ftps_streams import FTP, FTPS, FtpsClient, ftps_house, hello, log_in, secure, was_cut
from tests.fakes.loopback import all_taken, held_back

from crossdock.core.servers import Server
from crossdock.ports.certificates import TlsCertificate

# The handshake.


async def test_commands_behind_auth_in_one_packet_end_the_session_and_are_never_obeyed() -> None:
    async with ftps_house(FTP, FTPS) as house:
        client = await hello(house)
        client.send(b"AUTH TLS\r\nUSER user1\r\nPASS secret\r\n")
        said = await said_before_the_end(client)
        assert said in (b"", b"234 Begin TLS.\r\n")
        await house.everybody_left()
        assert house.door.attempts == []


async def said_before_the_end(client: FtpClient) -> bytes:
    said = b""
    try:
        while some := await client.reader.read(1000):
            said += some
    except ConnectionResetError:
        pass
    return said


async def test_half_a_command_behind_auth_ends_the_session_too() -> None:
    async with ftps_house() as house:
        client = await hello(house)
        client.send(b"AUTH TLS\r\nUS")
        await said_before_the_end(client)
        await house.everybody_left()


@pytest.mark.parametrize(
    "before", [b"HOST nobody.example\r\n", b"USER user1\r\nPASS wrong\r\n"], ids=["a host", "a login"]
)
async def test_an_endless_line_behind_auth_that_waits_ends_the_session_too(before: bytes) -> None:
    async with ftps_house(FTP, FTPS) as house:
        client = await hello(house)
        client.send(before + b"AUTH TLS\r\n" + b"x" * 5000)
        async with asyncio.timeout(PATIENCE_S):
            said = await said_before_the_end(client)
        assert said.splitlines()[-1][:3] in (b"504", b"530", b"234")
        await house.everybody_left()


async def test_what_was_said_in_the_clear_is_forgotten() -> None:
    async with ftps_house(FTP, FTPS) as house:
        plain = await hello(house)
        assert (await plain.say("USER user1"))[0] == 331
        assert (await plain.say("AUTH TLS"))[0] == 234
        client = FtpsClient(plain, client_context())
        await client.control.shake()
        assert (await client.say("PASS secret"))[0] == 503
        assert house.door.attempts == []


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01"], ids=["nothing", "three bytes"])
async def test_a_handshake_that_stands_still_is_cut_by_the_time_that_strangers_have(begun: bytes) -> None:
    async with ftps_house() as house:
        client = await hello(house)
        assert (await client.say("AUTH TLS"))[0] == 234
        client.send(begun)
        await all_taken(client.writer)
        pass_time(61)
        assert await was_cut(client)
        await house.everybody_left()


async def test_garbage_in_place_of_a_client_hello_cuts_that_connection_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ftps_house() as house:
        good, bad = await log_in(house), await hello(house)
        assert (await bad.say("AUTH TLS"))[0] == 234
        bad.send(b"USER user1\r\n" * 100)
        assert await was_cut(bad)
        assert (await good.say("NOOP"))[0] == 200
        assert "user1" not in caplog.text


async def test_a_client_that_trusts_nobody_is_not_an_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async with ftps_house() as house:
        with pytest.raises(ssl.SSLCertVerificationError):
            await secure(house, client_context(self_signed("elsewhere")))
        house.clients[0].abandon()
        await house.everybody_left()
        assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


async def test_a_client_that_leaves_in_mid_handshake_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with ftps_house() as house:
        for leave in (FtpClient.close, FtpClient.abandon, FtpClient.reset):
            client = await hello(house)
            assert (await client.say("AUTH TLS"))[0] == 234
            client.send(b"\x16\x03\x01")
            await all_taken(client.writer)
            leave(client)
            await house.everybody_left()
        assert not caplog.records


class SlowCertificates(FakeCertificates):
    """The next are waited for, when there is a gate."""

    gate: asyncio.Event | None = None
    waiting = 0

    async def certificate(self, server: Server) -> TlsCertificate:
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
        return await super().certificate(server)


@pytest.mark.parametrize("leave", [FtpClient.close, FtpClient.reset, lambda client: pass_time(61)])
async def test_a_client_that_leaves_while_its_certificate_is_being_fetched_leaves_no_trace(
    leave: Callable[[FtpClient], None],
) -> None:
    certificates = SlowCertificates()
    async with ftps_house(certificates=certificates) as house:
        client = await hello(house)
        certificates.gate = asyncio.Event()
        assert (await client.say("AUTH TLS"))[0] == 234
        await eventually(lambda: certificates.waiting == 1)
        leave(client)
        await turns()
        certificates.gate.set()
        await house.everybody_left()


class ForgetfulCertificates(FakeCertificates):
    """Whatever is asked for a second time fails, by a mistake of ours."""

    asked = 0

    async def certificate(self, server: Server) -> TlsCertificate:
        self.asked += 1
        if self.asked > 1:
            raise RuntimeError("a mistake of ours")
        return await super().certificate(server)


async def test_an_error_inside_behind_auth_says_nothing_in_the_clear(caplog: pytest.LogCaptureFixture) -> None:
    async with ftps_house(certificates=ForgetfulCertificates()) as house:
        client = await hello(house)
        assert (await client.say("AUTH TLS"))[0] == 234
        assert await was_cut(client)
        client.close()
        await house.everybody_left()
        assert [record.message for record in caplog.records] == ["ftp connection failed"]


async def test_draining_during_a_handshake_lets_it_end_and_says_goodbye_under_tls() -> None:
    async with ftps_house(FTP, FTPS) as house:
        plain = await hello(house)
        assert (await plain.say("AUTH TLS"))[0] == 234
        closing = house.tasks.start(house.listeners[1].close(drain_timeout_s=PATIENCE_S), name="close")
        await turns()
        client = FtpsClient(plain, client_context())
        await client.control.shake()
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")
        client.close()
        await closing


async def test_a_handshake_that_does_not_end_is_cut_when_its_server_stops() -> None:
    async with ftps_house() as house:
        client = await hello(house)
        assert (await client.say("AUTH TLS"))[0] == 234
        await house.listener.close(drain_timeout_s=0.02)
        assert await was_cut(client)


# What is said under TLS.


async def test_a_close_notify_ends_the_session() -> None:
    async with ftps_house() as house:
        client = await log_in(house)
        client.control.close_notify()
        assert await client.reply() == (0, "")
        client.close()
        await house.everybody_left()
        assert house.log.activities() == ["DISCONNECTED"]


async def test_an_end_without_close_notify_ends_the_session_too() -> None:
    async with ftps_house() as house:
        client = await log_in(house)
        client.close()
        await house.everybody_left()


async def test_quit_says_goodbye_and_closes_in_order(context: ssl.SSLContext) -> None:
    async with ftps_house() as house:
        client = await log_in(house, context=context)
        assert (await client.say("QUIT"))[0] == 221
        assert await client.reply() == (0, "")  # which needs a close_notify


async def test_a_record_that_was_changed_cuts_the_session() -> None:
    async with ftps_house() as house:
        client = await log_in(house)
        record = bytearray(client.control.tls.encrypted(b"NOOP\r\n"))
        record[-1] ^= 1
        client.writer.write(record)
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await client.reply()
        await house.everybody_left()


async def test_thousands_of_commands_under_tls_are_answered_in_order(context: ssl.SSLContext) -> None:
    async with ftps_house() as house:
        client = await log_in(house, context=context)
        client.send((b"NOOP\r\n" * 9 + b"SIZE gone\r\n") * 300 + b"QUIT\r\n")
        codes = [line[:4] for line in (await client.rest()).splitlines()]
        assert codes == ([b"200 "] * 9 + [b"550 "]) * 300 + [b"221 "]


async def test_a_command_may_come_in_pieces_and_with_the_end_of_the_handshake() -> None:
    async with ftps_house() as house:
        plain = await hello(house)
        assert (await plain.say("AUTH TLS"))[0] == 234
        client = FtpsClient(plain, client_context())
        await client.control.shake()
        client.send(b"USER user1\r\nPA")
        client.send(b"SS sec")
        client.send(b"ret\r\n")
        assert [(await client.reply())[0] for _ in range(2)] == [331, 230]


async def test_a_slow_reader_gets_every_reply_in_the_end() -> None:
    count = 3000
    async with ftps_house() as house:
        client = await log_in(house)
        transport = client.writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"FEAT\r\n" * count + b"QUIT\r\n")
        await turns(500)
        transport.resume_reading()  # type: ignore[attr-defined]
        said = await client.rest()
        assert said.count(b"211 End\r\n") == count
        assert said.endswith(b"221 Goodbye.\r\n")


async def test_who_does_not_read_under_tls_is_cut_off() -> None:
    async with ftps_house(unread_timeout_s=60) as house:
        client = await log_in(house)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"FEAT\r\n" * 300_000)
        await held_back(client.writer)
        pass_time(61)
        await house.everybody_left()


async def test_an_idle_user_is_told_so_under_tls() -> None:
    async with ftps_house() as house:
        client = await log_in(house)
        pass_time(1801)
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")
