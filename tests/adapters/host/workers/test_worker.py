"""A worker as its parent knows it, with a program in its place that does as it is told."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.logins import SERVER
from tests.fakes.worker_lines import make_parent

from crossdock.adapters.host.disk_blobs import DiskBlobs, open_disk_blobs
from crossdock.adapters.host.workers.orders import MOST_SEEN_BYTES, Begin
from crossdock.adapters.host.workers.worker import Worker
from crossdock.files.session_limits import SessionLimits
from crossdock.operations.listening import accept
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.guests import Arrived
from crossdock.settings import AwsSettings, LoginSettings, SftpSettings, UploadSettings

MARK = b"mark"
PROGRAM = """
import json, os, socket, sys
line, orders = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
guests = []
def say(name, **params):
    payload = json.dumps([0 if name in ("ready", "guest_left") else 1, name, params]).encode()
    line.sendall(len(payload).to_bytes(4, "big") + payload)
while True:
    message, extra, _, _ = orders.recvmsg(1 << 18, socket.CMSG_LEN(4))
    if not message:
        break
    params = json.loads(message)
    name = params.pop("kind")
    if name == "Begin":
        say("take_place", number=1, server_id="s-1", username="user1")
        line.recv(1000)
        say("ready")
    elif name == "Receive":
        client = socket.socket(fileno=int.from_bytes(extra[0][2][:4], sys.byteorder))
        client.sendall(f"hello {params['address']}".encode())
        guests.append(client)
    elif name == "Drain":
        guests.pop(0).close()
        say("guest_left", guest=params["guest"])
    elif params["reason"] == "die":
        os.kill(os.getpid(), 9)
    else:
        say("no such call")
"""

pytestmark = pytest.mark.slow


@dataclass
class Post:
    worker: Worker
    blobs: DiskBlobs
    staged: Path
    places: SessionLimits
    ready: asyncio.Event
    left: list[Any] = field(default_factory=list)
    somebody_left: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self, guest: Any) -> None:
        self.left.append(guest)
        self.somebody_left.set()

    def receive(self, transport: asyncio.Transport, seen: bytes = b"") -> Any:
        arrived = Arrived(server=SERVER, address="192.0.2.1", is_proxied=False, transport=transport, seen=seen)
        return self.worker.receive(arrived, self.leave)


@asynccontextmanager
async def posted(directory: Path) -> AsyncIterator[Post]:
    tasks, places, ready = TaskSupervisor(), SessionLimits(per_server=10, per_user=0), asyncio.Event()
    blobs = await open_disk_blobs(directory / "blobs")
    parent = make_parent(blobs=blobs, places=places)
    worker = Worker(parent, mark=MARK, tasks=tasks, ready=ready.set, variables={}, program=("-c", PROGRAM))
    await worker.start(
        Begin(
            data_dir=str(directory),
            mark=MARK.hex(),
            share=1,
            log_level="INFO",
            login=LoginSettings(),
            sftp=SftpSettings(),
            uploads=UploadSettings(),
            allow_append=False,
            rename_directories=False,
            region="us-east-1",
            aws=AwsSettings(),
            is_at_aws=False,
        )
    )
    async with asyncio.timeout(30):
        await ready.wait()
        yield Post(worker, blobs, directory / "blobs" / "staged", places, ready)
        await worker.end()
    await tasks.close()
    await blobs.close()


class Here(asyncio.Protocol):
    def __init__(self, arrived: "asyncio.Queue[asyncio.Transport]") -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.pause_reading()
        self._arrived.put_nowait(transport)


@asynccontextmanager
async def client() -> AsyncIterator[tuple[asyncio.Transport, socket.socket]]:
    """A connection: the transport that accepted it, and the client's socket."""
    arrived: asyncio.Queue[asyncio.Transport] = asyncio.Queue()
    acceptor, port = await accept("127.0.0.1", 0, lambda: Here(arrived))
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    try:
        yield await arrived.get(), sock
    finally:
        sock.close()
        acceptor.close()


async def heard(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, 1000)


async def test_a_guest_is_the_workers_until_it_has_left(tmp_path):
    async with posted(tmp_path) as post, client() as (transport, sock):
        assert post.worker.is_ready
        guest = post.receive(transport)
        assert transport.is_closing()
        assert await heard(sock) == b"hello 192.0.2.1"
        assert (post.worker.load, post.worker.served) == (1, 1)
        guest.drain()
        await post.somebody_left.wait()
        assert (post.left, post.worker.load, post.worker.served) == ([guest], 0, 1)
        assert await heard(sock) == b""


async def test_one_that_dies_gives_back_what_it_held_and_leaves_nothing_staged(tmp_path):
    async with posted(tmp_path) as post, client() as (transport, sock):
        its = "00" + MARK.hex() + "00" * 11
        (post.staged / its).write_bytes(b"of the worker")
        mine = await post.blobs.stage()
        guest = post.receive(transport)
        assert await heard(sock) == b"hello 192.0.2.1"
        assert post.places.sessions("s-1") == 1
        guest.cut("die")
        await post.worker.gone
        assert (post.left, post.worker.load, post.worker.is_ready) == ([guest], 0, False)
        assert post.places.sessions("s-1") == 0
        assert await heard(sock) == b""
        assert its not in [path.name for path in post.staged.iterdir()]
        await mine.write(b"of the parent")
        await mine.seal()


async def test_one_that_says_what_it_may_not_is_killed(tmp_path, caplog):
    async with posted(tmp_path) as post, client() as (transport, _):
        guest = post.receive(transport)
        guest.cut("speak")
        await post.worker.gone
        assert post.left == [guest]
    assert [record.status for record in caplog.records if hasattr(record, "status")] == [-signal.SIGKILL]


async def test_who_has_said_too_much_ahead_or_comes_to_a_dead_worker_is_not_taken(tmp_path):
    async with posted(tmp_path) as post, client() as (transport, _):
        assert post.receive(transport, bytes(MOST_SEEN_BYTES + 1)) is None
        assert not transport.is_closing()
        post.receive(transport).cut("die")
        await post.worker.gone
        async with client() as (another, _):
            assert post.receive(another) is None
            another.abort()
