"""PutObject, and the one way by which any new object becomes visible."""

from asyncio import CancelledError
from datetime import datetime

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import checksum_members, read_claims
from crossdock.cloud.s3.conditions import WriteCondition, write_condition
from crossdock.cloud.s3.encryption import encryption_members
from crossdock.cloud.s3.etags import opaque_etag, quoted
from crossdock.cloud.s3.failures import no_such_bucket, no_such_key, precondition_failed
from crossdock.cloud.s3.object_headers import stored_headers, stored_metadata
from crossdock.cloud.s3.receiving import receive
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.written import written_as
from crossdock.core.errors import OutOfSpace, ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.ports.storage import BucketRetired, Buffer, ObjectEntry, PreconditionFailed, Segment, StagedBlob

UNCONDITIONAL = WriteCondition()


async def put_object(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    key: str = call.params["Key"]
    written = written_as(storage, bucket, call)
    metadata, headers = stored_metadata(call.params), stored_headers(call.params)
    condition, claims = write_condition(call.params), read_claims(call.params)
    if condition != UNCONDITIONAL:
        # The commit tests it again; this spares a client the upload of what cannot be kept.
        await check_present(storage, bucket, key, condition)
    received = await receive(storage, call.params.get("Body"), claims)
    entry = ObjectEntry(
        size=received.size,
        etag=received.md5.hex(),
        modified_at=whole_seconds(call.house.clock.now()),
        segments=received.segments,
        content=received.content,
        owner_account=written.owner_account,
        metadata=metadata,
        headers={**headers, **written.headers},
        checksums=received.checksums,
    )
    await publish(storage, bucket, key, entry, condition=condition)
    return {
        "ETag": quoted(entry.etag),
        **checksum_members(entry.checksums),
        **encryption_members(entry.headers),
    }


async def commit_staged(storage: Storage, call: Call, staged: StagedBlob | None, rest: Buffer) -> ObjectEntry:
    """Publish bytes that came through the kernel, and that nobody has looked at: they have no MD5 and no checksum.

    `call` is a PutObject without a body that has been authorised; `rest` are the last bytes, or all of them.
    """
    bucket = await storage.bucket_of(call)
    written = written_as(storage, bucket, call)
    metadata, headers = stored_metadata(call.params), stored_headers(call.params)
    content = bytes(rest) if staged is None and 0 < len(rest) <= storage.indexed_bytes else None
    segments = () if content is not None else await _kept(storage, staged, rest)
    entry = ObjectEntry(
        size=sum(segment.size for segment in segments) if content is None else len(content),
        etag=opaque_etag(call.house.entropy),
        modified_at=whole_seconds(call.house.clock.now()),
        segments=segments,
        content=content,
        owner_account=written.owner_account,
        metadata=metadata,
        headers={**headers, **written.headers},
    )
    await publish(storage, bucket, call.params["Key"], entry, condition=write_condition(call.params))
    return entry


async def _kept(storage: Storage, staged: StagedBlob | None, rest: Buffer) -> tuple[Segment, ...]:
    if staged is None:
        return (await storage.blobs.store([rest]),) if len(rest) else ()
    if len(rest):
        await staged.write(rest)
    if staged.size:
        return (await staged.seal(),)
    await staged.discard()
    return ()


async def publish(
    storage: Storage, bucket: Bucket, key: str, entry: ObjectEntry, *, condition: WriteCondition = UNCONDITIONAL
) -> None:
    """Make an entry the object of its key, durably, and clear up what it replaces; or keep nothing of it.

    Raises:
        ServiceError: NoSuchBucket when the bucket was deleted meanwhile, PreconditionFailed, NoSuchKey.
    """
    try:
        replaced = await storage.objects.put(
            bucket.bucket_id, key, entry, if_match=condition.if_match, if_none_match=condition.if_none_match
        )
    except (BucketRetired, PreconditionFailed) as refusal:
        storage.blobs.delete(entry.segments)
        raise await refused(storage, bucket, key, condition, refusal) from None
    except (OutOfSpace, CancelledError):
        # Nothing was committed. What became of a commit that failed otherwise is not known: the next sweep will tell.
        storage.blobs.delete(entry.segments)
        raise
    storage.blobs.delete(replaced)


async def refused(
    storage: Storage, bucket: Bucket, key: str, condition: WriteCondition, refusal: BucketRetired | PreconditionFailed
) -> ServiceError:
    """What S3 says of a commit that the index refused."""
    if isinstance(refusal, BucketRetired):
        return no_such_bucket(bucket.name)
    try:
        await check_present(storage, bucket, key, condition)
    except ServiceError as error:
        return error
    # What made it fail is gone again.
    return precondition_failed(condition.header)


async def check_present(storage: Storage, bucket: Bucket, key: str, condition: WriteCondition) -> None:
    """Refuse a write whose condition does not hold now.

    Raises:
        ServiceError: PreconditionFailed; NoSuchKey for If-Match on a key that has no object.
    """
    present = await storage.objects.get(bucket.bucket_id, key)
    if condition.if_none_match and present is not None:
        raise precondition_failed(condition.header)
    if condition.if_match is not None:
        if present is None:
            raise no_such_key(key)
        if present.etag != condition.if_match:
            raise precondition_failed(condition.header)


def whole_seconds(moment: datetime) -> datetime:
    """S3 keeps times to the second, so that Last-Modified and a listing say the same."""
    return moment.replace(microsecond=0)
