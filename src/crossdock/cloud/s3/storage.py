"""What the S3 operations stand on."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from crossdock.cloud.s3.bucket_directory import Bucket, BucketDirectory
from crossdock.cloud.s3.failures import access_denied, no_such_bucket
from crossdock.cloud.s3.names import check_bucket_name
from crossdock.operations.call import Call
from crossdock.operations.outages import Outages
from crossdock.ports.backings import ForeignS3, NoForeignS3
from crossdock.ports.host import Epoch
from crossdock.ports.storage import Blobs, ObjectIndex, UploadIndex

INDEXED_BYTES = 16 << 10
"""Objects up to this size lie in the index: its commit alone makes them durable, and they are read with their entry."""

NOWHERE = NoForeignS3()


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """`executor` is a bounded pool in which checksums are computed, off the loop. Objects of at most `indexed_bytes`
    are no blobs. `foreign` has the objects of the buckets that are backed. With `notes_encryption` requests for
    server-side encryption are noted and answered: nothing is encrypted. `outages` are those of what `foreign` reaches,
    by the names of our buckets."""

    buckets: BucketDirectory
    objects: ObjectIndex
    uploads: UploadIndex
    blobs: Blobs
    epoch: Epoch
    executor: Executor
    indexed_bytes: int = INDEXED_BYTES
    foreign: ForeignS3 = NOWHERE
    notes_encryption: bool = False
    outages: Outages = field(
        default_factory=lambda: Outages(
            "the S3 behind an attached bucket cannot be used", "the S3 behind an attached bucket can be used again"
        )
    )

    async def bucket_of(self, call: Call) -> Bucket:
        """The bucket that a call names, if it belongs to whom the call expects.

        Raises:
            ServiceError: InvalidBucketName, NoSuchBucket, or AccessDenied when ExpectedBucketOwner is another account.
        """
        bucket = await self.bucket_named(call.params["Bucket"])
        _check_owner(bucket, call.params.get("ExpectedBucketOwner"))
        return bucket

    async def source_bucket_of(self, call: Call, name: str) -> Bucket:
        """The bucket from which a call copies."""
        bucket = await self.bucket_named(name)
        _check_owner(bucket, call.params.get("ExpectedSourceBucketOwner"))
        return bucket

    async def bucket_named(self, name: str) -> Bucket:
        check_bucket_name(name)
        bucket = await self.buckets.find(name)
        if bucket is None:
            raise no_such_bucket(name)
        return bucket


def _check_owner(bucket: Bucket, expected: str | None) -> None:
    if expected is not None and expected != bucket.account_id:
        raise access_denied()
