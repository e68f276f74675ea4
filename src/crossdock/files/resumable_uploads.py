"""Resumable uploads in the state, where they outlive the service, and the sweep of those that nobody went on with.

Which of them are under way only this process knows: after a crash none is, and all of them can be found.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.files.bucket_queues import BucketQueues
from crossdock.operations.failures import failure_of
from crossdock.operations.records import Records
from crossdock.ports.host import Clock
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner
from crossdock.ports.state import Key, State, TableSpec, Transaction

GIVEN_UP_AFTER = timedelta(days=30)
"""After which an upload that could not be ended in the store is forgotten."""

_log = logging.getLogger(__name__)

Abort = Callable[[ResumableUpload], Awaitable[None]]
"""Ends an upload in the store, as the role that began it or whoever may. Raises FileError, ServiceError, AssumeRefused.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """`run` is the run of the service that wrote it last."""

    server_id: str
    username: str
    role_arn: str
    bucket: str
    key: str
    upload_id: str
    began_at: datetime
    touched_at: datetime
    run: str
    if_match: str | None = None
    is_new: bool = False
    parts: int | None = None
    is_given_up: bool = False


UPLOADS: Records[UploadRecord] = Records(TableSpec(name="resumable_uploads"), UploadRecord)


class StateResumableUploads:
    """See `ports.resumable_uploads.ResumableUploads`.

    Args:
        run: this run of the service.
        per_user: uploads that one user of a server may have.
        keep_for: how long one can be found since it was begun or last left.
    """

    def __init__(self, state: State, *, run: str, clock: Clock, per_user: int, keep_for: timedelta) -> None:
        self._state = state
        self._run = run
        self._clock = clock
        self._per_user = per_user
        self._keep_for = keep_for
        self._under_way: set[Key] = set()
        self._given_up: set[Key] = set()
        self._is_any_given_up = asyncio.Event()
        self._queues = BucketQueues()
        self._told: set[Key] = set()

    async def note(self, upload: ResumableUpload) -> bool:
        # Before it can be seen in the table: whoever is no more by then abandons it afterwards.
        self._under_way.add(_key(upload))
        is_noted = False
        try:
            async with self._state.transaction() as tx:
                known = await UPLOADS.page(tx, upload.owner.server_id, upload.owner.username, limit=self._per_user)
                if len(known) < self._per_user:
                    await _write(tx, self._run, _record(upload))
                    is_noted = True
        except BaseException:
            is_noted = False
            raise
        finally:
            if not is_noted:
                self._under_way.discard(_key(upload))
        return is_noted

    async def find(self, owner: UploadOwner, place: ObjectPlace) -> ResumableUpload | None:
        async with self._state.reading() as tx:
            records = await _records_at(tx, owner, place)
        idle = [_upload(record) for record in records if self._is_findable(record)]
        return max(idle, key=lambda upload: upload.began_at, default=None)

    async def take(self, upload: ResumableUpload) -> bool:
        if _key(upload) in self._under_way:
            return False
        self._under_way.add(_key(upload))
        is_taken = False
        try:
            async with self._state.transaction() as tx:
                record = await UPLOADS.get(tx, *_key(upload))
                if record is not None and not record.is_given_up:
                    # More parts will come, and after a crash nobody tells how many.
                    await _write(tx, self._run, _record(replace(upload, parts=None, touched_at=self._clock.now())))
                    is_taken = True
        except BaseException:
            is_taken = False
            raise
        finally:
            if not is_taken:
                self._under_way.discard(_key(upload))
        return is_taken

    async def leave(self, upload: ResumableUpload) -> None:
        try:
            async with self._state.transaction() as tx:
                record = await UPLOADS.get(tx, *_key(upload))
                is_given_up = record is None or record.is_given_up
                left = _record(replace(upload, touched_at=self._clock.now()))
                await _write(tx, self._run, replace(left, is_given_up=is_given_up))
        finally:
            self._under_way.discard(_key(upload))
        if is_given_up:
            self._to_sweep(_key(upload))

    async def supersede(self, owner: UploadOwner, place: ObjectPlace, *, by: str = "") -> bool:
        async with self._state.reading() as tx:
            records = await _records_at(tx, owner, place)
        if all(record.is_given_up or record.upload_id == by for record in records):
            return False
        async with self._state.transaction() as tx:
            records = [record for record in await _records_at(tx, owner, place) if record.upload_id != by]
            is_any_findable = any(map(self._is_findable, records))
            for record in records:
                await _write(tx, self._run, replace(record, is_given_up=True))
        self._to_sweep(*(_key(_upload(record)) for record in records))
        return is_any_findable

    async def give_up(self, upload: ResumableUpload) -> None:
        try:
            async with self._state.transaction() as tx:
                await _write(tx, self._run, replace(_record(upload), is_given_up=True))
        finally:
            # Also of whoever is no more by now: nobody would abandon it.
            self._under_way.discard(_key(upload))
            self._to_sweep(_key(upload))

    async def forget(self, upload: ResumableUpload) -> None:
        try:
            async with self._state.transaction() as tx:
                await UPLOADS.delete(tx, *_key(upload))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as resumable", extra={"reason": str(error)})
        finally:
            self._under_way.discard(_key(upload))

    def abandon(self, upload: ResumableUpload) -> None:
        """Whoever had it under way is no more, and cannot tell how far it came."""
        self._under_way.discard(_key(upload))
        self._to_sweep(_key(upload))  # it may have been given up meanwhile

    async def given_up(self) -> Collection[Key]:
        """Wait until something may be swept that was given up, and tell what; of each only once."""
        await self._is_any_given_up.wait()
        self._is_any_given_up.clear()
        keys, self._given_up = self._given_up, set()
        return keys

    async def sweep(self, abort: Abort, keys: Collection[Key] | None = None) -> None:
        """End in the store what is past its time or was given up; what a crash interrupted has its time from now on.

        Args:
            keys: of what `given_up` has told of; else all are looked at.
        """
        if keys is None:
            async with self._state.reading() as tx:
                records = await UPLOADS.everything(tx)
            keys = [_key(_upload(record)) for record in records if self._fate(record) is not _Fate.STAYS]

        async def end(key: Key) -> bool:
            # Aborts take their time, and meanwhile much may have happened to the next.
            upload = await self._decide(key)
            if upload is None:
                return False
            failure = await failure_of(abort(upload))
            if failure is not None and key not in self._told:
                extra = {"place": str(upload.place), "reason": str(failure)}
                _log.warning("an upload that nobody went on with stays, and is tried again", extra=extra)
                self._told.add(key)
            if failure is not None and upload.touched_at > self._clock.now() - self._keep_for - GIVEN_UP_AFTER:
                return False
            self._told.discard(key)
            await self.forget(upload)
            return True

        ended = await self._queues.work(((_bucket(key), key) for key in keys), end)
        if ended:
            _log.info("ended uploads that nobody went on with", extra={"uploads": ended})

    async def _decide(self, key: Key) -> ResumableUpload | None:
        """The upload, given up, if it is to be ended: then nobody takes it meanwhile."""
        async with self._state.transaction() as tx:
            record = await UPLOADS.get(tx, *key)
            fate = _Fate.STAYS if record is None else self._fate(record)
            if record is None or fate is _Fate.STAYS:
                return None
            if fate is _Fate.HAS_ITS_TIME:
                await _write(tx, self._run, replace(record, touched_at=self._clock.now()))
                return None
            if not record.is_given_up:
                await _write(tx, self._run, replace(record, is_given_up=True))
        return _upload(record)

    def _fate(self, record: UploadRecord) -> "_Fate":
        if _key(_upload(record)) in self._under_way:
            return _Fate.STAYS
        if record.run != self._run and record.parts is None and not record.is_given_up:
            return _Fate.HAS_ITS_TIME
        is_past = record.touched_at < self._clock.now() - self._keep_for
        return _Fate.ENDS if record.is_given_up or is_past else _Fate.STAYS

    def _is_findable(self, record: UploadRecord) -> bool:
        is_in_time = record.touched_at >= self._clock.now() - self._keep_for
        return is_in_time and not record.is_given_up and _key(_upload(record)) not in self._under_way

    def _to_sweep(self, *keys: Key) -> None:
        self._given_up.update(keys)
        self._is_any_given_up.set()


class _Fate(Enum):
    """What a sweep does to an upload; HAS_ITS_TIME is one that a crash interrupted."""

    STAYS = auto()
    HAS_ITS_TIME = auto()
    ENDS = auto()


async def _records_at(tx: Transaction, owner: UploadOwner, place: ObjectPlace) -> list[UploadRecord]:
    """Those of the owner there; a place whose key ends with a slash stands for all below it."""
    if place.key.endswith("/"):
        records = await UPLOADS.everything(tx, owner.server_id, owner.username)
        records = [one for one in records if one.bucket == place.bucket and one.key.startswith(place.key)]
    else:
        records = await UPLOADS.everything(tx, owner.server_id, owner.username, str(place))
    return [record for record in records if record.role_arn == owner.role_arn]


async def _write(tx: Transaction, run: str, record: UploadRecord) -> None:
    await UPLOADS.put(tx, replace(record, run=run), *_key(_upload(record)))


async def resumable_upload_ids(state: State) -> frozenset[str]:
    """Of all that are noted: what no other sweep may end. Their keys tell, also those of damaged records."""
    async with state.reading() as tx:
        return frozenset(key[-1] for key in await UPLOADS.keys(tx))


def _key(upload: ResumableUpload) -> Key:
    return upload.owner.server_id, upload.owner.username, str(upload.place), upload.upload_id


def _bucket(key: Key) -> str:
    """Of a place as it stands in a key."""
    return key[2].split("/")[1]


def _record(upload: ResumableUpload) -> UploadRecord:
    return UploadRecord(
        server_id=upload.owner.server_id,
        username=upload.owner.username,
        role_arn=upload.owner.role_arn,
        bucket=upload.place.bucket,
        key=upload.place.key,
        upload_id=upload.upload_id,
        began_at=upload.began_at,
        touched_at=upload.touched_at,
        run="",
        if_match=upload.if_match,
        is_new=upload.is_new,
        parts=upload.parts,
    )


def _upload(record: UploadRecord) -> ResumableUpload:
    return ResumableUpload(
        owner=UploadOwner(server_id=record.server_id, username=record.username, role_arn=record.role_arn),
        place=ObjectPlace(bucket=record.bucket, key=record.key),
        upload_id=record.upload_id,
        began_at=record.began_at,
        touched_at=record.touched_at,
        if_match=record.if_match,
        is_new=record.is_new,
        parts=record.parts,
    )
