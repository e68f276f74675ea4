"""A multipart upload with several parts on their way, never more than a bounded number of bytes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial

from crossdock.core.errors import FileError, Interrupted, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.parts import Part
from crossdock.files.unbroken import unbroken
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.objects import MultipartUpload, ObjectInfo

IN_FLIGHT = 4
"""Blocks on their way at once, of one upload; a larger part goes alone."""

Send = Callable[[], Awaitable[None]]
Begin = Callable[[], Awaitable[MultipartUpload]]


class PartsInFlight:
    """Begins with the first part that is sent. End it with `complete`, `abort` or `leave`.

    Args:
        begin: starts the upload in the store.
        upload: what goes on, where one was begun before.
    """

    def __init__(self, place: ObjectPlace, begin: Begin, *, upload: MultipartUpload | None = None) -> None:
        self._place = place
        self._begin_upload = begin
        self._upload = upload
        self._sending: dict[asyncio.Task[None], int] = {}
        self._supervisor = TaskSupervisor()
        self._failure: FileError | None = None
        self._is_closed = False

    @property
    def upload_id(self) -> str:
        """Empty before it has begun."""
        return "" if self._upload is None else self._upload.upload_id

    def require_sound(self) -> None:
        """Raise what a part failed with."""
        if self._failure is not None:
            raise self._failure

    async def send(self, part: Part) -> None:
        """Start sending a part, when enough of the others have arrived. In any case it is released in the end."""
        with ExitStack() as undo:
            undo.callback(part.release)
            upload = await self._begun()
            blocks = part.blocks
            while (held := sum(self._sending.values())) and held + blocks > IN_FLIGHT:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            self._require_open()
            undo.pop_all()
        # Not at the end of the work: a task that is cancelled before its first step never runs.
        task = self._start(partial(upload.upload_part, part.number, part.body()), part.number, blocks)
        task.add_done_callback(lambda _: part.release())

    async def copy(self, source: ObjectInfo, runs: Sequence[tuple[int, int]]) -> None:
        """Start making the first parts of an object's bytes, each of an offset and a size; they hold no blocks."""
        upload = await self._begun()
        turns = asyncio.Semaphore(IN_FLIGHT)
        for number, (offset, size) in enumerate(runs, start=1):
            copy = partial(upload.copy_part, number, source, offset=offset, size=size)
            self._start(partial(self._in_turn, turns, copy), number, 0)

    async def complete(self) -> ObjectInfo:
        """Wait for every part and make them the object."""
        upload = await self._begun()
        if self._sending:
            await asyncio.wait(self._sending)
        self.require_sound()
        info = await upload.complete()
        self._upload = None
        return info

    async def leave(self) -> MultipartUpload | None:
        """Let go of the upload without ending it, once what is on its way has arrived or failed; None if none began."""
        self._is_closed = True
        if self._sending:
            await asyncio.wait(self._sending)
        upload, self._upload = self._upload, None
        return upload

    async def abort(self) -> None:
        """Leave nothing behind. Safe at any time, and again; raises what the store says if it does not let go."""
        self._is_closed = True
        await self._supervisor.close()
        upload, self._upload = self._upload, None
        if upload is not None:
            await upload.abort()

    def _start(self, send: Send, number: int, blocks: int) -> asyncio.Task[None]:
        task = self._supervisor.start(self._noting_failure(send), name=f"part {number} of {self._place}")
        self._sending[task] = blocks
        task.add_done_callback(lambda done: self._sent(done, number))
        return task

    async def _noting_failure(self, send: Send) -> None:
        try:
            await send()
        except FileError as error:
            self._failure = self._failure or error

    async def _in_turn(self, turns: asyncio.Semaphore, copy: Send) -> None:
        async with turns:
            if self._failure is None:
                await copy()

    def _sent(self, task: asyncio.Task[None], number: int) -> None:
        del self._sending[task]
        if self._failure is None and (task.cancelled() or task.exception() is not None):
            self._failure = Unavailable(f"part {number} of {self._place} could not be sent")

    async def _begun(self) -> MultipartUpload:
        """The upload, begun by the first that asks; never begun and forgotten, even when that one is cancelled."""
        if self._upload is None:
            await unbroken(self._begin())
        self._require_open()
        assert self._upload is not None
        return self._upload

    async def _begin(self) -> None:
        upload = await self._begin_upload()
        if self._is_closed:
            await upload.abort()
        else:
            self._upload = upload

    def _require_open(self) -> None:
        if self._is_closed:
            raise Interrupted(f"the upload of {self._place} was discarded")
