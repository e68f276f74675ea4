"""A multipart upload to S3: begun and noted, its parts sent or copied, ended in one of two ways."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from crossdock.adapters.aws import requests
from crossdock.adapters.aws.answers import moment_of, upload_id_of
from crossdock.adapters.aws.checksums import BodyChecksum, checksum_of, listed_checksum, object_checksum_headers
from crossdock.adapters.aws.completing import complete
from crossdock.adapters.aws.conditions import Condition
from crossdock.adapters.aws.connection import BoundS3, OnS3
from crossdock.adapters.aws.copying import copy_part
from crossdock.adapters.aws.known_uploads import KnownUploads
from crossdock.adapters.aws.lost_uploads import abort_lost_uploads
from crossdock.adapters.aws.requests import Piece, S3Request, create_upload, upload_part
from crossdock.adapters.aws.writing import Written
from crossdock.core.errors import FileError, NotFound
from crossdock.core.homes import ObjectPlace
from crossdock.files.unbroken import unbroken
from crossdock.ports.objects import MultipartUpload, ObjectInfo, ObjectStore, OpenUpload
from crossdock.ports.upload_ledger import BegunUpload, UploadLedger

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    etag: str
    size: int
    checksum: BodyChecksum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Who knows of uploads that are under way: this process, and the ledger, which outlives it."""

    known: KnownUploads
    ledger: UploadLedger | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """What a multipart upload is, whoever sends its parts."""

    begun: BegunUpload
    metadata: Mapping[str, str]
    began_at: datetime
    keeping: Keeping
    if_match: str | None = None
    if_none_match: bool = False
    parts: dict[int, _Part] = field(default_factory=dict)


async def begin_upload(
    s3: BoundS3,
    place: ObjectPlace,
    metadata: Mapping[str, str],
    *,
    keeping: Keeping,
    if_match: str | None = None,
    if_none_match: bool = False,
    headers: Mapping[str, str] | None = None,
) -> "AwsUpload":
    """Begin and note it; never one without the other. When the caller is cancelled it is ended again.

    Args:
        headers: what else the object is to have.
    """

    begun: list[AwsUpload] = []

    async def begin() -> AwsUpload:
        async def create(written: Written) -> tuple[str, datetime]:
            told = {**(headers or {}), **written.headers}
            return await _create(s3, create_upload(place, metadata, told, s3.checksum), keeping)

        # S3 User Guide, "Object versioning and creation date": of an upload in parts, when it was begun.
        upload_id, began_at = await s3.write(place, create)
        state = UploadState(
            begun=BegunUpload(place=place, upload_id=upload_id, role_arn=s3.role_arn, session_name=s3.session_name),
            metadata=metadata,
            began_at=began_at,
            keeping=keeping,
            if_match=if_match,
            if_none_match=if_none_match,
        )
        upload = AwsUpload(s3, state)
        if keeping.ledger is not None:
            try:
                await keeping.ledger.note(state.begun)
            except BaseException:
                await upload.abort()
                raise
        begun.append(upload)
        return upload

    try:
        return await unbroken(begin())
    except asyncio.CancelledError:
        for upload in begun:
            await upload.abort()
        raise


async def resume_upload(s3: BoundS3, open_upload: OpenUpload, keeping: Keeping) -> "AwsUpload":
    """An upload that was begun before, with the parts that S3 lists. Raises NotFound when it has ended.

    It stays noted as it was, whoever's run that was, for no sweep ends what its user may go on with. A note now might
    come after its end, while the parts were listed, and be of nothing.
    """
    begun = BegunUpload(
        place=open_upload.place,
        upload_id=open_upload.upload_id,
        role_arn=s3.role_arn,
        session_name=s3.session_name,
    )
    state = UploadState(
        begun=begun,
        metadata=open_upload.metadata,
        began_at=open_upload.began_at,
        keeping=keeping,
        if_match=open_upload.if_match,
        if_none_match=open_upload.if_none_match,
    )
    after, following = -1, 0
    # A store that says there is more, and gives none, has given all.
    while following > after:
        after = following
        page = await s3.call("ListParts", **named(begun), **({"PartNumberMarker": after} if after else {}))
        for part in page.get("Parts", ()):
            checksum = listed_checksum(s3.checksum, part)
            state.parts[part["PartNumber"]] = _Part(etag=part["ETag"], size=part["Size"], checksum=checksum)
        if page.get("IsTruncated"):
            following = max(page.get("NextPartNumberMarker", 0), *state.parts, 0)
    keeping.known.add(begun.upload_id)
    return AwsUpload(s3, state)


async def _create(s3: BoundS3, request: S3Request, keeping: Keeping) -> tuple[str, datetime]:
    """The id of a new upload, and when it was begun; none that was begun unheard remains."""
    doubts = list[bool]()
    with keeping.known.beginning(request.place):
        try:
            answered = await s3.send(request, in_doubt=lambda: doubts.append(True))
            upload_id = upload_id_of(request.place, answered.body)
            keeping.known.add(upload_id)
        finally:
            if doubts:
                await abort_lost_uploads(s3, keeping.known, request.place)
    return upload_id, moment_of(answered.headers.get("Date", ""))


class AwsUpload:
    """See `ports.objects.PortableUpload`."""

    def __init__(self, s3: BoundS3, state: UploadState) -> None:
        self._s3 = s3
        self._state = state

    @property
    def upload_id(self) -> str:
        return self._state.begun.upload_id

    @property
    def parts(self) -> Mapping[int, int]:
        return {number: part.size for number, part in self._state.parts.items()}

    def forget_parts(self, above: int) -> None:
        for number in [number for number in self._state.parts if number > above]:
            del self._state.parts[number]

    async def upload_part(self, number: int, body: Sequence[Piece]) -> None:
        begun = self._state.begun
        checksum = await checksum_of(self._s3.checksum, body)
        request = upload_part(begun.place, begun.upload_id, number, body, checksum)
        answered = await self._s3.send(request)
        etag = answered.headers.get("ETag", "")
        self._state.parts[number] = _Part(etag=etag, size=request.size, checksum=checksum)

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        etag = await copy_part(self._s3, named(self._state.begun), number, source, offset=offset, size=size)
        self._state.parts[number] = _Part(etag=etag, size=size)

    async def complete(self) -> ObjectInfo:
        state = self._state
        parts = dict(sorted(state.parts.items()))
        completed = await complete(
            self._s3,
            state.begun,
            {number: part.etag for number, part in parts.items()},
            Condition(if_match=state.if_match, if_none_match=state.if_none_match),
            object_checksum_headers(self._s3.checksum, [(part.checksum, part.size) for part in parts.values()]),
        )
        if completed.is_over:
            await self._forget()
        else:
            await self._abort_what_is_left()
        return ObjectInfo(
            place=state.begun.place,
            size=sum(part.size for part in parts.values()),
            etag=completed.etag,
            modified_at=state.began_at,
            metadata=state.metadata,
        )

    async def abort(self) -> None:
        """Runs to its end even when the caller is cancelled: parts that nobody refers to cost money for ever."""
        await unbroken(self._abort())

    def under(self, store: ObjectStore) -> MultipartUpload:
        if not isinstance(store, OnS3):
            raise TypeError("the upload was begun in another kind of store")
        return AwsUpload(store.bound_s3, self._state)

    async def _abort(self) -> None:
        try:
            await abort_upload(self._s3, self._state.begun)
        except FileError:
            await self._leave_to_sweep()
            raise
        await self._forget()

    async def _abort_what_is_left(self) -> None:
        """Of an upload whose object is there."""
        try:
            await self.abort()
        except FileError as error:
            _log.warning("parts of a completed upload may have stayed", extra={"reason": str(error)})

    async def _leave_to_sweep(self) -> None:
        keeping = self._state.keeping
        if keeping.ledger is None:
            return
        try:
            await keeping.ledger.note(replace(self._state.begun, is_over=True))
        except FileError as error:
            _log.warning("an upload is not tried to be aborted before the next start", extra={"reason": str(error)})

    async def _forget(self) -> None:
        keeping = self._state.keeping
        keeping.known.discard(self._state.begun.upload_id)
        if keeping.ledger is not None:
            await keeping.ledger.forget(self._state.begun)


async def abort_upload(s3: BoundS3, begun: BegunUpload) -> None:
    try:
        await s3.send(requests.abort_upload(begun.place, begun.upload_id))
    except NotFound:
        # Aborted or completed before, or gone with its bucket.
        return


def named(begun: BegunUpload) -> Mapping[str, Any]:
    """The upload as S3's calls have it."""
    return {"Bucket": begun.place.bucket, "Key": begun.place.key, "UploadId": begun.upload_id}
