"""S3 over the network as one caller may use it."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.adapters.aws.answers import UNKNOWN, Answer, info_of, info_of_range, made_by_copy, moment_of
from crossdock.adapters.aws.checksums import checksum_of
from crossdock.adapters.aws.conditions import Condition, delete_if, write_if
from crossdock.adapters.aws.connection import S3Connection
from crossdock.adapters.aws.copying import COPIED_AT_ONCE, MAX_COPY, copied_parts, copy_source, kept_headers
from crossdock.adapters.aws.download import AwsReader, open_reader
from crossdock.adapters.aws.failures import status_of
from crossdock.adapters.aws.requests import Piece, head_object, put_object
from crossdock.adapters.aws.upload import AwsUpload, Keeping, abort_upload, begin_upload, resume_upload
from crossdock.adapters.aws.writing import Written
from crossdock.cloud.s3.etags import unquoted
from crossdock.core.errors import Exists, FileError, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.core.principals import AssumedRole
from crossdock.files.at_once import for_each
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import Copied, Listing, ObjectInfo, OpenUpload
from crossdock.ports.upload_ledger import BegunUpload, UploadLedger


class AwsObjectStore:
    """See `ports.objects.ObjectStore`. Holds nothing but credentials: sessions share the connection.

    Args:
        principal: whose credentials these are, for messages and for the ledger.
        ledger: is told of multipart uploads, so that a crash leaves none behind for ever.
        max_copy: bytes up to which one CopyObject does; beyond, parts of that size are copied.
    """

    def __init__(
        self,
        connection: S3Connection,
        credentials: TemporaryCredentials,
        *,
        principal: AssumedRole | None = None,
        ledger: UploadLedger | None = None,
        max_copy: int = MAX_COPY,
    ) -> None:
        self.bound_s3 = connection.bound(credentials, principal)
        self._keeping = Keeping(known=connection.known_uploads, ledger=ledger)
        self._max_copy = max_copy

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        try:
            return info_of_range(place, (await self.bound_s3.send(head_object(place))).headers)
        except FileError as error:
            # Without a body S3 may give no reason: then botocore looks whether the bucket is in another region.
            if status_of(error) not in (301, 400):
                raise
        answer = await self.bound_s3.call("HeadObject", Bucket=place.bucket, Key=place.key)
        return info_of(place, answer)

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> AwsReader:
        return await open_reader(self.bound_s3, place, offset)

    async def put(self, place: ObjectPlace, body: Sequence[Piece], metadata: Mapping[str, str]) -> ObjectInfo:
        checksum = await checksum_of(self.bound_s3.checksum, body)

        async def attempt(written: Written) -> Mapping[str, str]:
            request = put_object(place, body, metadata, checksum, headers=written.headers)
            return (await self.bound_s3.send(request)).headers

        headers = await self.bound_s3.write(place, attempt)
        return ObjectInfo(
            place=place,
            size=sum(memoryview(piece).nbytes for piece in body),
            etag=unquoted(headers.get("ETag", "")),
            modified_at=moment_of(headers.get("Date", "")),
            metadata=metadata,
        )

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> AwsUpload:
        """A store that does not know conditional writes overlooks the conditions, and the last upload wins."""
        return await begin_upload(
            self.bound_s3, place, metadata, keeping=self._keeping, if_match=if_match, if_none_match=if_none_match
        )

    async def resume_multipart(self, begun: OpenUpload) -> AwsUpload:
        return await resume_upload(self.bound_s3, begun, self._keeping)

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        """Raises Unsupported when source and target are the same, for S3 does not copy an object onto itself.

        A store that does not know conditional copies overlooks `if_none_match`, and replaces what came to the target
        after the caller looked.
        """
        if source == target:
            raise Unsupported(f"{source} cannot be copied onto itself")
        answer = await self.bound_s3.call("HeadObject", Bucket=source.bucket, Key=source.key)
        found = info_of(source, answer)
        try:
            made = await self._copy(found, answer, target, if_none_match=if_none_match)
        except (Exists, Unavailable) as error:
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
            await self.bound_s3.call("DeleteObject", Bucket=place.bucket, Key=place.key)
        else:
            await delete_if(self.bound_s3, place, if_match)

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": limit}
        if delimiter:
            params["Delimiter"] = delimiter
        if token is not None:
            params["ContinuationToken"] = token
        answer = await self.bound_s3.call("ListObjectsV2", **params)
        return Listing(
            objects=tuple(
                info_of(ObjectPlace(bucket=bucket, key=item["Key"]), item) for item in answer.get("Contents", ())
            ),
            prefixes=tuple(item["Prefix"] for item in answer.get("CommonPrefixes", ())),
            next_token=answer.get("NextContinuationToken"),
        )

    async def _copy(
        self, found: ObjectInfo, headers: Answer, target: ObjectPlace, *, if_none_match: bool
    ) -> ObjectInfo:
        if found.size > self._max_copy:
            return await self._copy_in_parts(found, kept_headers(headers), target, if_none_match=if_none_match)

        async def write(written: Written) -> Answer:
            async def attempt(condition: Condition) -> Answer:
                told = {**copy_source(found), **written.members, **condition.members}
                return await self.bound_s3.call("CopyObject", Bucket=target.bucket, Key=target.key, **told)

            return await write_if(self.bound_s3, target, attempt, Condition(if_none_match=if_none_match))

        answer = await self.bound_s3.write(target, write)
        copied = made_by_copy(answer)
        return ObjectInfo(
            place=target,
            size=found.size,
            etag=unquoted(copied["ETag"]),
            modified_at=copied.get("LastModified", UNKNOWN),
            metadata=found.metadata,
        )

    async def _copy_in_parts(
        self, found: ObjectInfo, headers: Mapping[str, str], target: ObjectPlace, *, if_none_match: bool
    ) -> ObjectInfo:
        """Copy what is too large for one CopyObject; leaves nothing behind when it fails or is cancelled."""
        upload = await begin_upload(
            self.bound_s3, target, found.metadata, keeping=self._keeping, if_none_match=if_none_match, headers=headers
        )

        async def copy(part: tuple[int, int, int]) -> None:
            number, offset, size = part
            await upload.copy_part(number, found, offset=offset, size=size)

        try:
            await for_each(copied_parts(found.size, self._max_copy), copy, at_once=COPIED_AT_ONCE)
            return await upload.complete()
        except BaseException as error:
            try:
                await upload.abort()
            except FileError as residue:
                error.add_note(f"its parts stayed behind: {residue}")
            raise

    async def abort_upload(self, begun: BegunUpload) -> None:
        """Of what a crash left behind: see `begun_uploads.py`. One that is gone was aborted."""
        await abort_upload(self.bound_s3, begun)
        await self.forget_upload(begun)

    async def forget_upload(self, begun: BegunUpload) -> None:
        """It has ended, and not by whoever began it."""
        self._keeping.known.discard(begun.upload_id)
        if self._keeping.ledger is not None:
            await self._keeping.ledger.forget(begun)

    async def _find(self, place: ObjectPlace) -> ObjectInfo | None:
        try:
            return await self.head(place)
        except FileError:
            return None
