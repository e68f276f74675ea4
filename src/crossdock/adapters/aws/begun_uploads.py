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
"""After which an upload that could not be aborted is forgotten."""
_OVER = ""
"""In place of the run, of uploads that are over; no run has that name."""
_PAGE = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRecord:
    """`run` is the one in which it was begun; its key has none, so that any may forget it."""

    bucket: str
    key: str
    upload_id: str
    role_arn: str
    began_at: datetime
    run: str = _OVER
    session_name: str = ""


BEGUN: Records[BegunRecord] = Records(TableSpec(name="begun_uploads"), BegunRecord)


class BegunUploads:
    """An UploadLedger in the state.

    Args:
        node: this service among those that share the state; each sweeps only its own.
        run: in which uploads are noted.
        living: further runs that go on; what all others of the node have noted was left behind, and what is over.
    """

    def __init__(
        self, state: State, *, node: str, run: str, clock: Clock, living: Container[str] = frozenset()
    ) -> None:
        self._state = state
        self._node = node
        self._run = run
        self._living = living
        self._clock = clock

    async def note(self, upload: BegunUpload) -> None:
        record = BegunRecord(
            bucket=upload.place.bucket,
            key=upload.place.key,
            upload_id=upload.upload_id,
            role_arn=upload.role_arn,
            began_at=self._clock.now(),
            run=_OVER if upload.is_over else self._run,
            session_name=upload.session_name,
        )
        async with self._state.transaction() as tx:
            await BEGUN.put(tx, record, self._node, _id(upload))

    async def forget(self, upload: BegunUpload) -> None:
        try:
            await self._delete((self._node, _id(upload)))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as begun", extra={"reason": str(error)})

    async def left_behind(self) -> AsyncIterator[BegunUpload]:
        async for _, record in self._left_behind():
            yield _upload(record)

    async def has_left_behind(self) -> bool:
        async for _ in self._left_behind():
            return True
        return False

    async def sweep(
        self,
        abort: Callable[[BegunUpload], Awaitable[None]],
        *,
        is_spared: Callable[[BegunUpload], Awaitable[bool]] | None = None,
    ) -> "Swept":
        """Abort what is over or was left by other runs; `abort` does so as the role that began it, and may raise.

        Args:
            is_spared: whether its user may go on with an upload; asked of each just before it would be aborted.
        """
        aborted, stayed = 0, list[str]()
        async for key, record in self._left_behind():
            upload = _upload(record)
            if is_spared is not None and await is_spared(upload):
                continue
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
                if record.run != self._run and record.run not in self._living:
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
            _log.info("aborted uploads that had been left behind", extra={"uploads": self.aborted})
        for sentence in self.stayed:
            _log.warning("an upload that was left behind stays", extra={"reason": sentence})


def _id(upload: BegunUpload) -> str:
    return f"{upload.place.bucket}/{upload.upload_id}"


def _upload(record: BegunRecord) -> BegunUpload:
    return BegunUpload(
        place=ObjectPlace(bucket=record.bucket, key=record.key),
        upload_id=record.upload_id,
        role_arn=record.role_arn,
        session_name=record.session_name,
    )
