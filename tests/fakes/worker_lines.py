"""A worker's line to its parent, both ends in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.host.workers.answers import LoginAnswers, Parent, StorageAnswers
from crossdock.adapters.host.workers.calls import HOLD_ROLE
from crossdock.adapters.host.workers.line import Answer, CallingLine, ServingLine
from crossdock.adapters.host.workers.remote_ledger import LedgerAnswers
from crossdock.adapters.host.workers.remote_unfinished import UnfinishedAnswers
from crossdock.adapters.host.workers.remote_uploads import UploadAnswers
from crossdock.core.errors import FileError
from crossdock.files.session_limits import SessionLimits
from crossdock.files.unfinished import UnfinishedUploads
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.authority import AssumeRefused, RoleHolder, RoleRequest
from crossdock.ports.host_keys import HostKey
from crossdock.ports.logs import LogGroupId
from crossdock.ports.upload_ledger import BegunUpload


@dataclass
class Joined:
    """`worker_lost` and `parent_lost` are set when that end has heard that the other is gone."""

    calling: CallingLine
    serving: ServingLine
    worker: asyncio.Transport
    tasks: TaskSupervisor
    worker_lost: asyncio.Event
    parent_lost: asyncio.Event


@asynccontextmanager
async def joined(answers: Sequence[Answer[Any, Any]]) -> AsyncIterator[Joined]:
    loop = asyncio.get_running_loop()
    tasks, worker_lost, parent_lost = TaskSupervisor(), asyncio.Event(), asyncio.Event()
    calling = CallingLine(lost=parent_lost.set)
    serving = ServingLine(answers, tasks=tasks, lost=worker_lost.set)
    ours, its = socket.socketpair()
    await loop.connect_accepted_socket(lambda: serving, ours)
    worker, _ = await loop.connect_accepted_socket(lambda: calling, its)
    try:
        yield Joined(calling, serving, worker, tasks, worker_lost, parent_lost)
    finally:
        serving.close()
        await asyncio.gather(worker_lost.wait(), parent_lost.wait())
        await tasks.close()


@dataclass
class MemoryLines:
    """Implements `ports.logs.LogLines`."""

    written: list[tuple[LogGroupId, str, Sequence[tuple[int, str]]]] = field(default_factory=list)

    def write(self, group: LogGroupId, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self.written.append((group, stream, events))


class NoHostKeys:
    async def active(self, server_id: str) -> Sequence[HostKey]:
        return ()


class NoRoles:
    async def hold(self, asked: RoleRequest) -> RoleHolder:
        raise AssumeRefused("nobody holds a role here")


@dataclass
class MemoryLedger:
    """Implements `ports.upload_ledger.UploadLedger`."""

    where: str
    noted: list[BegunUpload] = field(default_factory=list)
    failure: FileError | None = None

    async def note(self, upload: BegunUpload) -> None:
        if self.failure is not None:
            raise self.failure
        await self.forget(upload)
        self.noted.append(upload)

    async def forget(self, upload: BegunUpload) -> None:
        self.noted = [noted for noted in self.noted if noted.upload_id != upload.upload_id]


class MemoryLedgers(dict[str, MemoryLedger]):
    """Implements `ports.upload_ledger.WorkerLedgers`."""

    is_given_back = False

    def __missing__(self, where: str) -> MemoryLedger:
        return self.setdefault(where, MemoryLedger(where))

    def of(self, where: str) -> MemoryLedger:
        return self[where]

    def give_back(self) -> None:
        self.is_given_back = True


def make_parent(**parts: Any) -> Parent:
    """A parent with these parts, and nothing where none is given."""
    nothing: dict[str, Any] = dict.fromkeys(("provider", "objects", "uploads", "blobs"))
    something = {
        "roles": Answer(HOLD_ROLE, NoRoles().hold),
        "host_keys": NoHostKeys(),
        "places": SessionLimits(per_server=100, per_user=0),
        "log": MemoryLines(),
        "resumable": resumable_uploads(),
        "unfinished": UnfinishedUploads(),
        "new_ledgers": MemoryLedgers,
    }
    return Parent(**(nothing | something | parts))


@asynccontextmanager
async def joined_to(parent: Parent) -> AsyncIterator[CallingLine]:
    """The worker's end of a line to a parent that answers everything."""
    logins, storage, uploads = LoginAnswers(parent), StorageAnswers(parent), UploadAnswers(parent.resumable)
    answers = logins, storage, uploads, LedgerAnswers(parent.new_ledgers())
    told = [answer for some in answers for answer in some.all()]
    async with joined([*told, *UnfinishedAnswers(parent.unfinished).all()]) as both:
        yield both.calling
    for some in answers:
        some.give_back()
