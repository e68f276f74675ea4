"""The objects that lie on this computer, as one caller may use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from crossdock.adapters.embedded.file_errors import code_of
from crossdock.adapters.embedded.granting import acl_in
from crossdock.adapters.embedded.pieces import Piece, PiecesBody
from crossdock.adapters.embedded.s3_client import OnClient, S3Client
from crossdock.adapters.embedded.staged_put import EmbeddedStagedPut
from crossdock.cloud.s3.etags import quoted, unquoted
from crossdock.core.errors import NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import (
    Copied,
    Listing,
    MultipartUpload,
    ObjectInfo,
    ObjectReader,
    ObjectStore,
    OpenUpload,
)


class LocalObjects:
    """See `ports.objects.StagingObjectStore`. What it puts in one piece through `stage` has an opaque ETag, and no
    MD5 or checksum was computed of it."""

    def __init__(self, client: S3Client) -> None:
        self.client = client

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        return await self.client.head(place)

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> ObjectReader:
        reader = await self.client.read(place)
        reader.skip(offset)
        return reader

    async def put(self, place: ObjectPlace, body: Sequence[Piece], metadata: Mapping[str, str]) -> ObjectInfo:
        pieces = PiecesBody(body)
        answer = await self.client.call("PutObject", await self._written(place, Body=pieces, Metadata=metadata))
        return ObjectInfo(
            place=place,
            size=pieces.length,
            etag=unquoted(answer["ETag"]),
            modified_at=self.client.now(),
            metadata=metadata,
        )

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> "EmbeddedUpload":
        began_at = self.client.now()
        answer = await self.client.call("CreateMultipartUpload", await self._written(place, Metadata=metadata))
        state = UploadState(
            place=place,
            upload_id=answer["UploadId"],
            metadata=metadata,
            began_at=began_at,
            condition=write_condition(if_match, if_none_match=if_none_match),
        )
        return EmbeddedUpload(self.client, state)

    async def resume_multipart(self, begun: OpenUpload) -> "EmbeddedUpload":
        state = UploadState(
            place=begun.place,
            upload_id=begun.upload_id,
            metadata=begun.metadata,
            began_at=begun.began_at,
            condition=write_condition(begun.if_match, if_none_match=begun.if_none_match),
        )
        page: Mapping[str, Any] = {"IsTruncated": True}
        while page["IsTruncated"]:
            after = max(state.parts, default=0)
            page = await self.client.call(
                "ListParts", named(begun.place, UploadId=begun.upload_id, PartNumberMarker=after)
            )
            for part in page["Parts"]:
                state.parts[part["PartNumber"]] = _Part(etag=part["ETag"], size=part["Size"])
        return EmbeddedUpload(self.client, state)

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        """Copies no bytes, so the size does not matter. Raises Unsupported when source and target are the same."""
        found = await self.head(source)
        # Should the source be replaced in between, the copy fails rather than be another one than is told.
        condition = write_condition(None, if_none_match=if_none_match)
        params = await self._written(target, **copy_source(found), **condition)
        copied = (await self.client.call("CopyObject", params))["CopyObjectResult"]
        made = ObjectInfo(
            place=target,
            size=found.size,
            etag=unquoted(copied["ETag"]),
            modified_at=copied["LastModified"],
            metadata=found.metadata,
        )
        return Copied(source=found, target=made)

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        try:
            await self.client.call("DeleteObject", named(place, **write_condition(if_match)))
        except (NotFound, Unavailable) as error:
            if code_of(error) not in ("NoSuchKey", "PreconditionFailed"):
                raise

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": limit}
        if delimiter:
            params["Delimiter"] = delimiter
        if token is not None:
            params["ContinuationToken"] = token
        answer = await self.client.call("ListObjectsV2", params)
        objects = tuple(
            ObjectInfo(
                place=ObjectPlace(bucket=bucket, key=item["Key"]),
                size=item["Size"],
                etag=unquoted(item["ETag"]),
                modified_at=item["LastModified"],
            )
            for item in answer["Contents"]
        )
        prefixes = tuple(item["Prefix"] for item in answer["CommonPrefixes"])
        return Listing(objects=objects, prefixes=prefixes, next_token=answer.get("NextContinuationToken"))

    async def stage(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> EmbeddedStagedPut:
        condition = write_condition(if_match, if_none_match=if_none_match)
        params = await self._written(place, Metadata=metadata, **condition)
        await self.client.authorise("PutObject", params)
        return EmbeddedStagedPut(self.client, place, params)

    async def _written(self, place: ObjectPlace, **further: Any) -> Mapping[str, Any]:
        """The parameters of what makes an object."""
        acl = await acl_in(self.client, place.bucket)
        return named(place, **further, **({"ACL": acl} if acl else {}))


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
    condition: Mapping[str, str] = field(default_factory=dict)
    parts: dict[int, _Part] = field(default_factory=dict)


class EmbeddedUpload:
    """See `ports.objects.PortableUpload`."""

    def __init__(self, client: S3Client, state: UploadState) -> None:
        self._client = client
        self._state = state

    @property
    def upload_id(self) -> str:
        return self._state.upload_id

    @property
    def parts(self) -> Mapping[int, int]:
        return {number: part.size for number, part in self._state.parts.items()}

    def forget_parts(self, above: int) -> None:
        for number in [number for number in self._state.parts if number > above]:
            del self._state.parts[number]

    async def upload_part(self, number: int, body: Sequence[Piece]) -> None:
        pieces = PiecesBody(body)
        answer = await self._client.call("UploadPart", self._params(PartNumber=number, Body=pieces))
        self._state.parts[number] = _Part(etag=answer["ETag"], size=pieces.length)

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        params = self._params(
            PartNumber=number, CopySourceRange=f"bytes={offset}-{offset + size - 1}", **copy_source(source)
        )
        copied = (await self._client.call("UploadPartCopy", params))["CopyPartResult"]
        self._state.parts[number] = _Part(etag=copied["ETag"], size=size)

    async def complete(self) -> ObjectInfo:
        state = self._state
        parts = [{"PartNumber": number, "ETag": part.etag} for number, part in sorted(state.parts.items())]
        params = self._params(MultipartUpload={"Parts": parts}, **state.condition)
        answer = await self._client.call("CompleteMultipartUpload", params)
        return ObjectInfo(
            place=state.place,
            size=sum(part.size for part in state.parts.values()),
            etag=unquoted(answer["ETag"]),
            modified_at=state.began_at,
            metadata=state.metadata,
        )

    async def abort(self) -> None:
        try:
            await self._client.call("AbortMultipartUpload", self._params())
        except NotFound:
            # Aborted or completed before, or gone with its bucket.
            return

    def under(self, store: ObjectStore) -> MultipartUpload:
        if not isinstance(store, OnClient):
            raise TypeError("the upload was begun in another kind of store")
        return EmbeddedUpload(store.client, self._state)

    def _params(self, **further: Any) -> Mapping[str, Any]:
        return named(self._state.place, UploadId=self._state.upload_id, **further)


def write_condition(if_match: str | None, *, if_none_match: bool = False) -> Mapping[str, str]:
    """As parameters; what S3 makes of both together is not asked."""
    if if_none_match:
        return {"IfNoneMatch": "*"}
    return {} if if_match is None else {"IfMatch": quoted(if_match)}


def copy_source(found: ObjectInfo) -> Mapping[str, Any]:
    place = found.place
    return {"CopySource": quote(f"{place.bucket}/{place.key}"), "CopySourceIfMatch": quoted(found.etag)}


def named(place: ObjectPlace, **further: Any) -> Mapping[str, Any]:
    return {"Bucket": place.bucket, "Key": place.key, **further}
