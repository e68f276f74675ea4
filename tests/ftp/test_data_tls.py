"""Data connections under TLS, over real sockets and with a real client's OpenSSL at the other end."""

import asyncio
import itertools
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fakes.certificates import client_context, self_signed
from tests.fakes.ftp_house import PATIENCE_S, pass_time, turns
from tests.fakes.key_updates import RECORD_BYTES, KeyUpdates
from tests.fakes.loop_time import time_stands_still
from tests.fakes.sockets import read_all, vanish
from tests.fakes.tls_client import TlsClient

from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.core.servers import TlsSessionResumption
from crossdock.core.tls_policies import tls_policy
from crossdock.ftp.data_socket import JOB_BYTES, TURN_BYTES, TransferBroken
from crossdock.ftp.data_tls import UNRESUMED, TlsConnection
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.tls import ConnectionTls, KeyFile, TlsStream
from crossdock.ftp.tls_moves import PLAIN_BYTES, SOCKET_BYTES, TlsMoves
from crossdock.operations.threads import Threads

Ends = tuple[socket.socket, socket.socket]
BIG = os.urandom(3_000_000)


class Side:
    """A control connection's TLS, and its client's."""

    def __init__(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        policy = tls_policy("TransferSecurityPolicy-2024-01")
        self.tls = ConnectionTls(KeyFile(self_signed()), policy, TlsSessionResumption.ENFORCED)
        self.context = client_context(version=version)
        control = TlsClient(self.context)
        control.shake(self.tls.control_stream())
        self.session = control.session_after_tickets()


class Line:
    """A data connection: our end, and the client's."""

    def __init__(self, ends: Ends, pool: Threads) -> None:
        self.end, self.client_end = ends
        self.clients: list[ssl.SSLSocket] = []
        self._pool = pool

    def server(self, side: Side, *, must_close: bool = False, stall_s: float = PATIENCE_S) -> TlsConnection:
        stream = side.tls.data_stream(only_sends=False)
        return TlsConnection(
            self.end, stream, must_resume=True, must_close=must_close, pool=self._pool, stall_s=stall_s
        )

    async def client(self, side: Side, *, resumes: bool = True) -> ssl.SSLSocket:
        """Shake hands."""
        self.client_end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent has left before a reset
        client = side.context.wrap_socket(
            self.client_end,
            server_hostname="localhost",
            session=side.session if resumes else None,
            suppress_ragged_eofs=False,
            do_handshake_on_connect=False,
        )
        self.clients.append(client)
        await asyncio.to_thread(client.do_handshake)
        return client

    async def in_touch(
        self, *, must_close: bool = False, stall_s: float = PATIENCE_S
    ) -> tuple[TlsConnection, ssl.SSLSocket]:
        side = Side()
        server = self.server(side, must_close=must_close, stall_s=stall_s)
        with time_stands_still():  # `stall_s` is for what comes after
            client, _ = await asyncio.gather(self.client(side), server.shake_hands())
        return server, client


@pytest.fixture
def line(ends: Ends, pool: Threads) -> Iterator[Line]:
    line = Line(ends, pool)
    yield line
    for client in line.clients:
        client.close()


def say_goodbye(client: ssl.SSLSocket) -> None:
    """Send a close_notify, and wait for none."""
    client.setblocking(False)
    with suppress(ssl.SSLWantReadError):
        client.unwrap()


def send_all(client: ssl.SSLSocket, content: bytes) -> None:
    client.sendall(content)
    say_goodbye(client)
    client.close()


async def receive_into(server: TlsConnection, file: int, moved: Callable[[int], None] = lambda _: None) -> None:
    buffer = memoryview(bytearray(1 << 20))
    while count := await server.receive_into(buffer, moved):
        assert count <= TURN_BYTES
        os.write(file, buffer[:count])


async def receive_to_file(server: TlsConnection, file: int, moved: Callable[[int], None] = lambda _: None) -> None:
    while count := await server.receive_to_file(file, moved):
        assert count < JOB_BYTES + PLAIN_BYTES


RECEIVING = pytest.mark.parametrize("receive", [receive_into, receive_to_file])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.touch()
    return path


@pytest.fixture
def file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def content_of(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


# Receiving.


@RECEIVING
@pytest.mark.parametrize("content", [b"", b"x", BIG], ids=["nothing", "a byte", "3 MB"])
async def test_everything_arrives_up_to_the_clients_close_notify(
    line: Line, file: int, receive, content: bytes
) -> None:
    server, client = await line.in_touch(must_close=True)
    counts: list[int] = []
    sending = asyncio.to_thread(send_all, client, content)
    await asyncio.gather(sending, receive(server, file, counts.append))
    assert content_of(file) == content
    assert sum(counts) == len(content)
    await server.finish()


async def test_a_long_upload_comes_in_bounded_jobs(line: Line, file: int) -> None:
    content = os.urandom(JOB_BYTES + 100_000)
    server, client = await line.in_touch()
    await asyncio.gather(asyncio.to_thread(send_all, client, content), receive_to_file(server, file))
    assert content_of(file) == content


@RECEIVING
async def test_bytes_that_came_with_the_end_of_the_handshake_are_received(line: Line, file: int, receive) -> None:
    side = Side()
    client = TlsClient(side.context, side.session)
    server = line.server(side)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    line.client_end.sendall(client.outgoing.read())
    shaking = asyncio.get_running_loop().create_task(server.shake_hands())
    client.incoming.write(await asyncio.to_thread(line.client_end.recv, 1 << 16))
    client.tls.do_handshake()
    line.client_end.sendall(client.encrypted(b"at once") + client.closing())
    await shaking
    await receive(server, file)
    assert content_of(file) == b"at once"


@RECEIVING
async def test_an_end_without_close_notify_is_the_end_if_the_operator_lets_it(line: Line, file: int, receive) -> None:
    server, client = await line.in_touch()
    client.sendall(b"hello")
    client.close()
    await receive(server, file)
    assert content_of(file) == b"hello"


@RECEIVING
async def test_an_end_without_close_notify_is_none_if_the_operator_is_strict(line: Line, file: int, receive) -> None:
    server, client = await line.in_touch(must_close=True)
    client.sendall(b"hello")
    client.close()
    counts: list[int] = []
    with pytest.raises(TransferBroken) as raised:
        await receive(server, file, counts.append)
    assert raised.value.failure is DataFailure.TLS_TRUNCATED
    assert counts == [5]


@RECEIVING
@pytest.mark.parametrize("must_close", [True, False])
async def test_a_reset_behind_the_close_notify_is_a_good_end(line: Line, file: int, receive, must_close: bool) -> None:
    server, client = await line.in_touch(must_close=must_close)
    client.sendall(b"hello")
    say_goodbye(client)
    vanish(client)
    await receive(server, file)
    assert content_of(file) == b"hello"
    await server.finish()


@RECEIVING
async def test_what_came_before_a_reset_is_counted(line: Line, file: int, receive) -> None:
    server, client = await line.in_touch()
    client.sendall(b"0123456789")
    vanish(client)
    counts: list[int] = []
    with pytest.raises(TransferBroken) as raised:
        await receive(server, file, counts.append)
    assert raised.value.failure is DataFailure.CUT
    assert counts == [10]


@RECEIVING
async def test_bytes_that_are_no_tls_cut_the_transfer(line: Line, file: int, receive) -> None:
    server, client = await line.in_touch()
    client.sendall(b"hello")
    plain = socket.socket(fileno=client.detach())
    with plain:
        plain.sendall(b"these bytes are in the clear")
        counts: list[int] = []
        with pytest.raises(TransferBroken) as raised:
            await receive(server, file, counts.append)
    assert raised.value.failure is DataFailure.CUT
    assert counts == [5]


async def test_a_full_disk_is_out_of_space_and_another_failure_unavailable(line: Line, path: Path) -> None:
    server, client = await line.in_touch()
    client.sendall(b"hello")
    full = os.open("/dev/full", os.O_WRONLY)
    counts: list[int] = []
    with pytest.raises(OutOfSpace):
        await server.receive_to_file(full, counts.append)
    os.close(full)
    client.sendall(b"hello")
    unwritable = os.open(path, os.O_RDONLY)
    with pytest.raises(Unavailable):
        await server.receive_to_file(unwritable, counts.append)
    os.close(unwritable)
    assert counts == []


@RECEIVING
async def test_urgent_bytes_under_tls_are_bytes_of_its_records(line: Line, file: int, receive) -> None:
    side = Side()
    server = line.server(side)
    client = await shaken(line, side, server)
    record = client.encrypted(b"hello") + client.closing()
    line.client_end.sendall(record[:10])
    line.client_end.send(record[10:11], socket.MSG_OOB)
    line.client_end.sendall(record[11:])
    await receive(server, file)
    assert content_of(file) == b"hello"


# How long a handshake may take, and how one parts from a client that did not resume.


async def test_a_handshake_has_a_time_as_a_whole_however_often_a_byte_comes(line: Line) -> None:
    side = Side()
    server = line.server(side, stall_s=600)
    client = TlsClient(side.context, side.session)
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    shaking = asyncio.get_running_loop().create_task(server.shake_hands())
    for byte in client.outgoing.read()[:13]:
        line.client_end.send(bytes([byte]))
        await turns()
        pass_time(5)
        await turns()
    with pytest.raises(TransferBroken) as raised:
        await shaking
    assert raised.value.failure is DataFailure.STALLED
    server.reset()


@pytest.mark.parametrize("count", [0, 1, 20_000_000])
async def test_what_is_still_sent_before_an_end_in_order_is_thrown_away(line: Line, count: int) -> None:
    side = Side()
    server = line.server(side)
    client = asyncio.get_running_loop().create_task(line.client(side, resumes=False))
    with pytest.raises(TransferBroken) as raised:
        await server.shake_hands()
    assert raised.value.failure is DataFailure.TLS_NOT_RESUMED

    def send(tls: ssl.SSLSocket) -> bytes:
        tls.sendall(bytes(count))
        with tls:
            return tls.recv(1)

    sending = asyncio.to_thread(send, await client)
    assert (await asyncio.gather(sending, server.part(UNRESUMED)))[0] == b""


async def test_who_sends_without_end_is_not_listened_to_for_ever(line: Line) -> None:
    side = Side()
    server = line.server(side)
    client, _ = await asyncio.gather(line.client(side), server.shake_hands())
    endless = asyncio.to_thread(keep_sending, client, itertools.repeat(bytes(1 << 20)))
    await asyncio.gather(endless, server.part(UNRESUMED))


# Asking for new keys (RFC 8446 §4.6.3), each time to be answered.


async def shaken(line: Line, side: Side, server: TlsConnection) -> TlsClient:
    """A client that has shaken hands, and whose socket is the test's own."""
    client = TlsClient(side.context, side.session)
    shaking = asyncio.get_running_loop().create_task(server.shake_hands())
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    line.client_end.sendall(client.outgoing.read())
    client.incoming.write(await asyncio.to_thread(line.client_end.recv, 1 << 16))
    client.tls.do_handshake()
    line.client_end.sendall(client.outgoing.read())
    await shaking
    return client


async def asker(line: Line, tmp_path: Path, stall_s: float = PATIENCE_S) -> tuple[TlsConnection, KeyUpdates]:
    side = Side()
    side.context.keylog_filename = str(tmp_path / "keys")
    server = line.server(side, stall_s=stall_s)
    with time_stands_still():  # `stall_s` is for what comes after
        client = await shaken(line, side, server)
    cipher = client.tls.cipher()
    assert cipher is not None
    return server, KeyUpdates.of_last_client(tmp_path / "keys", cipher[0])


def keep_sending(end: socket.socket, data: Iterator[bytes]) -> None:
    """Until there is no more, or the other side has had enough."""
    with suppress(OSError):
        for piece in data:
            end.sendall(piece)


@RECEIVING
async def test_a_client_that_reads_the_answers_may_ask_for_new_keys(
    line: Line, tmp_path: Path, file: int, receive
) -> None:
    server, updates = await asker(line, tmp_path)
    asked = updates.records(3)
    line.client_end.sendall(asked + updates.plain(b"hello"))
    line.client_end.shutdown(socket.SHUT_WR)
    await receive(server, file)
    assert content_of(file) == b"hello"
    line.client_end.settimeout(PATIENCE_S)
    # OpenSSL says the last of them with the next thing that it has to say.
    answers = line.client_end.recv(2 * RECORD_BYTES, socket.MSG_WAITALL)
    assert len(answers) == 2 * RECORD_BYTES


@RECEIVING
async def test_answers_that_nobody_reads_do_not_fill_the_memory(line: Line, tmp_path: Path, file: int, receive) -> None:
    server, updates = await asker(line, tmp_path)
    with suppress(BlockingIOError):
        while True:
            line.end.send(bytes(100_000))  # the kernel's buffers are full
    asking = asyncio.to_thread(keep_sending, line.client_end, (updates.records(1000) for _ in range(20)))
    task = asyncio.get_running_loop().create_task(asking)
    with pytest.raises(TransferBroken) as raised:
        await receive(server, file)
    assert raised.value.failure is DataFailure.CUT
    server.reset()
    await task


@RECEIVING
async def test_asking_for_new_keys_is_no_progress(line: Line, tmp_path: Path, file: int, receive) -> None:
    server, updates = await asker(line, tmp_path, stall_s=0.3)
    line.client_end.settimeout(PATIENCE_S)
    reading = asyncio.get_running_loop().create_task(asyncio.to_thread(drain, line.client_end))
    asking = asyncio.to_thread(keep_sending, line.client_end, (updates.records(1) for _ in itertools.count()))
    task = asyncio.get_running_loop().create_task(asking)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(TransferBroken) as raised:
            await receive(server, file)
    assert raised.value.failure is DataFailure.STALLED
    server.reset()
    await task
    await reading


class NoPlainBytes(TlsStream):
    """Whatever is fed, it is nothing of the file."""

    def feed(self, data: bytes | memoryview) -> None:
        return None


class Endless(socket.socket):
    """A client that never stops sending."""

    fills = 0

    def recv_into(self, buffer: memoryview, size: int = 0, flags: int = 0) -> int:  # type: ignore[override]
        self.fills += 1
        if self.fills > 100:
            raise ConnectionResetError
        return len(buffer)


async def test_one_step_ends_though_a_client_never_stops_sending_what_is_no_file(file: int) -> None:
    stream = NoPlainBytes(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    with Endless() as endless:
        moves = TlsMoves(endless, stream, must_close=True)
        assert moves.decrypt_to_file(file) == (0, None)
        assert not moves.has_ended


def drain(end: socket.socket) -> None:
    with suppress(OSError):
        while end.recv(1 << 20):
            pass


# Sending.


async def send(server: TlsConnection, file: int, size: int, moved: Callable[[int], None] = lambda _: None) -> None:
    await server.send(os.pread(file, size, 0), moved)


async def send_file(server: TlsConnection, file: int, size: int, moved: Callable[[int], None] = lambda _: None) -> None:
    await server.send_file(file, 0, size, moved)


SENDING = pytest.mark.parametrize("send", [send, send_file])


@SENDING
@pytest.mark.parametrize("size", [0, 1, 50_000, len(BIG)])
async def test_everything_is_sent_and_a_close_notify_behind_it(line: Line, file: int, send, size: int) -> None:
    os.pwrite(file, BIG, 0)
    server, client = await line.in_touch()
    reading = asyncio.get_running_loop().create_task(asyncio.to_thread(read_all, client))
    counts: list[int] = []
    await send(server, file, size, counts.append)
    await server.finish()
    assert await reading == BIG[:size]  # without a close_notify, reading would have failed
    assert sum(counts) == size


async def test_a_file_is_sent_from_its_middle(line: Line, file: int) -> None:
    os.pwrite(file, b"skip" + BIG + b"rest", 0)
    server, client = await line.in_touch()
    reading = asyncio.get_running_loop().create_task(asyncio.to_thread(read_all, client))
    await server.send_file(file, 4, len(BIG))
    await server.finish()
    assert await reading == BIG


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_file_that_is_too_short_is_unavailable(line: Line, file: int, size: int) -> None:
    server, _ = await line.in_touch()
    with pytest.raises(Unavailable):
        await server.send_file(file, 0, size)


async def test_a_file_that_cannot_be_read_is_unavailable(line: Line, path: Path) -> None:
    server, _ = await line.in_touch()
    unreadable = os.open(path, os.O_WRONLY)
    with pytest.raises(Unavailable):
        await server.send_file(unreadable, 0, 10)
    os.close(unreadable)


async def test_what_was_sent_arrives_even_if_the_client_had_something_to_say(line: Line) -> None:
    server, client = await line.in_touch()
    client.sendall(b"never read")
    await server.send(b"x" * 100_000)
    await server.finish()
    assert read_all(client) == b"x" * 100_000


async def test_a_reset_cannot_be_taken_for_the_end(line: Line) -> None:
    server, client = await line.in_touch()
    await server.send(b"half of it")
    server.reset()
    with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
        read_all(client)


@SENDING
@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_a_client_that_has_gone_is_a_cut(line: Line, file: int, send, size: int) -> None:
    os.pwrite(file, BIG, 0)
    server, client = await line.in_touch()
    vanish(client)
    with pytest.raises(TransferBroken) as raised:
        await send(server, file, size)
    assert raised.value.failure is DataFailure.CUT
    await server.finish()


# Time.


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file", "send", "send_file"])
async def test_a_client_that_stands_still_is_given_up_on_every_way(line: Line, file: int, way: str) -> None:
    os.pwrite(file, bytes(20_000_000), 0)
    server, _ = await line.in_touch(stall_s=0.05)
    ways = {
        "receive_into": lambda: server.receive_into(memoryview(bytearray(10))),
        "receive_to_file": lambda: server.receive_to_file(file),
        "send": lambda: server.send(bytes(20_000_000)),
        "send_file": lambda: server.send_file(file, 0, 20_000_000),
    }
    with pytest.raises(TransferBroken) as raised:
        await ways[way]()
    assert raised.value.failure is DataFailure.STALLED


async def test_a_client_that_does_not_read_the_rest_has_not_got_it(line: Line) -> None:
    server, _ = await line.in_touch(stall_s=0.05)
    with suppress(BlockingIOError):
        while True:
            line.end.send(bytes(100_000))  # the kernel's buffers are full
    with pytest.raises(TransferBroken) as raised:
        await server.finish()
    assert raised.value.failure is DataFailure.STALLED


@SENDING
async def test_what_went_before_a_stall_is_counted_to_within_a_piece(line: Line, file: int, send) -> None:
    os.pwrite(file, bytes(20_000_000), 0)
    server, client = await line.in_touch(stall_s=0.05)
    counts: list[int] = []
    with pytest.raises(TransferBroken):
        await send(server, file, 20_000_000, counts.append)
    line.end.shutdown(socket.SHUT_WR)
    arrived = 0
    with suppress(ssl.SSLEOFError):
        while chunk := client.recv(1 << 20):
            arrived += len(chunk)
    assert 0 < sum(counts) < 20_000_000
    assert abs(sum(counts) - arrived) <= SOCKET_BYTES


# Handshakes.


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_who_resumes_the_control_connections_session_is_let_in(line: Line, version: ssl.TLSVersion) -> None:
    side = Side(version)
    server = line.server(side)
    client, _ = await asyncio.gather(line.client(side), server.shake_hands())
    assert client.session_reused
    assert client.version() == version.name.replace("_", ".")
    await asyncio.gather(asyncio.to_thread(client.unwrap), server.finish())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("resumes", [False, True], ids=["none", "another connection's"])
async def test_who_does_not_resume_the_control_connections_session_is_refused(
    line: Line, version: ssl.TLSVersion, resumes: bool
) -> None:
    side, other = Side(version), Side(version)
    server = line.server(side)
    shaking = line.client(other, resumes=resumes)
    outcomes = await asyncio.gather(shaking, server.shake_hands(), return_exceptions=True)
    assert isinstance(outcomes[1], TransferBroken)
    assert outcomes[1].failure is DataFailure.TLS_NOT_RESUMED


async def handshake_failure(server: TlsConnection) -> DataFailure:
    with pytest.raises(TransferBroken) as raised:
        await server.shake_hands()
    return raised.value.failure


async def test_a_client_that_speaks_no_tls_has_failed(line: Line) -> None:
    server = line.server(Side())
    line.client_end.sendall(b"just the bytes of a file, as PROT C would have them")
    assert await handshake_failure(server) is DataFailure.TLS_FAILED
    server.reset()


async def test_a_client_whose_handshake_is_wrong_is_told_by_an_alert(line: Line) -> None:
    server = line.server(Side())
    line.client_end.sendall(b"\x16\x03\x01\x00\x05hello")
    assert await handshake_failure(server) is DataFailure.TLS_FAILED
    assert line.client_end.recv(1) == b"\x15"  # RFC 8446 §5.1
    server.reset()


async def test_a_client_without_a_cipher_in_common_fails(line: Line) -> None:
    side = Side(ssl.TLSVersion.TLSv1_2)
    side.context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    server = line.server(side)
    shaking = line.client(side, resumes=False)
    outcomes = await asyncio.gather(shaking, server.shake_hands(), return_exceptions=True)
    assert isinstance(outcomes[0], ssl.SSLError)
    assert isinstance(outcomes[1], TransferBroken)
    assert outcomes[1].failure is DataFailure.TLS_FAILED


async def test_a_client_that_leaves_in_its_handshake_has_failed(line: Line) -> None:
    server = line.server(Side())
    line.client_end.sendall(b"\x16\x03\x01")
    line.client_end.close()
    assert await handshake_failure(server) is DataFailure.TLS_FAILED
    server.reset()


async def test_a_client_that_vanishes_in_its_handshake_is_a_cut(line: Line) -> None:
    server = line.server(Side())
    vanish(line.client_end)
    assert await handshake_failure(server) is DataFailure.CUT
    server.reset()


async def test_a_handshake_that_stands_still_is_given_up(line: Line) -> None:
    server = line.server(Side(), stall_s=0.02)
    assert await handshake_failure(server) is DataFailure.STALLED
    server.reset()


# Being cancelled.


def watches(end: socket.socket) -> bool:
    """Whether the loop still waits for a socket; it does not afterwards."""
    loop = asyncio.get_running_loop()
    return loop.remove_reader(end) or loop.remove_writer(end)


@pytest.mark.parametrize("way", ["shake_hands", "receive_into", "receive_to_file", "send", "send_file", "finish"])
async def test_a_cancelled_transfer_leaves_nothing_behind(line: Line, file: int, way: str) -> None:
    os.pwrite(file, bytes(20_000_000), 0)
    server = line.server(Side()) if way == "shake_hands" else (await line.in_touch())[0]
    if way == "finish":
        with suppress(BlockingIOError):
            while True:
                line.end.send(bytes(100_000))
    ways = {
        "shake_hands": server.shake_hands,
        "receive_into": lambda: server.receive_into(memoryview(bytearray(10))),
        "receive_to_file": lambda: server.receive_to_file(file),
        "send": lambda: server.send(bytes(20_000_000)),
        "send_file": lambda: server.send_file(file, 0, 20_000_000),
        "finish": server.finish,
    }
    task = asyncio.get_running_loop().create_task(ways[way]())
    await turns(50)
    assert not task.done()
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert not watches(line.end)
    server.reset()
    assert line.end.fileno() == -1


async def test_what_a_cancelled_job_had_moved_is_counted(line: Line, file: int) -> None:
    """Many times, because the job must be caught in the middle."""
    server, client = await line.in_touch()
    counts: list[int] = []
    for _ in range(50):
        client.sendall(b"x" * 50_000)
        task = asyncio.get_running_loop().create_task(server.receive_to_file(file, counts.append))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert sum(counts) == os.fstat(file).st_size
