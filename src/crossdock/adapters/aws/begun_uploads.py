"""Multipart uploads that were begun and not ended: noted in the state, so that the next start aborts what a crash left.

S3 keeps the parts of an upload that nobody ends, and they cost money, for ever. Only those noted here are aborted:
others in the same bucket are somebody else's.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.failures import failure_of
from crossdock.operations.records import Records
from crossdock.ports.host import Clock
from crossdock.ports.state import Key, State, TableSpec
from crossdock.ports.upload_ledger import BegunUpload

GIVEN_UP_AFTER = timedelta(days=30)
"""After which an upload that could not be aborted is forgotten."""
_OVER = ""
"""In place of the run, of uploads that are over; no run has that name."""
_PAGE = 100
_ENOUGH = 3
"""Uploads in one bucket, one after another, that an S3 which is not well has not aborted: the others wait."""

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
        # By an S3 that was not well, the longest ago first.
        self._not_aborted = dict[Key, None]()

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

    async def sweep(
        self,
        abort: Callable[[BegunUpload], Awaitable[None]],
        *,
        is_spared: Callable[[BegunUpload], Awaitable[bool]] | None = None,
    ) -> "Swept":
        """Abort what is over or was left by other runs; `abort` does so as the role that began it, and may raise.

        What an S3 that was not well has not aborted comes last the next time, so that it never hides the others.

        Args:
            is_spared: whether its user may go on with an upload; asked of each just before it would be aborted.
        """
        aborted, stayed, forgotten = 0, dict[str, str](), list[str]()
        unavailable = Counter[str]()
        async for key, record in self._in_turn():
            upload = _upload(record)
            if is_spared is not None and await is_spared(upload):
                continue
            bucket = upload.place.bucket
            if unavailable[bucket] == _ENOUGH:
                stayed[f"{bucket}/"] = f"{bucket}: other uploads there wait until the S3 is well again"
                continue
            failure = await failure_of(abort(upload))
            self._not_aborted.pop(key, None)
            if failure is None:
                unavailable[bucket] = 0
                aborted += 1
                await self._delete(key)
                continue
            sentence = f"{upload.place}: {failure}"
            if isinstance(failure, Unavailable):
                unavailable[bucket] += 1
                self._not_aborted[key] = None
            if self._clock.now() - record.began_at < GIVEN_UP_AFTER:
                stayed[_id(upload)] = sentence
                continue
            forgotten.append(sentence)
            await self._delete(key)
        return Swept(aborted=aborted, stayed=stayed, forgotten=tuple(forgotten))

    async def forget_left_behind(self) -> int:
        """Of uploads that nobody can abort any more. Returns how many."""
        keys = [key async for key, _ in self._left_behind()]
        for key in keys:
            await self._delete(key)
        return len(keys)

    async def _in_turn(self) -> AsyncIterator[tuple[Key, BegunRecord]]:
        last = dict(self._not_aborted)
        async for key, record in self._left_behind():
            if key not in last:
                yield key, record
        for key in last:
            async with self._state.reading() as tx:
                late = await BEGUN.get(tx, *key)
            if late is not None and self._is_left_behind(late):
                yield key, late
            else:
                self._not_aborted.pop(key, None)

    async def _left_behind(self) -> AsyncIterator[tuple[Key, BegunRecord]]:
        after: Key | None = None
        while True:
            async with self._state.reading() as tx:
                records = await BEGUN.page_with_keys(tx, self._node, after=after, limit=_PAGE)
            for key, record in records:
                if self._is_left_behind(record):
                    yield key, record
            if len(records) < _PAGE:
                return
            after = records[-1][0]

    def _is_left_behind(self, record: BegunRecord) -> bool:
        return record.run != self._run and record.run not in self._living

    async def _delete(self, key: Key) -> None:
        self._not_aborted.pop(key, None)
        async with self._state.transaction() as tx:
            await BEGUN.delete(tx, *key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many uploads were aborted; for each whose parts stayed behind a sentence, by a name that stays the same.

    `forgotten` are sentences of those that will not be tried again.
    """

    aborted: int
    stayed: Mapping[str, str] = field(default_factory=dict)
    forgotten: Sequence[str] = ()

    def log(self, known: Container[str] = ()) -> None:
        """Args:
        known: names of what stayed before too, and was told then.
        """
        if self.aborted:
            _log.info("aborted uploads that had been left behind", extra={"uploads": self.aborted})
        for name, sentence in self.stayed.items():
            if name not in known:
                _log.warning("an upload that was left behind stays, and is tried again", extra={"reason": sentence})
        for sentence in self.forgotten:
            _log.warning(
                "the parts of an upload stay where they are: it is not tried again", extra={"reason": sentence}
            )


async def noted_nodes(state: State) -> frozenset[str]:
    """Of which something is noted, also if it cannot be read."""
    async with state.reading() as tx:
        return frozenset(key[0] for key in await BEGUN.keys(tx))


def _id(upload: BegunUpload) -> str:
    return f"{upload.place.bucket}/{upload.upload_id}"


def _upload(record: BegunRecord) -> BegunUpload:
    return BegunUpload(
        place=ObjectPlace(bucket=record.bucket, key=record.key),
        upload_id=record.upload_id,
        role_arn=record.role_arn,
        session_name=record.session_name,
    )
