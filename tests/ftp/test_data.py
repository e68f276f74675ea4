import asyncio
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.ftp.data import JOB_BYTES, TURN_BYTES, DataConnection, TransferBroken
from crossdock.ftp.replies import DataFailure

PATIENCE_S = 10.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP connection on loopback: the server's end, non-blocking, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.setblocking(False)
    with server, client:
        yield server, client


@pytest.fixture
def server(ends: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor) -> DataConnection:
    return DataConnection(ends[0], pool=pool, stall_s=PATIENCE_S)


@pytest.fixture
def client(ends: tuple[socket.socket, socket.socket]) -> socket.socket:
    return ends[1]


def read_all(client: socket.socket) -> bytes:
    taken = bytearray()
    while chunk := client.recv(1 << 20):
        taken += chunk
    return bytes(taken)


async def test_bytes_are_received_until_the_client_closes(server: DataConnection, client: socket.socket) -> None:
    client.sendall(b"hello")
    client.close()
    buffer = bytearray(100)
    assert await server.receive_into(memoryview(buffer)) == 5
    assert buffer[:5] == b"hello"
    assert await server.receive_into(memoryview(buffer)) == 0


async def test_one_turn_receives_no_more_than_its_share(server: DataConnection, client: socket.socket) -> None:
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
    server: DataConnection, client: socket.socket, tmp_path: Path
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
    server: DataConnection, client: socket.socket, tmp_path: Path
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


async def test_a_file_is_sent_from_its_middle(server: DataConnection, client: socket.socket, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "f").write_bytes(b"skip" + content + b"rest")
    source = os.open(tmp_path / "f", os.O_RDONLY)

    task = asyncio.get_running_loop().create_task(asyncio.to_thread(read_all, client))
    counts: list[int] = []
    await server.send_file(source, 4, len(content), counts.append)
    assert sum(counts) == len(content)
    server.finish()
    os.close(source)
    assert await task == content


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_file_that_is_too_short_is_unavailable(
    server: DataConnection, client: socket.socket, tmp_path: Path, size: int
) -> None:
    (tmp_path / "f").touch()
    source = os.open(tmp_path / "f", os.O_RDONLY)
    with pytest.raises(Unavailable):
        await server.send_file(source, 0, size)
    os.close(source)


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file", "send", "send_file", "send_large_file"])
async def test_a_reset_is_a_cut_on_every_way(
    server: DataConnection, client: socket.socket, tmp_path: Path, way: str
) -> None:
    (tmp_path / "f").write_bytes(b"x" * 1_000_000)
    file = os.open(tmp_path / "f", os.O_RDWR)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
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
    ends: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor, tmp_path: Path, way: str
) -> None:
    server = DataConnection(ends[0], pool=pool, stall_s=0.02)
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
    server: DataConnection, client: socket.socket
) -> None:
    client.sendall(b"never read")
    await server.send(b"x" * 100_000)
    server.finish()
    assert read_all(client) == b"x" * 100_000


async def test_a_reset_cannot_be_taken_for_the_end(server: DataConnection, client: socket.socket) -> None:
    await server.send(b"half of it")
    server.reset()
    with pytest.raises(ConnectionResetError):
        read_all(client)


async def test_a_cancelled_transfer_waits_for_its_job_before_anything_is_closed(
    ends: tuple[socket.socket, socket.socket], client: socket.socket, tmp_path: Path
) -> None:
    """Many times, because the job must be caught in the middle."""
    target = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    with ThreadPoolExecutor(1) as pool:
        server = DataConnection(ends[0], pool=pool, stall_s=PATIENCE_S)
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


# What was moved is counted, whatever came of it.


@pytest.mark.parametrize("way", ["receive_into", "receive_to_file"])
async def test_what_came_before_a_reset_is_counted(
    server: DataConnection, client: socket.socket, tmp_path: Path, way: str
) -> None:
    file = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    counts: list[int] = []
    client.sendall(b"0123456789")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
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
    ends: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor, tmp_path: Path, way: str
) -> None:
    server = DataConnection(ends[0], pool=pool, stall_s=0.02)
    (tmp_path / "f").write_bytes(b"x" * 20_000_000)
    file = os.open(tmp_path / "f", os.O_RDONLY)
    counts: list[int] = []
    ways = {
        "send": lambda: server.send(b"x" * 20_000_000, counts.append),
        "send_file": lambda: server.send_file(file, 0, 20_000_000, counts.append),
    }
    with pytest.raises(TransferBroken):
        await ways[way]()
    server.finish()
    os.close(file)
    assert sum(counts) == len(await asyncio.to_thread(read_all, ends[1]))


async def test_what_a_cancelled_job_had_moved_is_counted(
    server: DataConnection, client: socket.socket, tmp_path: Path
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
