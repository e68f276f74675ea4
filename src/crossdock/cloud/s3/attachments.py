"""Buckets whose bytes lie in another S3: how one becomes such a bucket, and which there are.

The local index holds no object of such a bucket, and cannot: the bucket's id is retired there, as a deleted one's is.
Deleting the bucket therefore takes away what Crossdock knows of it, and no object.
"""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.s3.bucket_directory import BUCKETS, BucketRecord, present_record
from crossdock.cloud.s3.buckets import create_bucket, retire_empty
from crossdock.cloud.s3.failures import bucket_already_exists
from crossdock.cloud.s3.storage import Storage
from crossdock.core.backings import Backing
from crossdock.operations.call import Call
from crossdock.ports.state import State


async def attach_bucket(storage: Storage, call: Call, backing: Backing) -> None:
    """Let a bucket of the caller's account be backed from now on; it is made when there is none.

    `call` is a CreateBucket that has been authorised. A bucket that is backed already is backed by this one from now
    on.

    Raises:
        ServiceError: BucketAlreadyExists for another account's, BucketNotEmpty for one with objects of its own.
    """
    name: str = call.params["Bucket"]
    if await storage.buckets.find(name) is None:
        await create_bucket(storage, call)
    bucket = await storage.bucket_named(name)
    if bucket.account_id != call.account_id:
        raise bucket_already_exists(name)
    await retire_empty(
        storage, bucket, f"The bucket {name} holds objects of its own: only an empty one can be attached"
    )
    # No operation of S3's; the audit is to tell it from the making of the bucket.
    async with policy_transaction(replace(call, operation="AttachBucket"), storage.epoch) as tx:
        await BUCKETS.put(tx, replace(await present_record(tx, bucket), backing=backing), name)


async def has_object(storage: Storage, state: State, key: str) -> bool:
    """Whether an object of this key lies here, in whatever bucket."""
    for record in await all_buckets(state):
        if record.backing is None and await storage.objects.get(record.bucket_id, key) is not None:
            return True
    return False


async def all_buckets(state: State) -> Sequence[BucketRecord]:
    """Of every account, by name."""
    async with state.reading() as tx:
        return await BUCKETS.everything(tx)
