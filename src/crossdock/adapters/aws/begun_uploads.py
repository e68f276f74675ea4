"""Multipart uploads that were begun and not ended: noted in the state, so that the next start aborts what a crash left.

S3 keeps the parts of an upload that nobody ends, and they cost money, for ever. Only those noted here are aborted:
others in the same bucket are somebody else's.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.host import Clock
from crossdock.ports.state import JsonObject, Row, State, TableSpec

TABLE = TableSpec(name="begun_uploads")
GIVEN_UP_AFTER = timedelta(days=30)
"""After which an upload that could not be aborted at any start is forgotten."""
_PAGE = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunUpload:
    """`role_arn` is the role under which it was begun, and may be aborted; empty where nobody told."""

    place: ObjectPlace
    upload_id: str
    role_arn: str


class UploadLedger(Protocol):
    """Who is told of multipart uploads before their first part is sent, and after their end."""

    async def note(self, upload: BegunUpload) -> None:
        """Raises OutOfSpace or Unavailable; then the upload must not go on."""

    async def forget(self, upload: BegunUpload) -> None:
        """Never fails: an upload that is remembered too long is found to be gone."""


class BegunUploads:
    """An UploadLedger in the state.

    Args:
        node: this service among those that share the state; each sweeps only its own.
        run: this run of it; what other runs of the node have noted was left behind.
    """

    def __init__(self, state: State, *, node: str, run: str, clock: Clock) -> None:
        self._state = state
        self._node = node
        self._run = run
        self._clock = clock

    async def note(self, upload: BegunUpload) -> None:
        row: JsonObject = {
            "bucket": upload.place.bucket,
            "key": upload.place.key,
            "upload_id": upload.upload_id,
            "role_arn": upload.role_arn,
            "began_at": self._clock.now().isoformat(),
        }
        async with self._state.transaction() as transaction:
            await transaction.table(TABLE).put((self._node, self._run, _id(upload)), row)

    async def forget(self, upload: BegunUpload) -> None:
        try:
            await self._delete((self._node, self._run, _id(upload)))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as begun", extra={"reason": str(error)})

    async def left_behind(self) -> AsyncIterator[tuple[Row, BegunUpload]]:
        after: tuple[str, ...] | None = None
        while True:
            async with self._state.reading() as transaction:
                rows = await transaction.table(TABLE).page((self._node,), after=after, limit=_PAGE)
            for row in rows:
                if row.key[1] != self._run:
                    yield row, _upload(row.value)
            if len(rows) < _PAGE:
                return
            after = rows[-1].key

    async def sweep(self, abort: Callable[[BegunUpload], Awaitable[None]]) -> "Swept":
        """Abort what earlier runs left behind; `abort` does so as the role that began it, and may raise."""
        aborted, stayed = 0, list[str]()
        async for row, upload in self.left_behind():
            try:
                await abort(upload)
            except (FileError, AssumeRefused) as error:
                stayed.append(f"{upload.place}: {error}")
                if self._clock.now() - datetime.fromisoformat(str(row.value["began_at"])) < GIVEN_UP_AFTER:
                    continue
            else:
                aborted += 1
            await self._delete(row.key)
        return Swept(aborted=aborted, stayed=tuple(stayed))

    async def _delete(self, key: tuple[str, ...]) -> None:
        async with self._state.transaction() as transaction:
            await transaction.table(TABLE).delete(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many uploads were aborted, and a sentence for each whose parts stayed behind."""

    aborted: int
    stayed: tuple[str, ...]

    def log(self) -> None:
        if self.aborted:
            _log.info("aborted the uploads that an interrupted run had left", extra={"uploads": self.aborted})
        for sentence in self.stayed:
            _log.warning("an upload that an interrupted run had left stays", extra={"reason": sentence})


def _id(upload: BegunUpload) -> str:
    return f"{upload.place.bucket}/{upload.upload_id}"


def _upload(value: JsonObject) -> BegunUpload:
    return BegunUpload(
        place=ObjectPlace(bucket=str(value["bucket"]), key=str(value["key"])),
        upload_id=str(value["upload_id"]),
        role_arn=str(value["role_arn"]),
    )
