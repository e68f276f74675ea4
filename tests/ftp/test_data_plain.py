import asyncio
import fcntl
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from tests.fakes.ftp_house import PATIENCE_S, eventually
from tests.fakes.sockets import no_descriptor_left, read_all, vanish

from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.ftp.data_plain import PlainConnection
from crossdock.ftp.data_socket import JOB_BYTES, TURN_BYTES, Patience, TransferBroken
from crossdock.ftp.kernel_moves import PIPE_BYTES, Scratch, socket_to_file
from crossdock.ftp.replies import DataFailure
from crossdock.operations.threads import Threads


@pytest.fixture
def server(ends: tuple[socket.socket, socket.socket], pool: Threads) -> PlainConnection:
    return PlainConnection(ends[0], pool=pool, stall_s=PATIENCE_S)


@pytest.fixture
def client(ends: tuple[socket.socket, socket.socket]) -> socket.socket:
    return ends[1]


async def test_bytes_are_received_until_the_client_closes(server: PlainConnection, client: socket.socket) -> None:
    client.sendall(b"hello")
    client.close()
    buffer = bytearray(100)
    assert await server.receive_into(memoryview(buffer)) == 5
    assert buffer[:5] == b"hello"
    assert await server.receive_into(memoryview(buffer)) == 0


async def test_one_turn_receives_no_more_than_its_share(server: PlainConnection, client: socket.socket) -> None:
    sending = asyncio.to_thread(client.sendall, b"x" * (4 * TURN_BYTES))
    task = asyncio.get_running_loop().create_task(sending)
    received = 0
    buffer = memoryview(bytearray(4 * TURN_BYTES))
    while received < 4 * TURN_BYTES:
        count = await server.receive_into(buffer)
        assert count <= TURN_BYTES
        received += count
    await task


async def test_bytes_go_into_a_file_in_bounded_jobs(
    server: PlainConnection, client: socket.socket, tmp_path: Path
) -> None:
    content = os.urandom(JOB_BYTES + 100_000)

    def send() -> None:
        client.sendall(content)
        client.close()

    task = asyncio.get_running_loop().create_task(asyncio.to_thread(send))
    target = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    while count := await server.receive_to_file(target):
        assert count < JOB_BYTES + (1 << 20)
    os.close(target)
    await task
    assert (tmp_path / "f").read_bytes() == content


async def test_a_full_disk_is_out_of_space_and_another_failure_unavailable(
    server: PlainConnection, client: socket.socket, tmp_path: Path
) -> None:
    client.sendall(b"hello")
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OutOfSpace):
        await server.receive_to_file(full)
    os.close(full)
    client.sendall(b"hello")
    (tmp_path / "f").touch()
    unwritable = os.open(tmp_path / "f", os.O_RDONLY)
    with pytest.raises(Unavailable):
        await server.receive_to_file(unwritable)
    os.close(unwritable)


async def test_a_file_is_sent_from_its_middle(server: PlainConnection, client: socket.socket, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "f").write_bytes(b"skip" + content + b"rest")
    source = os.open(tmp_path / "f", os.O_RDONLY)

    task = asyncio.get_running_loop().create_task(asyncio.to_thread(read_all, client))
    counts: list[int] = []
    await server.send_file(source, 4, len(content), counts.append)
    assert sum(counts) == len(content)
    await server.finish()
    os.close(source)
    assert await task == content


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_file_that_is_too_short_is_unavailable(
    server: PlainConnection, client: socket.socket, tmp_path: Path, size: int
) -> None:
    (tmp_path / "f").touch()
    source = os.open(tmp_path / "f", os.O_RDONLY)
    with pytest.raises(Unavailable):
        await server.send_file(source, 0, size)
    os.close(source)


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file", "send", "send_file", "send_large_file"])
async def test_a_reset_is_a_cut_on_every_way(
    server: PlainConnection, client: socket.socket, tmp_path: Path, way: str
) -> None:
    (tmp_path / "f").write_bytes(b"x" * 1_000_000)
    file = os.open(tmp_path / "f", os.O_RDWR)
    vanish(client)
    ways = {
        "receive_into": lambda: server.receive_into(memoryview(bytearray(10))),
        "receive_to_file": lambda: server.receive_to_file(file),
        "send": lambda: server.send(b"x"),
        "send_file": lambda: server.send_file(file, 0, 10),
        "send_large_file": lambda: server.send_file(file, 0, 1_000_000),
    }
    with pytest.raises(TransferBroken) as raised:
        await ways[way]()
    assert raised.value.failure is DataFailure.CUT
    os.close(file)


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file", "send", "send_file"])
async def test_a_client_that_stands_still_is_given_up_on_every_way(
    ends: tuple[socket.socket, socket.socket], pool: Threads, tmp_path: Path, way: str
) -> None:
    server = PlainConnection(ends[0], pool=pool, stall_s=0.02)
    (tmp_path / "f").write_bytes(b"x" * 20_000_000)
    file = os.open(tmp_path / "f", os.O_RDWR)
    ways = {
        "receive_into": lambda: server.receive_into(memoryview(bytearray(10))),
        "receive_to_file": lambda: server.receive_to_file(file),
        "send": lambda: server.send(b"x" * 20_000_000),
        "send_file": lambda: server.send_file(file, 0, 20_000_000),
    }
    with pytest.raises(TransferBroken) as raised:
        await ways[way]()
    assert raised.value.failure is DataFailure.STALLED
    os.close(file)


async def test_what_was_sent_arrives_even_if_the_client_had_something_to_say(
    server: PlainConnection, client: socket.socket
) -> None:
    client.sendall(b"never read")
    await server.send(b"x" * 100_000)
    await server.finish()
    assert read_all(client) == b"x" * 100_000


async def test_no_more_is_thrown_away_than_is_to_be_borne(server: PlainConnection, client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    patience = Patience(most_s=PATIENCE_S, most_bytes=TURN_BYTES + 1, pause_s=PATIENCE_S)
    client.setblocking(False)
    parting = loop.create_task(server.part(patience))
    await loop.sock_sendall(client, bytes(TURN_BYTES))
    assert not parting.done()
    await loop.sock_sendall(client, b"!?")
    await parting
    # Closed with a byte unread, the connection is reset at once, behind its end in order.
    with pytest.raises(BrokenPipeError):
        await loop.sock_sendall(client, b"!")


async def test_who_has_been_listened_to_to_the_end_sees_an_end(server: PlainConnection, client: socket.socket) -> None:
    client.sendall(b"!")
    client.shutdown(socket.SHUT_WR)
    await server.part(Patience(most_s=PATIENCE_S, most_bytes=TURN_BYTES, pause_s=PATIENCE_S))
    assert client.recv(1) == b""


async def test_a_reset_cannot_be_taken_for_the_end(server: PlainConnection, client: socket.socket) -> None:
    await server.send(b"half of it")
    server.reset()
    with pytest.raises(ConnectionResetError):
        read_all(client)


async def test_a_cancelled_transfer_waits_for_its_job_before_anything_is_closed(
    ends: tuple[socket.socket, socket.socket], client: socket.socket, tmp_path: Path
) -> None:
    """Many times, because the job must be caught in the middle."""
    target = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    with Threads(1, name="test") as pool:
        server = PlainConnection(ends[0], pool=pool, stall_s=PATIENCE_S)
        for _ in range(50):
            client.sendall(b"x" * 50_000)
            task = asyncio.get_running_loop().create_task(server.receive_to_file(target))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait((task,))
            size = os.fstat(target).st_size
            pool.submit(int).result()  # whatever the only thread still had to do is done now
            assert os.fstat(target).st_size == size
    os.close(target)


# Urgent data (RFC 9293 §3.8.5), which splice() does not get past.

URGENT = b"x" * 1000 + b"!" + b"y" * 1000


def send_urgent(client: socket.socket) -> None:
    client.sendall(URGENT[:1000])
    client.send(URGENT[1000:1001], socket.MSG_OOB)
    client.sendall(URGENT[1001:])


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file"])
@pytest.mark.parametrize("closes", [True, False], ids=["closed", "open"])
async def test_a_file_with_urgent_bytes_arrives_whole_and_ends_when_the_client_closes(
    server: PlainConnection, client: socket.socket, tmp_path: Path, way: str, closes: bool
) -> None:
    path = tmp_path / "f"
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    buffer = memoryview(bytearray(5000))

    async def receive_some() -> int:
        if way == "receive_to_file":
            return await server.receive_to_file(file)
        count = await server.receive_into(buffer)
        os.write(file, buffer[:count])
        return count

    async with asyncio.timeout(PATIENCE_S):
        send_urgent(client)
        if not closes:
            while path.stat().st_size < len(URGENT):
                assert await receive_some() > 0
            send_urgent(client)
        client.close()
        while await receive_some():
            pass
    os.close(file)
    assert path.read_bytes() == URGENT * (1 if closes else 2)


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "open"])
async def test_an_urgent_byte_at_the_front_does_not_stop_a_job(
    ends: tuple[socket.socket, socket.socket], pool: Threads, tmp_path: Path, closes: bool
) -> None:
    """Behind it the end may have come, and then splice() gives 0 as at the end."""
    ends[1].send(b"!", socket.MSG_OOB)
    ends[1].sendall(b"behind it")
    if closes:
        ends[1].close()
    PlainConnection(ends[0], pool=pool, stall_s=PATIENCE_S)
    await eventually(lambda: len(ends[0].recv(100, socket.MSG_PEEK)) == 10)
    scratch = Scratch()
    file = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    assert socket_to_file(ends[0], file, scratch) == (10, None)
    os.close(file)
    assert (tmp_path / "f").read_bytes() == b"!behind it"
    scratch.drop_pipe()


# What was moved is counted, whatever came of it.


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file"])
async def test_what_came_before_a_reset_is_counted(
    server: PlainConnection, client: socket.socket, tmp_path: Path, way: str
) -> None:
    file = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    counts: list[int] = []
    client.sendall(b"0123456789")
    vanish(client)
    ways = {
        "receive_into": lambda: server.receive_into(memoryview(bytearray(100)), counts.append),
        "receive_to_file": lambda: server.receive_to_file(file, counts.append),
    }

    async def receive_all() -> None:
        while await ways[way]():
            pass

    with pytest.raises(TransferBroken):
        await receive_all()
    assert counts == [10]
    os.close(file)


@pytest.mark.parametrize("way", ["send", "send_file"])
async def test_what_went_before_a_stall_is_counted(
    ends: tuple[socket.socket, socket.socket], pool: Threads, tmp_path: Path, way: str
) -> None:
    server = PlainConnection(ends[0], pool=pool, stall_s=0.02)
    (tmp_path / "f").write_bytes(b"x" * 20_000_000)
    file = os.open(tmp_path / "f", os.O_RDONLY)
    counts: list[int] = []
    ways = {
        "send": lambda: server.send(b"x" * 20_000_000, counts.append),
        "send_file": lambda: server.send_file(file, 0, 20_000_000, counts.append),
    }
    with pytest.raises(TransferBroken):
        await ways[way]()
    await server.finish()
    os.close(file)
    assert sum(counts) == len(await asyncio.to_thread(read_all, ends[1]))


async def test_what_a_cancelled_job_had_moved_is_counted(
    server: PlainConnection, client: socket.socket, tmp_path: Path
) -> None:
    target = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    counts: list[int] = []
    for _ in range(50):
        client.sendall(b"x" * 50_000)
        task = asyncio.get_running_loop().create_task(server.receive_to_file(target, counts.append))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        assert sum(counts) == os.fstat(target).st_size
    os.close(target)


# The way through the kernel.


def received(ends: tuple[socket.socket, socket.socket], target: Path, content: bytes, scratch: Scratch) -> bytes:
    ends[1].sendall(content)
    file = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    count, error = socket_to_file(ends[0], file, scratch)
    os.close(file)
    assert (count, error) == (len(content), None)
    return target.read_bytes()


def test_where_the_kernel_gives_no_large_pipe_bytes_are_copied(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    scratch = Scratch(pipe_bytes=1 << 31)  # more than any user may have
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert received(ends, tmp_path / "f", b"hello", scratch) == b"hello"
    assert scratch.pipe is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_a_descriptor_for_a_pipe_bytes_are_copied_and_the_next_upload_has_one(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    scratch = Scratch()
    ends[1].sendall(b"hello")
    file = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    with no_descriptor_left():
        assert socket_to_file(ends[0], file, scratch) == (5, None)
    assert (tmp_path / "f").read_bytes() == b"hello"
    assert scratch.pipe is None
    assert received(ends, tmp_path / "g", b"again", scratch) == b"again"
    assert scratch.pipe is not None
    os.close(file)
    scratch.drop_pipe()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("pipe_bytes", [PIPE_BYTES, 1 << 31], ids=["spliced", "copied"])
def test_bytes_that_could_not_be_written_never_reach_the_next_upload(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, pipe_bytes: int
) -> None:
    scratch = Scratch(pipe_bytes)
    ends[1].sendall(b"of the first upload")
    file = os.open(tmp_path / "full", os.O_CREAT | os.O_WRONLY)
    with largest_file(4):
        count, error = socket_to_file(ends[0], file, scratch)
    os.close(file)
    assert count == 0
    assert isinstance(error, OutOfSpace)
    assert received(ends, tmp_path / "f", b"of the second", scratch) == b"of the second"
    scratch.drop_pipe()


def test_a_file_that_takes_nothing_from_a_pipe_is_written_to(ends: tuple[socket.socket, socket.socket]) -> None:
    scratch = Scratch()
    ends[1].sendall(b"hello")
    with TemporaryFile() as file:
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)  # splice(2): EINVAL
        assert socket_to_file(ends[0], file.fileno(), scratch) == (5, None)
        file.seek(0)
        assert file.read() == b"hello"
    scratch.drop_pipe()


@pytest.mark.parametrize("pipe_bytes", [PIPE_BYTES, 1 << 31], ids=["spliced", "copied"])
def test_both_ways_tell_a_reset_from_an_end(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, pipe_bytes: int
) -> None:
    scratch = Scratch(pipe_bytes)
    ends[1].sendall(b"hello")
    vanish(ends[1])
    file = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    count, error = socket_to_file(ends[0], file, scratch)
    os.close(file)
    assert count == 5
    assert isinstance(error, TransferBroken)
    scratch.drop_pipe()


class Endless(socket.socket):
    """A client that never stops sending."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        return bytes(size)


async def test_finishing_waits_for_nobody_who_goes_on_sending(
    ends: tuple[socket.socket, socket.socket], pool: Threads
) -> None:
    endless = Endless(fileno=ends[0].detach())
    await PlainConnection(endless, pool=pool, stall_s=PATIENCE_S).finish()
    assert endless.fileno() == -1
