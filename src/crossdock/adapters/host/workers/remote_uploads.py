"""Uploads to go on with, of which the parent keeps account: what a worker asks of it, and what it answers."""

import logging
from typing import Any

from crossdock.adapters.host.workers import calls
from crossdock.adapters.host.workers.calls import FindUpload, OfUpload, SupersedeUploads
from crossdock.adapters.host.workers.line import Answer, CallingLine
from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.files.resumable_uploads import StateResumableUploads
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner

_log = logging.getLogger(__name__)


class RemoteResumableUploads:
    """See `ports.resumable_uploads.ResumableUploads`. The parent abandons those of a worker that dies."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    async def note(self, upload: ResumableUpload) -> bool:
        return await self._line.call(calls.NOTE_UPLOAD, OfUpload(upload=upload))

    async def find(self, owner: UploadOwner, place: ObjectPlace) -> ResumableUpload | None:
        return await self._line.call(calls.FIND_UPLOAD, FindUpload(owner=owner, place=place))

    async def take(self, upload: ResumableUpload) -> bool:
        return await self._line.call(calls.TAKE_UPLOAD, OfUpload(upload=upload))

    async def leave(self, upload: ResumableUpload) -> None:
        await self._line.call(calls.LEAVE_UPLOAD, OfUpload(upload=upload))

    async def supersede(self, owner: UploadOwner, place: ObjectPlace, *, by: str = "") -> bool:
        return await self._line.call(calls.SUPERSEDE_UPLOADS, SupersedeUploads(owner=owner, place=place, by=by))

    async def give_up(self, upload: ResumableUpload) -> None:
        await self._line.call(calls.GIVE_UP_UPLOAD, OfUpload(upload=upload))

    async def forget(self, upload: ResumableUpload) -> None:
        try:
            await self._line.call(calls.FORGET_UPLOAD, OfUpload(upload=upload))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as resumable", extra={"reason": str(error)})


class UploadAnswers:
    """The parent's side, for one worker."""

    def __init__(self, uploads: StateResumableUploads) -> None:
        self._uploads = uploads
        self._under_way: dict[str, ResumableUpload] = {}
        self._is_gone = False

    def all(self) -> list[Answer[Any, Any]]:
        return [
            Answer(calls.FIND_UPLOAD, lambda asked: self._uploads.find(asked.owner, asked.place)),
            Answer(calls.NOTE_UPLOAD, self._note),
            Answer(calls.TAKE_UPLOAD, self._take),
            Answer(calls.LEAVE_UPLOAD, self._leave),
            Answer(calls.SUPERSEDE_UPLOADS, self._supersede),
            Answer(calls.GIVE_UP_UPLOAD, self._give_up),
            Answer(calls.FORGET_UPLOAD, self._forget),
        ]

    def give_back(self) -> None:
        """The worker is no more."""
        self._is_gone = True
        for upload in self._under_way.values():
            self._uploads.abandon(upload)
        self._under_way.clear()

    async def _note(self, asked: OfUpload) -> bool:
        return self._held(asked, is_so=await self._uploads.note(asked.upload))

    async def _take(self, asked: OfUpload) -> bool:
        return self._held(asked, is_so=await self._uploads.take(asked.upload))

    async def _leave(self, asked: OfUpload) -> bool:
        self._under_way.pop(asked.upload.upload_id, None)
        await self._uploads.leave(asked.upload)
        return True

    async def _supersede(self, asked: SupersedeUploads) -> bool:
        return await self._uploads.supersede(asked.owner, asked.place, by=asked.by)

    async def _give_up(self, asked: OfUpload) -> bool:
        self._under_way.pop(asked.upload.upload_id, None)
        await self._uploads.give_up(asked.upload)
        return True

    async def _forget(self, asked: OfUpload) -> bool:
        self._under_way.pop(asked.upload.upload_id, None)
        await self._uploads.forget(asked.upload)
        return True

    def _held(self, asked: OfUpload, *, is_so: bool) -> bool:
        if is_so and self._is_gone:
            # It died while its question was answered.
            self._uploads.abandon(asked.upload)
        elif is_so:
            self._under_way[asked.upload.upload_id] = asked.upload
        return is_so
