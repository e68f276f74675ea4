"""Resumable uploads in the state, where they outlive the service, and the sweep of those that nobody went on with.

Which of them are under way only this process knows: after a crash none is, and all of them can be found.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crossdock.core.errors import FileError, ServiceError
from crossdock.core.homes import ObjectPlace
from crossdock.operations.records import Records
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.host import Clock
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner
from crossdock.ports.state import State, TableSpec, Transaction

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
        self._under_way: set[tuple[str, ...]] = set()
        self._given_up = asyncio.Event()

    async def note(self, upload: ResumableUpload) -> bool:
        async with self._state.transaction() as tx:
            known = await UPLOADS.page(tx, upload.owner.server_id, upload.owner.username, limit=self._per_user)
            if len(known) == self._per_user:
                return False
            await self._put(tx, upload)
        self._under_way.add(_key(upload))
        return True

    async def find(self, owner: UploadOwner, place: ObjectPlace) -> ResumableUpload | None:
        async with self._state.reading() as tx:
            records = await UPLOADS.everything(tx, owner.server_id, owner.username, str(place))
        oldest = self._clock.now() - self._keep_for
        found = [
            _upload(record)
            for record in records
            if not record.is_given_up and record.role_arn == owner.role_arn and record.touched_at >= oldest
        ]
        idle = [upload for upload in found if _key(upload) not in self._under_way]
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
                    await self._put(tx, replace(upload, parts=None, touched_at=self._clock.now()))
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
                await self._put(tx, replace(upload, touched_at=self._clock.now()))
        finally:
            self._under_way.discard(_key(upload))

    async def give_up(self, upload: ResumableUpload) -> None:
        async with self._state.transaction() as tx:
            await self._put(tx, upload, is_given_up=True)
        self._under_way.discard(_key(upload))
        self._given_up.set()

    async def forget(self, upload: ResumableUpload) -> None:
        try:
            async with self._state.transaction() as tx:
                await UPLOADS.delete(tx, *_key(upload))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as resumable", extra={"reason": str(error)})
        self._under_way.discard(_key(upload))

    def abandon(self, upload: ResumableUpload) -> None:
        """Whoever had it under way is no more, and cannot tell how far it came."""
        self._under_way.discard(_key(upload))

    async def until_given_up(self) -> None:
        """Wait until there is something to sweep that was given up since the last sweep."""
        await self._given_up.wait()

    async def sweep(self, abort: Abort) -> None:
        """End in the store what is past its time or was given up; what a crash interrupted has its time from now on."""
        self._given_up.clear()
        now, ended = self._clock.now(), 0
        async with self._state.reading() as tx:
            records = await UPLOADS.everything(tx)
        for record in records:
            upload = _upload(record)
            if _key(upload) in self._under_way:
                continue
            if record.run != self._run and record.parts is None and not record.is_given_up:
                await self.leave(upload)
            elif record.is_given_up or record.touched_at < now - self._keep_for:
                ended += await self._end(upload, abort)
        if ended:
            _log.info("ended uploads that nobody went on with", extra={"uploads": ended})

    async def _end(self, upload: ResumableUpload, abort: Abort) -> bool:
        async with self._state.transaction() as tx:
            # Nobody takes it meanwhile.
            await self._put(tx, upload, is_given_up=True)
        try:
            await abort(upload)
        except (FileError, ServiceError, AssumeRefused) as error:
            extra = {"place": str(upload.place), "reason": str(error)}
            _log.warning("an upload that nobody went on with stays", extra=extra)
            if self._clock.now() - upload.touched_at < self._keep_for + GIVEN_UP_AFTER:
                return False
        await self.forget(upload)
        return True

    async def _put(self, tx: Transaction, upload: ResumableUpload, *, is_given_up: bool = False) -> None:
        record = UploadRecord(
            server_id=upload.owner.server_id,
            username=upload.owner.username,
            role_arn=upload.owner.role_arn,
            bucket=upload.place.bucket,
            key=upload.place.key,
            upload_id=upload.upload_id,
            began_at=upload.began_at,
            touched_at=upload.touched_at,
            run=self._run,
            if_match=upload.if_match,
            is_new=upload.is_new,
            parts=upload.parts,
            is_given_up=is_given_up,
        )
        await UPLOADS.put(tx, record, *_key(upload))


async def resumable_upload_ids(state: State) -> frozenset[str]:
    """Of all that are noted: what no other sweep may end."""
    async with state.reading() as tx:
        return frozenset(record.upload_id for record in await UPLOADS.everything(tx))


def _key(upload: ResumableUpload) -> tuple[str, ...]:
    return upload.owner.server_id, upload.owner.username, str(upload.place), upload.upload_id


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
