"""CompleteMultipartUpload: the listed parts become one object, in one commit.

Source: S3 API Reference, CompleteMultipartUpload; S3 User Guide, "Checking object integrity", multipart uploads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import (
    ALGORITHMS,
    ChecksumType,
    check_value,
    checksum_members,
    composite,
    full_object,
)
from crossdock.cloud.s3.conditions import write_condition
from crossdock.cloud.s3.encryption import encryption_members
from crossdock.cloud.s3.etags import multipart_etag, quoted, unquoted
from crossdock.cloud.s3.failures import (
    entity_too_small,
    invalid_part,
    invalid_part_order,
    invalid_request,
    malformed_xml,
    no_such_upload,
)
from crossdock.cloud.s3.multipart import MAX_PARTS, checksum_mismatch, planned_checksum
from crossdock.cloud.s3.object_headers import COMPLETED_UPLOAD_HEADER, shown_headers
from crossdock.cloud.s3.ownership import account_of, owner_of_new
from crossdock.cloud.s3.put_object import UNCONDITIONAL, check_present, refused
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.written import notes_of
from crossdock.core.object_writing import ACL_HEADER
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.ports.storage import (
    BucketRetired,
    ObjectEntry,
    PartChanged,
    PartRecord,
    PreconditionFailed,
    UploadGone,
    UploadRecord,
)

MIN_PART_BYTES = 5 << 20


async def complete_multipart_upload(storage: Storage, call: Call) -> Result:
    """A call that is repeated, because its answer was lost, is answered alike while the object is still the same."""
    bucket = await storage.bucket_of(call)
    key, upload_id = call.params["Key"], call.params["UploadId"]
    listed: Sequence[Params] = (call.params.get("MultipartUpload") or {}).get("Parts") or ()
    if not 1 <= len(listed) <= MAX_PARTS:
        raise malformed_xml()
    condition = write_condition(call.params)
    while (upload := await storage.uploads.get(upload_id)) is not None:
        if (upload.bucket_id, upload.key) != (bucket.bucket_id, key):
            raise no_such_upload(upload_id)
        parts = _chosen(upload, listed, await storage.uploads.parts(upload_id))
        entry = _assembled(bucket, upload, listed, parts)
        _check_whole(call.params, upload, entry)
        if condition != UNCONDITIONAL:
            await check_present(storage, bucket, key, condition)
        try:
            replaced = await storage.uploads.complete(
                upload_id, entry, if_match=condition.if_match, if_none_match=condition.if_none_match
            )
        except (BucketRetired, PreconditionFailed) as refusal:
            raise await refused(storage, bucket, key, condition, refusal) from None
        except (PartChanged, UploadGone):
            # Another call came between: look again, and say what is wrong now.
            continue
        storage.blobs.delete(replaced)
        return _answer(bucket, key, entry)
    return _answer(bucket, key, await _completed_before(storage, bucket, key, upload_id))


async def _completed_before(storage: Storage, bucket: Bucket, key: str, upload_id: str) -> ObjectEntry:
    entry = await storage.objects.get(bucket.bucket_id, key)
    if entry is None or entry.headers.get(COMPLETED_UPLOAD_HEADER) != upload_id:
        raise no_such_upload(upload_id)
    return entry


def _chosen(upload: UploadRecord, listed: Sequence[Params], uploaded: Sequence[PartRecord]) -> list[PartRecord]:
    """The parts that the object is to be made of, each as it was uploaded last."""
    by_number = {part.number: part for part in uploaded}
    chosen: list[PartRecord] = []
    previous = 0
    for item in listed:
        number, etag = item.get("PartNumber"), item.get("ETag")
        if number is None or etag is None:
            raise malformed_xml()
        if number <= previous:
            raise invalid_part_order(upload.upload_id)
        part = by_number.get(number)
        if part is None or unquoted(etag) != part.etag:
            raise invalid_part(upload_id=upload.upload_id, number=number, etag=unquoted(etag))
        _check_part_checksum(upload, item, part)
        chosen.append(part)
        previous = number
    for part in chosen[:-1]:
        if part.segment.size < MIN_PART_BYTES:
            raise entity_too_small(number=part.number, etag=part.etag, proposed=part.segment.size, limit=MIN_PART_BYTES)
    return chosen


def _check_part_checksum(upload: UploadRecord, item: Params, part: PartRecord) -> None:
    for name, text in part.checksums.items():
        claimed = item.get(ALGORITHMS[name].member)
        if claimed is not None and claimed != text:
            raise invalid_part(upload_id=upload.upload_id, number=part.number, etag=part.etag)
    planned = planned_checksum(upload)
    if (
        upload.checksum_algorithm
        and planned.type is ChecksumType.COMPOSITE
        and item.get(planned.algorithm.member) is None
    ):
        raise invalid_request(
            f"The upload was created using a {planned.algorithm.name.lower()} checksum. The complete request must "
            f"include the checksum for each part. It was missing for part {part.number} in the request."
        )


def _assembled(
    bucket: Bucket, upload: UploadRecord, listed: Sequence[Params], parts: Sequence[PartRecord]
) -> ObjectEntry:
    return ObjectEntry(
        size=sum(part.segment.size for part in parts),
        etag=multipart_etag([part.etag for part in parts]),
        # S3 dates an object by the beginning of its upload.
        modified_at=upload.started_at,
        segments=tuple(part.segment for part in parts),
        # Whose upload it was, not who completes it.
        owner_account=owner_of_new(bucket, account_of(upload.initiator_arn), upload.headers.get(ACL_HEADER, "")),
        metadata=upload.metadata,
        headers={
            **shown_headers(upload.headers),
            **notes_of(upload.headers),
            COMPLETED_UPLOAD_HEADER: upload.upload_id,
        },
        checksums=_checksums(upload, listed, parts),
    )


def _checksums(upload: UploadRecord, listed: Sequence[Params], parts: Sequence[PartRecord]) -> Mapping[str, str]:
    planned = planned_checksum(upload)
    name = planned.algorithm.name
    if planned.type is ChecksumType.FULL_OBJECT:
        return {name: full_object(planned.algorithm, [(p.checksums[name], p.segment.size) for p in parts])}
    # S3 takes parts in any order of numbers, but a composite checksum only of parts numbered from 1 on.
    if [item["PartNumber"] for item in listed] != list(range(1, len(listed) + 1)):
        raise invalid_request(
            "Your multipart upload has a checksum of type COMPOSITE, so its part numbers must begin at 1 and be "
            "consecutive."
        )
    return {name: composite(planned.algorithm, [part.checksums[name] for part in parts])}


def _check_whole(params: Params, upload: UploadRecord, entry: ObjectEntry) -> None:
    """What the call says of the object as a whole."""
    planned = planned_checksum(upload)
    for algorithm in ALGORITHMS.values():
        claimed = params.get(algorithm.member)
        if claimed is None:
            continue
        if algorithm is not planned.algorithm:
            raise checksum_mismatch(planned.algorithm, algorithm)
        # Clients may leave out the number of parts behind a composite checksum.
        computed = entry.checksums[algorithm.name]
        check_value(algorithm, claimed, computed if "-" in claimed else computed.partition("-")[0])
    if params.get("ChecksumType") not in (None, planned.type.value):
        raise invalid_request(
            f"The upload was created using the {planned.type} checksum mode. The complete request must use the same "
            "checksum mode."
        )
    size = params.get("MpuObjectSize")
    if size is not None and size != entry.size:
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {size} does not match what was computed: {entry.size}"
        )


def _answer(bucket: Bucket, key: str, entry: ObjectEntry) -> dict[str, Any]:
    return {
        "Location": f"/{bucket.name}/{key}",
        "Bucket": bucket.name,
        "Key": key,
        "ETag": quoted(entry.etag),
        **checksum_members(entry.checksums),
        **encryption_members(entry.headers),
    }
