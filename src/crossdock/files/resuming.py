"""Uploads that a session's user goes on with: what was sent of them stays in the store, as a multipart upload.

Parts of such an upload can be neither read nor seen, so where it can be gone on is the end of a part, and what had come
behind that is sent again. It is never the end of all that had come: a client that is told the size of its own file
takes the upload for complete, and no file would ever be seen.

Source: Amazon S3 API Reference, ListParts; S3 User Guide, "Amazon S3 multipart upload limits".
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crossdock.core.errors import BeyondEnd, Denied, FileError, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.prefix import UploadStart
from crossdock.files.unbroken import unbroken
from crossdock.ports.host import Clock
from crossdock.ports.objects import MultipartUpload, ObjectInfo, ObjectStore, OpenUpload
from crossdock.ports.resumable_uploads import ResumableUpload, ResumableUploads, UploadOwner

LEAST_PART = 5 << 20
"""Bytes that S3 wants in every part but the last."""

_log = logging.getLogger(__name__)


def parts_to_go_on_from(sizes: Mapping[int, int], noted: int | None, *, least: int = LEAST_PART) -> int:
    """How many parts of an upload can be gone on from: those before the first that is missing, or too small.

    Args:
        noted: how many there were when it was interrupted; None when nobody could tell, and the last may be all of it.
    """
    count = 0
    while sizes.get(count + 1, 0) >= least:
        count += 1
    return max(count - 1, 0) if noted is None else min(count, noted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """An upload as it was left: `size` bytes of the file are in `parts` parts."""

    known: ResumableUpload
    upload: MultipartUpload
    parts: int
    size: int


class Resuming:
    """A session's interrupted uploads, by place. A place has at most one that can be gone on with."""

    def __init__(
        self,
        uploads: ResumableUploads,
        *,
        owner: UploadOwner,
        store: ObjectStore,
        metadata: Mapping[str, str],
        clock: Clock,
        least: int = LEAST_PART,
    ) -> None:
        self._uploads = uploads
        self._owner = owner
        self._store = store
        self._metadata = metadata
        self._clock = clock
        self._least = least
        self._told: dict[ObjectPlace, int] = {}

    async def look(self, place: ObjectPlace) -> Interrupted | None:
        """What there is to go on with. The client will be told its size, so from now on it goes on there or nowhere."""
        self._told.pop(place, None)
        found = await self._find(place)
        if found is not None:
            self._told[place] = found.size
        return found

    async def take(self, place: ObjectPlace, at: UploadStart) -> Interrupted | None:
        """Go on where the client says; None where nothing was interrupted.

        Raises BeyondEnd where it cannot be gone on, Unavailable when it is not there any more as the client was told.
        """
        told = self._told.pop(place, None)
        found = await self._find(place)
        if found is None and told is None:
            return None
        if found is None or (at == "END" and told not in (None, found.size)):
            raise Unavailable(f"the interrupted upload of {place} was gone on with or given up meanwhile")
        found = _cut_at(found, at)
        await self._claim(found.known)
        found.upload.forget_parts(found.parts)
        return replace(found, upload=_Noted(found.upload, found.known, self._uploads))

    async def drop(self, place: ObjectPlace, *, by: str = "") -> bool:
        """Give up what was interrupted there, or will be: something else comes in its place, or has come.

        Returns whether there was anything to go on with. `place` and `by` are as in `ResumableUploads.supersede`.
        """
        self._told.pop(place, None)
        return await self._uploads.supersede(self._owner, place, by=by)

    async def begin(self, place: ObjectPlace, *, if_match: str | None, is_new: bool) -> MultipartUpload:
        """Begin one in the store, and note it where there is room for one more."""
        now = self._clock.now()
        upload = await self._store.start_multipart(place, self._metadata, if_match=if_match, if_none_match=is_new)
        known = ResumableUpload(
            owner=self._owner,
            place=place,
            upload_id=upload.upload_id,
            began_at=now,
            touched_at=now,
            if_match=if_match,
            is_new=is_new,
        )
        noted = _Noted(upload, known, self._uploads)
        try:
            is_noted = await self._uploads.note(known)
        except BaseException:
            # It may be noted all the same: the answer came too late, or not at all.
            await noted.abort()
            raise
        return noted if is_noted else upload

    async def leave(self, upload: MultipartUpload, most: int) -> int:
        """Note how far an upload of `begin` or `take` came; returns that, and 0 when it was of no use and was ended.

        Not further than `most` parts.
        """
        parts = parts_to_go_on_from(upload.parts, most, least=self._least)
        if not isinstance(upload, _Noted) or not parts:
            await upload.abort()
            return 0
        await self._uploads.leave(replace(upload.known, parts=parts))
        return _size(upload.parts, parts)

    async def _claim(self, known: ResumableUpload) -> None:
        """Raises Unavailable when another session has it. Whoever is cancelled meanwhile does not have it."""
        outcome = list[bool]()

        async def take() -> None:
            outcome.append(await self._uploads.take(known))

        try:
            await unbroken(take())
        except asyncio.CancelledError:
            if True in outcome:
                await self._uploads.leave(known)
            raise
        if not outcome[0]:
            raise Unavailable(f"the interrupted upload of {known.place} is gone on with by another session")

    async def _find(self, place: ObjectPlace) -> Interrupted | None:
        known = await self._uploads.find(self._owner, place)
        if known is None:
            return None
        try:
            upload = await self._store.resume_multipart(_open(known, self._metadata))
        except NotFound:
            await self._uploads.forget(known)
            return None
        except Denied as error:
            # The client begins anew, as where nothing is resumed.
            _log.warning("an interrupted upload cannot be resumed", extra={"place": str(place), "reason": str(error)})
            return None
        parts = parts_to_go_on_from(upload.parts, known.parts, least=self._least)
        if not parts:
            return None
        return Interrupted(known=known, upload=upload, parts=parts, size=_size(upload.parts, parts))


class _Noted:
    """A multipart upload that is forgotten when it has ended."""

    def __init__(self, upload: MultipartUpload, known: ResumableUpload, uploads: ResumableUploads) -> None:
        self._upload = upload
        self._uploads = uploads
        self.known = known

    @property
    def upload_id(self) -> str:
        return self._upload.upload_id

    @property
    def parts(self) -> Mapping[int, int]:
        return self._upload.parts

    def forget_parts(self, above: int) -> None:
        self._upload.forget_parts(above)

    async def upload_part(self, number: int, body: Sequence[bytes | bytearray | memoryview]) -> None:
        await self._upload.upload_part(number, body)

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        await self._upload.copy_part(number, source, offset=offset, size=size)

    async def complete(self) -> ObjectInfo:
        info = await self._upload.complete()
        await self._uploads.forget(self.known)
        return info

    async def abort(self) -> None:
        try:
            await self._upload.abort()
        except FileError:
            await self._uploads.give_up(self.known)
            raise
        await self._uploads.forget(self.known)


def _cut_at(found: Interrupted, at: UploadStart) -> Interrupted:
    """The upload with no more than the client has in mind. Raises BeyondEnd where that is not the end of a part."""
    size = parts = 0
    while parts < found.parts and size != at:
        parts += 1
        size += found.upload.parts[parts]
    if at not in ("END", size) or not parts:
        raise BeyondEnd(
            f"the upload of {found.known.place} was interrupted: it can be resumed at {found.size}, not {at}"
        )
    return replace(found, parts=parts, size=size)


def _size(sizes: Mapping[int, int], parts: int) -> int:
    return sum(sizes[number] for number in range(1, parts + 1))


def _open(known: ResumableUpload, metadata: Mapping[str, str]) -> OpenUpload:
    return OpenUpload(
        place=known.place,
        upload_id=known.upload_id,
        began_at=known.began_at,
        metadata=metadata,
        if_match=known.if_match,
        if_none_match=known.is_new,
    )
