"""FTPS on loopback: who must use it, and what it protects."""

import asyncio
import gc
import io
import socket
import ssl
import struct
from ftplib import FTP_TLS, all_errors
from functools import partial

import pytest
from tests.fakes.certificates import client_context
from tests.fakes.ftp_house import (
    PATIENCE_S,
    SOME,
    FtpClient,
    ftp_house,
    read_to_end,
)
from tests.fakes.ftps_client import ResumingFtpTls
from tests.fakes.ftps_streams import FTP, FTPS, ftps_house, hello, log_in, secure
from tests.fakes.patience import eventually
from tests.fakes.sockets import no_descriptor_left, open_descriptors
from tests.fakes.tls_client import TlsClient

from crossdock.core.servers import TlsSessionResumption
from crossdock.settings import FtpSettings

BIG = SOME * 300
"""About 3 MB."""
STRICT = FtpSettings(strict_tls_eof=True, data_connect_timeout_s=PATIENCE_S)


@pytest.fixture(params=[True, False], ids=["staging", "parts"])
def stages(request: pytest.FixtureRequest) -> bool:
    """Both ways of a transfer: through a file on this disk, or through parts in memory."""
    return bool(request.param)


# Logins.


async def test_a_login_under_tls_is_one_of_ftps(context: ssl.SSLContext) -> None:
    async with ftps_house() as house:
        client = await log_in(house, context=context)
        assert (await client.say("PWD"))[0] == 257
        assert [(one.username, one.protocol, one.source_ip) for one in house.door.attempts] == [
            ("user1", FTPS, "127.0.0.1")
        ]


async def test_a_server_of_ftps_alone_takes_no_login_and_no_data_in_the_clear() -> None:
    async with ftps_house() as house:
        plain = await hello(house)
        assert "AUTH TLS" in (await plain.say("FEAT"))[1]
        assert (await plain.say("USER user1"))[0] == 530
        assert (await plain.say("PASS secret"))[0] == 503
        client = await secure(house)
        await client.say("USER user1")
        assert (await client.say("PASS secret"))[0] == 230
        await client.passive()
        assert (await client.say("STOR a"))[0] == 521
        assert (await client.say("PROT P"))[0] == 503
        assert (await client.say("PBSZ 0"))[0] == 200
        assert (await client.say("PROT C"))[0] == 534
        assert (await client.say("PROT P"))[0] == 200
        assert (await client.store("a", b"x"))[0] == 226
        assert [one.protocol for one in house.door.attempts] == [FTPS]


async def test_a_server_of_ftp_alone_refuses_tls() -> None:
    async with ftp_house() as house:
        client = await hello(house)
        assert "AUTH" not in (await client.say("FEAT"))[1]
        assert (await client.say("AUTH TLS"))[0] == 502
        assert (await client.say("USER user1"))[0] == 331
        assert (await client.say("PASS secret"))[0] == 230


async def test_a_server_of_both_lets_the_client_choose_for_each_connection() -> None:
    async with ftps_house(FTP, FTPS) as house:
        plain = await house.log_in("user1")
        assert (await plain.store("a", b"plain"))[0] == 226
        client = await log_in(house, "user2")
        assert (await client.store("b", b"private"))[0] == 226
        assert (await client.say("PROT C"))[0] == 200
        assert (await FtpClient.store(client, "c", b"clear"))[0] == 226
        assert [one.protocol for one in house.door.attempts] == [FTP, FTPS]
        assert [house.content(key) for key in ("user1/a", "user2/b", "user2/c")] == [b"plain", b"private", b"clear"]


async def test_three_wrong_passwords_end_the_connection_under_tls_too() -> None:
    async with ftps_house() as house:
        client = await secure(house)
        for _ in range(3):
            await client.say("USER user1")
            assert (await client.say("PASS wrong"))[0] == 530
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")


# Transfers.


@pytest.mark.parametrize("content", [b"", b"x", BIG], ids=["nothing", "a byte", "3 MB"])
async def test_what_is_stored_is_what_is_fetched(stages: bool, context: ssl.SSLContext, content: bytes) -> None:
    async with ftps_house(stages=stages, ftp=STRICT) as house:
        client = await log_in(house, context=context)
        assert (await client.store("a", content))[0] == 226
        assert house.content("user1/a") == content
        assert await client.fetch("RETR a") == (226, content)


async def test_listings_are_private_too() -> None:
    async with ftps_house() as house:
        house.s3.add("home", "user1/a", b"12345")
        client = await log_in(house)
        assert b" 5 " in (await client.fetch("LIST"))[1]
        assert await client.fetch("NLST") == (226, b"a\r\n")
        assert b"size=5;" in (await client.fetch("MLSD"))[1]
        code, text = await client.say("STAT a")
        assert code == 213
        assert " 5 " in text


async def test_many_transfers_on_one_connection_resume_one_session(context: ssl.SSLContext) -> None:
    async with ftps_house() as house:
        client = await log_in(house, context=context)
        for number in range(20):
            assert (await client.store("a", b"%d" % number))[0] == 226
            assert await client.fetch("RETR a") == (226, b"%d" % number)


async def test_pythons_own_client_with_resumption() -> None:
    def work(port: int) -> bytes:
        taken = io.BytesIO()
        with ResumingFtpTls(context=client_context(), timeout=PATIENCE_S) as ftp:
            ftp.connect("localhost", port)
            ftp.login("user1", "secret")
            ftp.prot_p()
            ftp.storbinary("STOR a", io.BytesIO(BIG))
            assert ftp.nlst() == ["a"]
            ftp.retrbinary("RETR a", taken.write)
            ftp.quit()
        return taken.getvalue()

    async with ftps_house() as house:
        assert await asyncio.to_thread(work, house.port) == BIG


def resumption(mode: TlsSessionResumption) -> dict[str, object]:
    return {"tls_session_resumption": mode}


async def test_where_resumption_is_enforced_a_new_session_is_refused_and_nothing_stored(
    stages: bool, context: ssl.SSLContext
) -> None:
    async with ftps_house(stages=stages) as house:
        house.s3.add("home", "user1/secret", b"secret")
        client = await log_in(house, context=context)
        client.resumes = False
        for command in ("STOR a", "RETR secret", "LIST"):
            data = await client.tls_data()
            assert (await client.say(command))[0] == 150
            await data.shake()
            assert await client.reply() == (
                522,
                "522 TLS session reuse required: resume the control connection's session.\n",
            )
            assert await data.read() == b""  # in order: a client that met a reset would not show the reply
            await data.close()
        assert not house.s3.staged
        assert house.names() == ["user1/", "user1/secret", "user2/", "user3/"]
        client.resumes = True
        assert (await client.store("a", b"x"))[0] == 226


@pytest.mark.parametrize("command", ["STOR a", "RETR a"])
async def test_a_client_that_does_not_resume_shows_its_user_why(context: ssl.SSLContext, command: str) -> None:
    """Python's, which sends everything, or reads to the end, before it looks at the reply."""

    def work(port: int) -> str:
        with FTP_TLS(context=context, timeout=PATIENCE_S) as ftp:
            ftp.connect("localhost", port)
            ftp.login("user1", "secret")
            ftp.prot_p()
            transfer = (
                partial(ftp.storbinary, fp=io.BytesIO(BIG))
                if command == "STOR a"
                else (partial(ftp.retrbinary, callback=lambda _: None))
            )
            with pytest.raises(all_errors) as raised:
                transfer(command)
            return str(raised.value)

    async with ftps_house() as house:
        house.s3.add("home", "user1/a", b"a")
        assert (await asyncio.to_thread(work, house.port)).startswith("522 TLS session reuse required")
        assert house.content("user1/a") == b"a"


async def test_the_session_of_another_control_connection_is_a_new_one(context: ssl.SSLContext) -> None:
    async with ftps_house() as house:
        mine, others = await log_in(house, "user1", context), await log_in(house, "user2", context)
        data = await mine.tls_data()
        data.tls = TlsClient(context, others.control.tls.session_after_tickets())
        assert (await mine.say("STOR a"))[0] == 150
        await data.shake()
        assert (await mine.reply())[0] == 522
        await data.close()


@pytest.mark.parametrize("mode", [TlsSessionResumption.ENABLED, TlsSessionResumption.DISABLED])
@pytest.mark.parametrize("resumes", [True, False])
async def test_where_resumption_is_not_enforced_both_are_served(
    context: ssl.SSLContext, mode: TlsSessionResumption, resumes: bool
) -> None:
    async with ftps_house(server=resumption(mode)) as house:
        client = await log_in(house, context=context)
        client.resumes = resumes
        data = await client.tls_data()
        assert (await client.say("STOR a"))[0] == 150
        await data.shake()
        assert data.tls.tls.session_reused is (resumes and mode is TlsSessionResumption.ENABLED)
        await data.close()
        assert (await client.reply())[0] == 226


async def test_abor_during_an_upload_keeps_nothing(stages: bool) -> None:
    async with ftps_house(stages=stages) as house:
        client = await log_in(house)
        data = await client.begin_tls_upload()
        assert (await client.say("ABOR"))[0] == 426
        assert (await client.reply())[0] == 226
        assert (await client.say("NOOP"))[0] == 200
        client.abandon()
        data.writer.close()
        await house.kept_nothing()


async def test_abor_during_a_download_cannot_be_taken_for_the_end(stages: bool) -> None:
    async with ftps_house(stages=stages) as house:
        house.s3.add("home", "user1/big", bytes(12_000_000))
        client = await log_in(house)
        data = await client.tls_data()
        assert (await client.say("RETR big"))[0] == 150
        await data.shake()
        assert (await client.say("ABOR"))[0] == 426
        assert (await client.reply())[0] == 226
        with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
            await data.read()


async def test_an_upload_that_is_cut_by_a_reset_leaves_nothing(stages: bool) -> None:
    async with ftps_house(stages=stages) as house:
        client = await log_in(house)
        data = await client.begin_tls_upload()
        connection: socket.socket = data.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        data.writer.transport.abort()
        assert (await client.reply())[0] == 426
        await client.control.close()
        await house.kept_nothing()


@pytest.mark.parametrize("strict", [True, False])
async def test_an_upload_without_close_notify_counts_unless_the_operator_is_strict(stages: bool, strict: bool) -> None:
    ftp = FtpSettings(strict_tls_eof=strict, data_connect_timeout_s=PATIENCE_S)
    async with ftps_house(stages=stages, ftp=ftp) as house:
        client = await log_in(house)
        data = await client.begin_tls_upload()
        data.writer.close()
        assert (await client.reply())[0] == (426 if strict else 226)
        assert (await client.say("SIZE a"))[0] == (550 if strict else 213)
        client.abandon()
        await house.everybody_left()
        if strict:
            await house.kept_nothing()
        else:
            assert house.content("user1/a") == b"x" * 100_000


async def test_bytes_in_the_clear_on_a_private_data_connection_are_refused() -> None:
    async with ftps_house() as house:
        client = await log_in(house)
        code, text = await FtpClient.store(client, "a", b"in the clear")
        assert (code, text) == (522, "522 TLS could not be begun on the data connection.\n")
        client.abandon()
        await house.kept_nothing()


async def test_a_client_that_leaves_its_data_connection_in_the_handshake_is_told() -> None:
    async with ftps_house() as house:
        client = await log_in(house)
        assert (await FtpClient.store(client, "a", b""))[0] == 522
        assert (await client.say("NOOP"))[0] == 200
        client.abandon()
        await house.kept_nothing()


async def test_a_transfer_whose_tls_finds_no_descriptor_fails_and_closes_its_connection() -> None:
    """A new session's context reads the certificate from a file."""
    async with ftps_house(server=resumption(TlsSessionResumption.DISABLED), stages=False) as house:
        client = await log_in(house)
        gc.collect()  # or an older test's descriptor becomes free in the middle
        before = open_descriptors()
        data = await client.tls_data()
        await eventually(lambda: open_descriptors() == before + 2)  # the client's end, and the one that was accepted
        with no_descriptor_left():
            assert (await client.say("STOR a"))[0] == 150
            assert await client.reply() == (522, "522 TLS could not be begun on the data connection.\n")
        assert await read_to_end(data.streams) == b""
        data.writer.close()
        assert (await client.store("b", b"x"))[0] == 226
        assert house.names() == ["user1/", "user1/b", "user2/", "user3/"]


async def test_the_control_connection_goes_during_an_upload_and_nothing_is_kept(stages: bool) -> None:
    async with ftps_house(stages=stages) as house:
        client = await log_in(house)
        data = await client.begin_tls_upload()
        client.writer.transport.abort()
        await house.kept_nothing()
        data.writer.close()


async def test_a_close_notify_on_the_control_connection_during_an_upload_ends_it(stages: bool) -> None:
    async with ftps_house(stages=stages) as house:
        client = await log_in(house)
        data = await client.begin_tls_upload()
        client.control.close_notify()
        assert await client.reply() == (0, "")  # though the connection itself was open
        client.close()
        await house.kept_nothing()
        data.writer.close()
