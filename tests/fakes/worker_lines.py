"""A worker's line to its parent, both ends in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from crossdock.adapters.host.workers.answers import LoginAnswers, Parent, StorageAnswers
from crossdock.adapters.host.workers.line import Answer, CallingLine, ServingLine
from crossdock.files.session_limits import SessionLimits
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.host_keys import HostKey
from crossdock.ports.logs import LogGroupId


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


def make_parent(**parts: Any) -> Parent:
    """A parent with these parts, and nothing where none is given."""
    nothing: dict[str, Any] = dict.fromkeys(("provider", "roles", "objects", "uploads", "blobs"))
    places = SessionLimits(per_server=100, per_user=0)
    return Parent(**(nothing | {"host_keys": NoHostKeys(), "places": places, "log": MemoryLines()} | parts))


@asynccontextmanager
async def joined_to(parent: Parent) -> AsyncIterator[CallingLine]:
    """The worker's end of a line to a parent that answers everything."""
    logins, storage = LoginAnswers(parent), StorageAnswers(parent)
    async with joined([*logins.all(), *storage.all()]) as both:
        yield both.calling
    logins.give_back()
    storage.give_back()
