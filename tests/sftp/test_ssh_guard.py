"""Clients that ask for much and give nothing: what each can make the server do and keep is bounded."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import asyncssh
import pytest
from asyncssh.constants import MSG_CHANNEL_OPEN, MSG_GLOBAL_REQUEST, MSG_IGNORE, MSG_KEXINIT
from asyncssh.packet import Boolean, String, UInt32
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.fakes.fast_ssh import RawChannel
from tests.fakes.sftp_house import PATIENCE_S, SftpHouse, eventually, sftp_house
from tests.fakes.sftp_talk import packet, text, u32

from crossdock.settings import SftpSettings
from crossdock.sftp import ssh_guard
from crossdock.sftp.packets import Kind
from crossdock.sftp.ssh_client import SshClient

PLAIN = SftpSettings(fast_path=False)
OFTEN = 5000


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Why connections were ended, as the operator reads it."""
    ours = (record for record in caplog.records if record.name.startswith("crossdock."))
    return [str(vars(record).get("reason")) for record in ours]


@asynccontextmanager
async def stranger(house: SftpHouse) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A client in the middle of its login, whose password is not yet decided upon."""
    met: list[asyncssh.SSHClientConnection] = []

    class Client(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            met.append(conn)

    async def come() -> None:
        with suppress(asyncssh.Error, OSError):
            async with house.client(password="secret", client_factory=Client):
                pass

    house.provider.gate = asyncio.Event()
    coming = asyncio.create_task(come())
    await eventually(lambda: bool(house.provider.asked))
    try:
        yield met[0]
    finally:
        house.provider.gate.set()
        met[0].abort()
        await coming


async def gone(conn: asyncssh.SSHClientConnection) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await conn.wait_closed()


async def test_nobody_asks_for_new_keys_before_the_login(caplog: pytest.LogCaptureFixture) -> None:
    class Client(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            conn.try_next_auth = lambda **_: conn._send_kexinit()  # type: ignore[method-assign]

    caplog.set_level("INFO")
    async with sftp_house() as house:
        with pytest.raises(asyncssh.ProtocolError, match="before the login"):
            async with house.client(client_factory=Client):
                pass
        await house.everybody_left()
        assert reasons(caplog) == ["new keys were asked for before the login"]


async def test_a_stranger_s_packets_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with sftp_house(settings=SftpSettings(attempts_per_connection=100)) as house:
        async with stranger(house) as conn:
            house.provider.gate.set()  # type: ignore[union-attr]
            with suppress(asyncssh.DisconnectError):
                for _ in range(OFTEN):
                    conn.send_packet(MSG_IGNORE, String(b""))
                    await asyncio.sleep(0)
            await gone(conn)
        await house.everybody_left()
        assert set(reasons(caplog)) <= {"too many packets were sent for a login"}


async def test_what_comes_ahead_of_the_login_s_outcome_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with sftp_house() as house, stranger(house) as conn:
        for _ in range(3):
            conn.send_packet(MSG_IGNORE, String(bytes(30_000)))
        await gone(conn)
        await house.everybody_left()
        assert reasons(caplog) == ["too much was sent ahead of the login's outcome"]


async def renewed(conn: asyncssh.SSHClientConnection) -> None:
    """Ask for new keys, and wait for them."""
    conn._send_kexinit()
    conn._kexinit_sent = True
    await eventually(lambda: conn._kex_complete or conn._transport is None)


async def test_new_keys_again_and_again_end_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with sftp_house() as house, house.client() as conn:
        times = 0
        while conn._transport is not None and times < OFTEN:
            await renewed(conn)
            times += 1
        assert ssh_guard.SPARE_KEY_EXCHANGES <= times <= ssh_guard.SPARE_KEY_EXCHANGES + 2
        await house.everybody_left()
        assert reasons(caplog) == ["new keys were asked for again and again"]


@pytest.mark.parametrize("settings", [SftpSettings(), PLAIN], ids=["fast", "plain"])
async def test_new_keys_for_the_sake_of_data_are_had_as_often_as_wanted(settings: SftpSettings) -> None:
    block = bytes(ssh_guard.KEYS_LAST_BYTES)
    async with sftp_house(settings=settings) as house, house.client() as conn, conn.start_sftp_client() as sftp:
        async with sftp.open("f", "wb") as file:
            for _ in range(3 * ssh_guard.SPARE_KEY_EXCHANGES):
                await file.write(block)
                await renewed(conn)
        async with sftp.open("f", "rb", block_size=0) as file:
            for _ in range(3 * ssh_guard.SPARE_KEY_EXCHANGES):
                assert len(await file.read(len(block) - 1024)) == len(block) - 1024
                assert len(await file.read(1024)) == 1024
                await renewed(conn)
        assert not conn.is_closed()


async def test_answers_do_not_pile_up_behind_a_key_exchange_that_is_never_finished(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with sftp_house(settings=PLAIN) as house, house.client() as conn:
        raw = RawChannel(conn)
        await raw.open(window=1 << 31)
        raw.begin()
        raw.send(94, String(packet(Kind.INIT, u32(3))))
        await raw.until(lambda: bool(raw.data))
        conn._packet_handlers = conn._packet_handlers | {MSG_KEXINIT: lambda *_: True}  # type: ignore[assignment]
        conn._send_kexinit()
        conn._kex_complete = True  # the client goes on as if it had not asked
        for number in range(10_000):
            if conn._transport is None:
                break
            asked = packet(Kind.REALPATH, u32(number), text("x" * 30_000))
            raw.send(94, String(asked))
            await asyncio.sleep(0)
        await gone(conn)
        await house.everybody_left()
        assert reasons(caplog) == ["a key exchange was not finished while much waited for it"]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [PLAIN, SftpSettings()], ids=["plain", "fast"])
async def test_who_reads_nothing_is_not_answered_for_ever(
    settings: SftpSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    async with sftp_house(settings=settings) as house:
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", house.listener.port))
        async with house.client(sock=small) as conn:
            [guest] = house.listener._door._clients
            assert isinstance(guest, SshClient)
            assert guest._conn is not None
            # Else the kernel takes megabytes of answers, of which each has but a few bytes.
            guest._conn.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            await send_for_ever(house, conn)
        assert reasons(caplog) == ["the client does not read what it is sent"]


async def send_for_ever(house: SftpHouse, conn: asyncssh.SSHClientConnection) -> None:
    assert conn._transport is not None
    conn._transport.pause_reading()
    asked = String("no-such-request") + Boolean(True)
    while house.limits.connections:
        with suppress(ConnectionError):
            for _ in range(100):
                conn.send_packet(MSG_GLOBAL_REQUEST, asked)
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, 1023])
async def test_packets_that_are_too_small_are_refused_and_count_as_no_channel(size: int) -> None:
    async with sftp_house(settings=SftpSettings(channels_per_connection=1)) as house, house.client() as conn:
        told: list[bytes] = []

        class Opening:
            def process_open_failure(self, code: int, reason: str, lang: str) -> None:
                told.append(reason.encode())

        conn._channels[77] = Opening()  # type: ignore[assignment]
        conn.send_packet(MSG_CHANNEL_OPEN, String("session"), UInt32(77), UInt32(1 << 20), UInt32(size))
        await eventually(lambda: bool(told))
        del conn._channels[77]
        assert told == [f"packets of {size} bytes are too small".encode()]
        async with conn.start_sftp_client() as sftp:
            assert await sftp.listdir() == [".", ".."]


BEGINNINGS = (
    b"",
    b"SSH-2.0-x\r\n",
    b"SSH-2.0-\xff\r\n",
    b"SSH-2.0-x\r\n\0\0\0\0\0\0\0\0",
    b"SSH-2.0-x\r\n\0\0\0\x0c\x0a",
)


class Errors(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(level=logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(record.getMessage())


@contextmanager
def errors_in(found: list[str]) -> Iterator[None]:
    """What is logged as an error while the block runs."""
    handler = Errors(found)
    logging.getLogger("crossdock").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("crossdock").removeHandler(handler)


@hypothesis_settings(max_examples=60, deadline=None)
@given(begin=st.sampled_from(BEGINNINGS), garbage=st.binary(max_size=300))
async def test_garbage_ends_its_own_connection_and_is_no_mistake_of_ours(begin: bytes, garbage: bytes) -> None:
    errors: list[str] = []
    async with sftp_house() as house:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(str(context)))
        with errors_in(errors):
            reader, writer = await house.raw()
            writer.write(begin + garbage)
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
            await house.everybody_left()
    assert not errors
