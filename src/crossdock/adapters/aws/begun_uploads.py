"""Multipart uploads that were begun and not ended: noted in the state, so that the next start aborts what a crash left.

S3 keeps the parts of an upload that nobody ends, and they cost money, for ever. Only those noted here are aborted:
others in the same bucket are somebody else's.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.operations.records import Records
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.host import Clock
from crossdock.ports.state import Key, State, TableSpec
from crossdock.ports.upload_ledger import BegunUpload

GIVEN_UP_AFTER = timedelta(days=30)
"""After which an upload that could not be aborted at any start is forgotten."""
_PAGE = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRecord:
    bucket: str
    key: str
    upload_id: str
    role_arn: str
    began_at: datetime


BEGUN: Records[BegunRecord] = Records(TableSpec(name="begun_uploads"), BegunRecord)


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
        record = BegunRecord(
            bucket=upload.place.bucket,
            key=upload.place.key,
            upload_id=upload.upload_id,
            role_arn=upload.role_arn,
            began_at=self._clock.now(),
        )
        async with self._state.transaction() as tx:
            await BEGUN.put(tx, record, self._node, self._run, _id(upload))

    async def forget(self, upload: BegunUpload) -> None:
        try:
            await self._delete((self._node, self._run, _id(upload)))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as begun", extra={"reason": str(error)})

    async def left_behind(self) -> AsyncIterator[BegunUpload]:
        async for _, record in self._left_behind():
            yield _upload(record)

    async def sweep(
        self, abort: Callable[[BegunUpload], Awaitable[None]], *, spared: Container[str] = frozenset()
    ) -> "Swept":
        """Abort what earlier runs left behind; `abort` does so as the role that began it, and may raise.

        Args:
            spared: ids of uploads that their users may go on with.
        """
        aborted, stayed = 0, list[str]()
        async for key, record in self._left_behind():
            if record.upload_id in spared:
                continue
            upload = _upload(record)
            try:
                await abort(upload)
            except (FileError, AssumeRefused) as error:
                stayed.append(f"{upload.place}: {error}")
                if self._clock.now() - record.began_at < GIVEN_UP_AFTER:
                    continue
            else:
                aborted += 1
            await self._delete(key)
        return Swept(aborted=aborted, stayed=tuple(stayed))

    async def _left_behind(self) -> AsyncIterator[tuple[Key, BegunRecord]]:
        after: Key | None = None
        while True:
            async with self._state.reading() as tx:
                records = await BEGUN.page_with_keys(tx, self._node, after=after, limit=_PAGE)
            for key, record in records:
                if key[1] != self._run:
                    yield key, record
            if len(records) < _PAGE:
                return
            after = records[-1][0]

    async def _delete(self, key: Key) -> None:
        async with self._state.transaction() as tx:
            await BEGUN.delete(tx, *key)


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


def _upload(record: BegunRecord) -> BegunUpload:
    return BegunUpload(
        place=ObjectPlace(bucket=record.bucket, key=record.key), upload_id=record.upload_id, role_arn=record.role_arn
    )
