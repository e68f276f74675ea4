"""ListParts and ListMultipartUploads.

Source: S3 API Reference, ListParts and ListMultipartUploads.
"""

from typing import Any

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import ALGORITHMS
from crossdock.cloud.s3.etags import quoted
from crossdock.cloud.s3.listing import Encoder, checked_limit, encoder, question_told
from crossdock.cloud.s3.multipart import planned_checksum, upload_of
from crossdock.cloud.s3.owners import owner_of
from crossdock.cloud.s3.storage import Storage
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.ports.storage import PartRecord, UploadRecord

MAX_LISTED = 1000


async def list_parts(storage: Storage, call: Call) -> Result:
    params = call.params
    bucket = await storage.bucket_of(call)
    upload = await upload_of(storage, bucket, params)
    limit = checked_limit(params.get("MaxParts"), "max-parts", MAX_LISTED)
    marker: int = params.get("PartNumberMarker") or 0
    parts = await storage.uploads.parts(upload.upload_id, after=marker, limit=limit + 1) if limit else []
    shown = parts[:limit]
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(parts) > limit,
        "Parts": [_part(upload, part) for part in shown],
        "Initiator": {"ID": upload.initiator_arn},
        "Owner": owner_of(bucket.account_id),
        "StorageClass": "STANDARD",
    }
    return answer | _checksum(upload)


async def list_multipart_uploads(storage: Storage, call: Call) -> Result:
    params = call.params
    bucket = await storage.bucket_of(call)
    encode = encoder(params)
    limit = checked_limit(params.get("MaxUploads"), "max-uploads", MAX_LISTED)
    key_marker: str = params.get("KeyMarker") or ""
    # Without a key marker the marker of an upload means nothing.
    id_marker: str = (params.get("UploadIdMarker") or "") if key_marker else ""
    page = _Page(prefix=params.get("Prefix") or "", delimiter=params.get("Delimiter") or "", limit=limit)
    await page.fill(storage, bucket, key_marker, id_marker)
    answer: dict[str, Any] = {
        **question_told(params),
        "Bucket": bucket.name,
        "KeyMarker": encode(key_marker),
        "UploadIdMarker": id_marker,
        "MaxUploads": limit,
        "IsTruncated": page.is_truncated,
        "Uploads": [_upload(bucket, upload, encode) for upload in page.uploads],
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
    }
    if page.is_truncated:
        answer |= {"NextKeyMarker": encode(page.last_key), "NextUploadIdMarker": page.last_id}
    return answer


class _Page:
    """Uploads and rolled-up prefixes in the order of their keys, up to a limit that counts both."""

    def __init__(self, *, prefix: str, delimiter: str, limit: int) -> None:
        self._prefix = prefix
        self._delimiter = delimiter
        self._limit = limit
        self.uploads: list[UploadRecord] = []
        self.prefixes: list[str] = []
        self.last_key = ""
        self.last_id = ""
        self.is_truncated = False

    async def fill(self, storage: Storage, bucket: Bucket, key_marker: str, id_marker: str) -> None:
        if self._limit == 0:
            return
        # A marker that is itself a rolled-up prefix stands for all uploads below it.
        skipped = key_marker if self._rolled_up(key_marker) == key_marker else None
        while found := await storage.uploads.uploads(
            bucket.bucket_id, prefix=self._prefix, after_key=key_marker, after_upload_id=id_marker, limit=MAX_LISTED
        ):
            for upload in found:
                rolled = self._rolled_up(upload.key)
                if rolled is not None and rolled in (skipped, *self.prefixes[-1:]):
                    continue
                if len(self.uploads) + len(self.prefixes) == self._limit:
                    self.is_truncated = True
                    return
                self._add(upload, rolled)
            key_marker, id_marker = found[-1].key, found[-1].upload_id

    def _add(self, upload: UploadRecord, rolled: str | None) -> None:
        if rolled is None:
            self.uploads.append(upload)
            self.last_key, self.last_id = upload.key, upload.upload_id
        else:
            self.prefixes.append(rolled)
            self.last_key, self.last_id = rolled, ""

    def _rolled_up(self, key: str) -> str | None:
        if not self._delimiter or not key.startswith(self._prefix):
            return None
        end = key.find(self._delimiter, len(self._prefix))
        return None if end < 0 else key[: end + len(self._delimiter)]


def _part(upload: UploadRecord, part: PartRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "PartNumber": part.number,
        "LastModified": part.modified_at,
        "ETag": quoted(part.etag),
        "Size": part.segment.size,
    }
    if (text := part.checksums.get(upload.checksum_algorithm)) is not None:
        shown[ALGORITHMS[upload.checksum_algorithm].member] = text
    return shown


def _upload(bucket: Bucket, upload: UploadRecord, encode: Encoder) -> dict[str, Any]:
    return {
        "UploadId": upload.upload_id,
        "Key": encode(upload.key),
        "Initiated": upload.started_at,
        "StorageClass": "STANDARD",
        "Owner": owner_of(bucket.account_id),
        "Initiator": {"ID": upload.initiator_arn},
        **_checksum(upload),
    }


def _checksum(upload: UploadRecord) -> dict[str, Any]:
    if not upload.checksum_algorithm:
        return {}
    planned = planned_checksum(upload)
    return {"ChecksumAlgorithm": planned.algorithm.name, "ChecksumType": planned.type.value}
