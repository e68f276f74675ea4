"""An SFTP conversation over S3 in memory, and a client that speaks it packet by packet.

    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", READ)
        assert await talk.ask(READ_DATA, handle, u64(0), u32(10)) == ...

Home is `/bucket/home`. `talk.pipe.is_choked = True` is a client that reads nothing.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.fakes.clock import START, FakeClock
from tests.fakes.filesystems import PATH, files
from tests.fakes.logins import ROLE, SERVER, MemoryLog
from tests.fakes.object_store import MemoryS3

from crossdock.core.arns import parse_arn
from crossdock.core.homes import HomeDirectory
from crossdock.core.principals import AssumedRole
from crossdock.core.servers import FileProtocol, InterruptedUploads
from crossdock.files.recorded import RecordedFileSystem
from crossdock.files.session import Session
from crossdock.files.session_log import SessionLog
from crossdock.operations.tasks import TaskSupervisor
from crossdock.operations.threads import Threads
from crossdock.ports.resumable_uploads import ResumableUploads
from crossdock.sftp.conversation import Means, SftpConversation
from crossdock.sftp.packets import Kind, OpenFlags
from crossdock.sftp.pipe import Chunk

PATIENCE_S = 10.0
READ, WRITE, APPEND = OpenFlags.READ, OpenFlags.WRITE, OpenFlags.APPEND
CREAT, TRUNC, EXCL = OpenFlags.CREAT, OpenFlags.TRUNC, OpenFlags.EXCL
PUT = WRITE | CREAT | TRUNC


def u32(number: int) -> bytes:
    return struct.pack(">I", number)


def u64(number: int) -> bytes:
    return struct.pack(">Q", number)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return u32(len(data)) + data


def packet(kind: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">IB", len(body) + 1, kind) + body


@dataclass(frozen=True, slots=True)
class Answer:
    kind: Kind
    number: int
    body: bytes

    @property
    def code(self) -> int:
        """Of a STATUS; -1 of anything else."""
        return int.from_bytes(self.body[:4], "big") if self.kind is Kind.STATUS else -1

    @property
    def message(self) -> str:
        return self.string(4).decode()

    @property
    def data(self) -> bytes:
        """Of DATA or HANDLE."""
        assert self.kind in (Kind.DATA, Kind.HANDLE), self
        return self.string(0)

    @property
    def names(self) -> list[tuple[str, str]]:
        """Of NAME: names and long names."""
        assert self.kind is Kind.NAME, self
        found = []
        at = 4
        for _ in range(int.from_bytes(self.body[:4], "big")):
            name = self.string(at)
            at += 4 + len(name)
            longname = self.string(at)
            at += 4 + len(longname)
            at += len(self._attributes(at)[1])
            found.append((name.decode(errors="surrogateescape"), longname.decode(errors="surrogateescape")))
        assert at == len(self.body)
        return found

    @property
    def attributes(self) -> dict[str, int]:
        """Of ATTRS."""
        assert self.kind is Kind.ATTRS, self
        found, used = self._attributes(0)
        assert used == self.body
        return found

    def string(self, at: int) -> bytes:
        length = int.from_bytes(self.body[at : at + 4], "big")
        return self.body[at + 4 : at + 4 + length]

    def _attributes(self, start: int) -> tuple[dict[str, int], bytes]:
        flags = int.from_bytes(self.body[start : start + 4], "big")
        at = start + 4
        found = {}
        for flag, name, width in ((1, "size", 8), (4, "permissions", 4), (8, "atime", 4), (8, "mtime", 4)):
            if flags & flag:
                found[name] = int.from_bytes(self.body[at : at + width], "big")
                at += width
        assert not flags & ~0xD
        return found, self.body[start:at]


@dataclass
class FakePipe:
    """Implements `sftp.pipe.Pipe`."""

    sent: bytearray = field(default_factory=bytearray)
    is_paused: bool = False
    is_closed: bool = False
    is_lost: bool = False
    pauses: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.flowing.set()

    def send(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            self.sent += chunk
        self.changed.set()

    async def drained(self) -> None:
        await self.flowing.wait()
        if self.is_lost:
            raise ConnectionError("gone")

    def pause(self) -> None:
        self.is_paused = True
        self.pauses += 1
        self.changed.set()

    def resume(self) -> None:
        self.is_paused = False
        self.changed.set()

    def close(self) -> None:
        self.is_closed = True
        self.changed.set()

    async def until(self, condition: "asyncio.Future[None] | object") -> None:
        """Wait until something is so, looking again whenever something happened."""
        assert callable(condition)
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Talk:
    conversation: SftpConversation
    pipe: FakePipe
    s3: MemoryS3
    log: MemoryLog
    tasks: TaskSupervisor
    last: int = 0
    stray: dict[int, Answer] = field(default_factory=dict)

    def say(self, data: bytes) -> None:
        self.conversation.received(memoryview(data))

    def send(self, kind: int, *parts: bytes) -> int:
        """A request; returns its number."""
        self.last += 1
        self.say(packet(kind, u32(self.last), *parts))
        return self.last

    async def next(self) -> Answer:
        """The next answer that was sent."""
        await self.pipe.until(lambda: self._has_one())
        return self._pop()

    async def answer(self, number: int) -> Answer:
        """The answer to a request, whatever is answered before."""
        while number not in self.stray:
            answer = await self.next()
            self.stray[answer.number] = answer
        return self.stray.pop(number)

    async def ask(self, kind: int, *parts: bytes) -> Answer:
        return await self.answer(self.send(kind, *parts))

    async def extended(self, name: str, *parts: bytes) -> Answer:
        return await self.ask(Kind.EXTENDED, text(name), *parts)

    async def begin(self) -> bytes:
        """INIT; returns what follows the version."""
        self.say(packet(Kind.INIT, u32(3)))
        await self.pipe.until(lambda: self._has_one())
        length = int.from_bytes(self.pipe.sent[:4], "big")
        body = bytes(self.pipe.sent[4 : 4 + length])
        del self.pipe.sent[: 4 + length]
        assert body[:5] == bytes([Kind.VERSION]) + u32(3)
        return body[5:]

    async def opened(self, path: str, flags: OpenFlags) -> bytes:
        """An open handle, as later requests name it."""
        answer = await self.ask(Kind.OPEN, text(path), u32(flags), u32(0))
        assert answer.kind is Kind.HANDLE, (answer, answer.message)
        return text(answer.data)

    async def read(self, handle: bytes, offset: int, size: int) -> Answer:
        return await self.ask(Kind.READ, handle, u64(offset), u32(size))

    async def write(self, handle: bytes, offset: int, data: bytes) -> Answer:
        return await self.ask(Kind.WRITE, handle, u64(offset), text(data))

    async def close(self, handle: bytes) -> Answer:
        return await self.ask(Kind.CLOSE, handle)

    async def put(self, path: str, data: bytes, flags: OpenFlags = PUT, *, at: int = 0) -> Answer:
        """Open, write once, close: the first answer that is no success."""
        handle = await self.opened(path, flags)
        written = await self.write(handle, at, data)
        closed = await self.close(handle)
        return closed if written.code == 0 else written

    async def lose(self, reason: str = "reset") -> None:
        """The channel is gone."""
        self.pipe.is_lost = True
        self.pipe.flowing.set()
        self.conversation.lost(reason)
        await self.conversation.closed()

    def _has_one(self) -> bool:
        return len(self.pipe.sent) >= 4 + int.from_bytes(self.pipe.sent[:4], "big") > 4

    def _pop(self) -> Answer:
        end = 4 + int.from_bytes(self.pipe.sent[:4], "big")
        whole = bytes(self.pipe.sent[4:end])
        del self.pipe.sent[:end]
        return Answer(Kind(whole[0]), int.from_bytes(whole[1:5], "big"), whole[5:])


@asynccontextmanager
async def sftp_talk(
    s3: MemoryS3,
    *,
    home: HomeDirectory = PATH,
    stages: bool = True,
    actions: set[str] | None = None,
    is_no_op: bool = False,
    allow_append: bool = False,
    rename_directories: bool = False,
    max_handles: int = 100,
    begins: bool = True,
    kept: InterruptedUploads = InterruptedUploads.DISCARD,
    resumable: ResumableUploads | None = None,
) -> AsyncIterator[Talk]:
    """At the end nothing may be left: no task, no staged file, no multipart upload that is not `resumable`."""
    events = MemoryLog()
    kept = InterruptedUploads.RESUME if resumable is not None else kept
    server = replace(SERVER, setstat_is_no_op=is_no_op, interrupted_uploads=kept)
    filesystem = files(s3, home, actions=actions, stages=stages, kept=kept, resumable=resumable)
    log = SessionLog(log=events, server=server, username="user1", session_id="0123456789abcdef")
    session = Session(
        session_id="0123456789abcdef",
        server=server,
        username="user1",
        source_ip="192.0.2.1",
        protocol=FileProtocol.SFTP,
        home=home,
        principal=AssumedRole(role_arn=parse_arn(ROLE), role_id="AROA", session_name="s"),
        expires_at=START,
        filesystem=RecordedFileSystem(filesystem, home=home, log=log),
        log=log,
    )
    tasks = TaskSupervisor()
    pipe = FakePipe()
    with Threads(2, name="test") as pool:
        means = Means(
            pool=pool,
            tasks=tasks,
            clock=FakeClock(),
            allow_append=allow_append,
            rename_directories=rename_directories,
            max_handles=max_handles,
        )
        talk = Talk(SftpConversation(session, pipe, means), pipe, s3, events, tasks)
        try:
            if begins:
                await talk.begin()
            yield talk
        finally:
            await talk.lose("the test is over")
            running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            if running:
                await asyncio.wait(running, timeout=PATIENCE_S)
            await tasks.close()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not s3.staged
    assert not s3.uploads or resumable is not None
