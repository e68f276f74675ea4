"""S3 over the network as one caller may use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crossdock.adapters.aws.answers import date_of, info_of
from crossdock.adapters.aws.completing import complete_upload
from crossdock.adapters.aws.conditions import delete_if, write_if
from crossdock.adapters.aws.connection import Answer, BoundS3, S3Connection
from crossdock.adapters.aws.copying import MAX_COPY, copy_in_parts, copy_part, copy_source
from crossdock.adapters.aws.download import AwsReader, open_reader
from crossdock.adapters.aws.pieces import Piece, PiecesFile
from crossdock.cloud.s3.etags import unquoted
from crossdock.core.errors import Exists, FileError, NotFound, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.unbroken import unbroken
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import Copied, Listing, MultipartUpload, ObjectInfo, ObjectStore


class AwsObjectStore:
    """See `ports.objects.ObjectStore`. Holds nothing but credentials: sessions share the connection.

    Args:
        max_copy: bytes up to which one CopyObject does; beyond, parts of that size are copied.
    """

    def __init__(
        self, connection: S3Connection, credentials: TemporaryCredentials, *, max_copy: int = MAX_COPY
    ) -> None:
        self.s3 = connection.bound(credentials)
        self._max_copy = max_copy

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        answer = await self.s3.call("HeadObject", Bucket=place.bucket, Key=place.key)
        return info_of(place, answer, size=answer["ContentLength"])

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> AwsReader:
        return await open_reader(self.s3, place, offset)

    async def put(self, place: ObjectPlace, body: Sequence[Piece], metadata: Mapping[str, str]) -> ObjectInfo:
        pieces = PiecesFile(body)
        answer = await self.s3.call(
            "PutObject", Bucket=place.bucket, Key=place.key, Body=pieces, Metadata=dict(metadata)
        )
        return ObjectInfo(
            place=place,
            size=pieces.size,
            etag=unquoted(answer["ETag"]),
            modified_at=date_of(answer),
            metadata=metadata,
        )

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> "AwsUpload":
        """A store that does not know conditional writes overlooks the conditions, and the last upload wins."""
        answer = await self.s3.call(
            "CreateMultipartUpload", Bucket=place.bucket, Key=place.key, Metadata=dict(metadata)
        )
        # S3 User Guide, "Object versioning and creation date": of an upload in parts, when it was begun.
        state = UploadState(
            place=place,
            upload_id=answer["UploadId"],
            metadata=metadata,
            began_at=date_of(answer),
            if_match=if_match,
            if_none_match=if_none_match,
        )
        return AwsUpload(self.s3, state)

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        """Raises Unsupported when source and target are the same, for S3 does not copy an object onto itself.

        A store that does not know conditional copies overlooks `if_none_match`, and replaces what came to the target
        after the caller looked.
        """
        if source == target:
            raise Unsupported(f"{source} cannot be copied onto itself")
        answer = await self.s3.call("HeadObject", Bucket=source.bucket, Key=source.key)
        found = info_of(source, answer, size=answer["ContentLength"])
        try:
            made = await self._copy(found, answer, target, if_none_match=if_none_match)
        except Unavailable as error:
            there = await self._find(target) if if_none_match else None
            if there is None:
                raise
            # The answer to an attempt may have been lost on its way: then what is there is the copy.
            if (there.etag, there.size) != (found.etag, found.size):
                raise Exists(f"{target} is there already") from error
            made = there
        return Copied(source=found, target=made)

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        if if_match is None:
            await self.s3.call("DeleteObject", Bucket=place.bucket, Key=place.key)
        else:
            await delete_if(self.s3, place, if_match)

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": limit}
        if delimiter:
            params["Delimiter"] = delimiter
        if token is not None:
            params["ContinuationToken"] = token
        answer = await self.s3.call("ListObjectsV2", **params)
        return Listing(
            objects=tuple(
                info_of(ObjectPlace(bucket=bucket, key=item["Key"]), item, size=item["Size"])
                for item in answer.get("Contents", ())
            ),
            prefixes=tuple(item["Prefix"] for item in answer.get("CommonPrefixes", ())),
            next_token=answer.get("NextContinuationToken"),
        )

    async def _copy(
        self, found: ObjectInfo, headers: Answer, target: ObjectPlace, *, if_none_match: bool
    ) -> ObjectInfo:
        if found.size > self._max_copy:
            return await copy_in_parts(
                self.s3, found, headers, target, part_size=self._max_copy, if_none_match=if_none_match
            )
        answer = await write_if(
            self.s3,
            "CopyObject",
            if_none_match=if_none_match,
            Bucket=target.bucket,
            Key=target.key,
            **copy_source(found),
        )
        copied: Answer = answer["CopyObjectResult"]
        return ObjectInfo(
            place=target,
            size=found.size,
            etag=unquoted(copied["ETag"]),
            modified_at=copied["LastModified"],
            metadata=found.metadata,
        )

    async def _find(self, place: ObjectPlace) -> ObjectInfo | None:
        try:
            return await self.head(place)
        except FileError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    etag: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """What a multipart upload is, whoever sends its parts."""

    place: ObjectPlace
    upload_id: str
    metadata: Mapping[str, str]
    began_at: datetime
    if_match: str | None = None
    if_none_match: bool = False
    parts: dict[int, _Part] = field(default_factory=dict)


class AwsUpload:
    """See `ports.objects.PortableUpload`."""

    def __init__(self, s3: BoundS3, state: UploadState) -> None:
        self._s3 = s3
        self._state = state

    async def upload_part(self, number: int, body: Sequence[Piece]) -> None:
        pieces = PiecesFile(body)
        answer = await self._s3.call("UploadPart", **self._named(), PartNumber=number, Body=pieces)
        self._state.parts[number] = _Part(etag=answer["ETag"], size=pieces.size)

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        etag = await copy_part(self._s3, self._named(), number, source, offset=offset, size=size)
        self._state.parts[number] = _Part(etag=etag, size=size)

    async def complete(self) -> ObjectInfo:
        state = self._state
        etag = await complete_upload(
            self._s3,
            self._named(),
            {number: part.etag for number, part in state.parts.items()},
            if_match=state.if_match,
            if_none_match=state.if_none_match,
        )
        return ObjectInfo(
            place=state.place,
            size=sum(part.size for part in state.parts.values()),
            etag=etag,
            modified_at=state.began_at,
            metadata=state.metadata,
        )

    async def abort(self) -> None:
        """Runs to its end even when the caller is cancelled: parts that nobody refers to cost money for ever."""
        await unbroken(self._abort())

    def under(self, store: ObjectStore) -> MultipartUpload:
        if not isinstance(store, AwsObjectStore):
            raise TypeError("the upload was begun in another kind of store")
        return AwsUpload(store.s3, self._state)

    async def _abort(self) -> None:
        try:
            await self._s3.call("AbortMultipartUpload", **self._named())
        except NotFound:
            # Aborted or completed before, or gone with its bucket.
            return

    def _named(self) -> Mapping[str, Any]:
        place = self._state.place
        return {"Bucket": place.bucket, "Key": place.key, "UploadId": self._state.upload_id}
