"""Multipart uploads: CreateMultipartUpload, UploadPart, AbortMultipartUpload, and what the others need of them.

Source: Amazon S3 User Guide, "Uploading and copying objects using multipart upload in Amazon S3" and its limits.
"""

from asyncio import CancelledError
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import (
    ALGORITHMS,
    DEFAULT_ALGORITHM,
    Algorithm,
    ChecksumType,
    algorithm_named,
    read_claims,
)
from crossdock.cloud.s3.encryption import encryption_members
from crossdock.cloud.s3.etags import quoted
from crossdock.cloud.s3.failures import invalid_argument, invalid_request, no_such_bucket, no_such_upload
from crossdock.cloud.s3.object_headers import CHECKSUM_TYPE_HEADER, refuse_unsupported, stored_headers, stored_metadata
from crossdock.cloud.s3.put_object import whole_seconds
from crossdock.cloud.s3.receiving import Received, receive
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.written import written_as
from crossdock.core.errors import OutOfSpace, ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.ports.storage import BucketRetired, PartRecord, UploadGone, UploadRecord

MAX_PARTS = 10_000


async def create_multipart_upload(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    key: str = call.params["Key"]
    written = written_as(storage, bucket, call)
    asked, headers = _asked_checksum(call.params), {**stored_headers(call.params), **written.headers}
    if asked is not None:
        headers[CHECKSUM_TYPE_HEADER] = asked.type
    upload = UploadRecord(
        upload_id=_new_upload_id(call),
        bucket_id=bucket.bucket_id,
        key=key,
        started_at=whole_seconds(call.house.clock.now()),
        initiator_arn=call.caller.principal.arn,
        metadata=stored_metadata(call.params),
        headers=headers,
        checksum_algorithm=asked.algorithm.name if asked else "",
    )
    try:
        await storage.uploads.start(upload)
    except BucketRetired:
        raise no_such_bucket(bucket.name) from None
    answer: dict[str, Any] = {"Bucket": bucket.name, "Key": key, "UploadId": upload.upload_id}
    answer |= encryption_members(headers)
    if asked is not None:
        answer |= {"ChecksumAlgorithm": asked.algorithm.name, "ChecksumType": asked.type.value}
    return answer


async def upload_part(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    number = part_number(call.params)
    refuse_unsupported(call.params)
    upload = await upload_of(storage, bucket, call.params)
    claims = read_claims(call.params)
    planned = planned_checksum(upload)
    if upload.checksum_algorithm and claims.algorithm is not None and claims.algorithm is not planned.algorithm:
        raise checksum_mismatch(planned.algorithm, claims.algorithm)
    body = call.params.get("Body")
    received = await receive(storage, body, claims, also=planned.algorithm, as_segment=True)
    part = await keep_part(storage, call, upload, number, received)
    shown = claims.algorithm or planned.algorithm
    return {
        "ETag": quoted(part.etag),
        shown.member: received.checksums[shown.name],
        **encryption_members(upload.headers),
    }


async def abort_multipart_upload(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    upload = await upload_of(storage, bucket, call.params)
    storage.blobs.delete(await storage.uploads.abort(upload.upload_id))
    return {}


async def upload_of(storage: Storage, bucket: Bucket, params: Params) -> UploadRecord:
    """The upload that a call names, if it is of this very bucket and key."""
    upload_id: str = params["UploadId"]
    upload = await storage.uploads.get(upload_id)
    if upload is None or (upload.bucket_id, upload.key) != (bucket.bucket_id, params["Key"]):
        raise no_such_upload(upload_id)
    return upload


def part_number(params: Params) -> int:
    number: int = params["PartNumber"]
    if not 1 <= number <= MAX_PARTS:
        raise invalid_argument(
            f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive", "partNumber", number
        )
    return number


async def keep_part(storage: Storage, call: Call, upload: UploadRecord, number: int, received: Received) -> PartRecord:
    """Make a received body part `number` of an upload, in place of an earlier one."""
    if received.segment is None:
        raise ValueError("a part needs a segment, even when it is empty")
    part = PartRecord(
        number=number,
        segment=received.segment,
        etag=received.md5.hex(),
        modified_at=whole_seconds(call.house.clock.now()),
        checksums=received.checksums,
    )
    try:
        replaced = await storage.uploads.put_part(upload.upload_id, part)
    except UploadGone:
        storage.blobs.delete(received.segments)
        raise no_such_upload(upload.upload_id) from None
    except (OutOfSpace, CancelledError):
        storage.blobs.delete(received.segments)
        raise
    storage.blobs.delete(replaced)
    return part


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChecksum:
    """Which checksum the completed object will have, and made of what."""

    algorithm: Algorithm
    type: ChecksumType


def checksum_mismatch(expected: Algorithm, actual: Algorithm) -> ServiceError:
    return invalid_request(
        f"Checksum Type mismatch occurred, expected checksum Type: {expected.name.lower()}, actual checksum Type: "
        f"{actual.name.lower()}"
    )


def planned_checksum(upload: UploadRecord) -> PlannedChecksum:
    """What was asked for at the start, or S3's default."""
    if not upload.checksum_algorithm:
        return PlannedChecksum(algorithm=DEFAULT_ALGORITHM, type=ChecksumType.FULL_OBJECT)
    return PlannedChecksum(
        algorithm=ALGORITHMS[upload.checksum_algorithm], type=ChecksumType(upload.headers[CHECKSUM_TYPE_HEADER])
    )


def _new_upload_id(call: Call) -> str:
    """Begins with the time, so that the uploads of a key are listed in the order in which they were begun."""
    microseconds = int(call.house.clock.now().timestamp() * 1_000_000)
    return f"{microseconds:016x}{call.house.entropy(40).hex()}"


def _asked_checksum(params: Params) -> PlannedChecksum | None:
    name, type_name = params.get("ChecksumAlgorithm"), params.get("ChecksumType")
    if not name:
        if type_name:
            raise invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return None
    algorithm = algorithm_named(name)
    if not type_name:
        return PlannedChecksum(algorithm=algorithm, type=algorithm.types[0])
    if type_name not in algorithm.types:
        raise invalid_request(
            f"The {type_name} checksum type cannot be used with the {algorithm.name.lower()} checksum algorithm."
        )
    return PlannedChecksum(algorithm=algorithm, type=ChecksumType(type_name))
