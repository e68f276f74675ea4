"""GetObjectAcl, PutObjectAcl and GetBucketAcl, and a bucket's Object Ownership, which says whether ACLs count.

Source: S3 API Reference, GetObjectAcl, PutObjectAcl, PutBucketOwnershipControls, GetBucketOwnershipControls,
DeleteBucketOwnershipControls.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.s3.bucket_directory import BUCKETS, Ownership, present_record
from crossdock.cloud.s3.copy import link
from crossdock.cloud.s3.failures import malformed_xml, not_implemented
from crossdock.cloud.s3.get_object import OPENING_ATTEMPTS, present_entry
from crossdock.cloud.s3.owners import owner_of
from crossdock.cloud.s3.ownership import acl_of, checked_ownership, put_acl
from crossdock.cloud.s3.permissions import check_version, versioned
from crossdock.cloud.s3.put_object import UNCONDITIONAL
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.core.object_writing import ACL_HEADER
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result


async def get_object_acl(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    check_version(call.params)
    action = versioned("s3:GetObjectAcl", call.params)
    return acl_of(bucket, await present_entry(storage, call, bucket, call.params["Key"], action=action))


async def put_object_acl(storage: Storage, call: Call) -> Result:
    """The object stays whose it is: only a new one can become the bucket owner's."""
    bucket = await storage.bucket_of(call)
    check_version(call.params)
    acl = put_acl(bucket, call.params)
    key, action = call.params["Key"], versioned("s3:PutObjectAcl", call.params)
    for _ in range(OPENING_ATTEMPTS):
        entry = await present_entry(storage, call, bucket, key, action=action)
        if not bucket.has_acls:
            return {}
        changed = replace(entry, headers={**entry.headers, ACL_HEADER: acl})
        source = (bucket.bucket_id, key)
        # Not the owner and metadata of what another call put there meanwhile, whatever bytes it has.
        if await link(storage, bucket, key, changed, UNCONDITIONAL, source=source, unchanged=entry):
            return {}
    raise Unavailable(f"{bucket.name}/{key} is replaced faster than its ACL can be")


async def get_bucket_acl(storage: Storage, call: Call) -> Result:
    """Nobody but the owner has anything of it."""
    owner = owner_of((await storage.bucket_of(call)).account_id)
    grant: dict[str, Any] = {"Grantee": {"Type": "CanonicalUser", **owner}, "Permission": "FULL_CONTROL"}
    return {"Owner": owner, "Grants": [grant]}


async def put_ownership_controls(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    rules: Sequence[Params] = call.params["OwnershipControls"].get("Rules") or ()
    if len(rules) != 1:
        raise malformed_xml()
    ownership = checked_ownership(rules[0].get("ObjectOwnership") or "")
    if bucket.backing is not None and ownership is not Ownership.ENFORCED:
        raise not_implemented("ObjectOwnership", "Objects of a bucket that lie in another S3 have no ACLs here.")
    await _set_ownership(storage, call, ownership)
    return {}


async def get_ownership_controls(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    if bucket.ownership is None:
        raise ServiceError(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
            status=404,
            members={"BucketName": bucket.name},
        )
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket.ownership.value}]}}


async def delete_ownership_controls(storage: Storage, call: Call) -> Result:
    """Without the setting a bucket does as under ObjectWriter."""
    if (await storage.bucket_of(call)).backing is None:
        await _set_ownership(storage, call, None)
    return {}


async def _set_ownership(storage: Storage, call: Call, ownership: Ownership | None) -> None:
    bucket = await storage.bucket_of(call)
    async with policy_transaction(call, storage.epoch) as tx:
        record = await present_record(tx, bucket)
        await BUCKETS.put(tx, replace(record, ownership=ownership), record.name)
