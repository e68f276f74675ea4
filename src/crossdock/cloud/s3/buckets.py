"""CreateBucket, HeadBucket, ListBuckets, GetBucketLocation and DeleteBucket."""

import re
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.s3.bucket_directory import (
    BUCKETS,
    Bucket,
    BucketRecord,
    Ownership,
    add_bucket,
    buckets_after,
    present_record,
    remove_bucket,
)
from crossdock.cloud.s3.failures import bucket_already_exists, invalid_argument, not_implemented
from crossdock.cloud.s3.owners import owner_of
from crossdock.cloud.s3.ownership import GRANTS, checked_ownership
from crossdock.cloud.s3.put_object import whole_seconds
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.paging import page_key, page_token

MAX_BUCKETS = 10_000

US_EAST_1 = "us-east-1"
EU = "EU"
"""How S3 once spelled eu-west-1, and still accepts it."""

_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+){1,3}-\d{1,2}")


async def create_bucket(storage: Storage, call: Call) -> Result:
    """Make a bucket of the caller's account.

    Source: S3 API Reference, CreateBucket; S3 User Guide, "Error responses", BucketAlreadyOwnedByYou.
    """
    name: str = call.params["Bucket"]
    _refuse_unsupported(call.params)
    region = _region(call)
    async with policy_transaction(call, storage.epoch) as tx:
        present = await BUCKETS.get(tx, name)
        if present is not None and present.account_id != call.account_id:
            raise bucket_already_exists(name)
        if present is None:
            record = BucketRecord(
                name=name,
                account_id=call.account_id,
                region=region,
                bucket_id=call.house.entropy(16).hex(),
                created_at=whole_seconds(call.now),
                ownership=checked_ownership(call.params.get("ObjectOwnership") or Ownership.ENFORCED),
            )
            await add_bucket(tx, record)
        elif not _may_be_created_again(call, present, region):
            raise ServiceError(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
                status=409,
                members={"BucketName": name},
            )
    return {"Location": f"/{name}", "BucketArn": f"arn:aws:s3:::{name}"}


async def head_bucket(storage: Storage, call: Call) -> Result:
    bucket = await storage.bucket_of(call)
    return {"BucketRegion": bucket.region, "BucketArn": bucket.arn, "AccessPointAlias": False}


async def get_bucket_location(storage: Storage, call: Call) -> Result:
    """The empty constraint stands for us-east-1, the region that was there before the others."""
    region = (await storage.bucket_of(call)).region
    return {"LocationConstraint": "" if region == US_EAST_1 else region}


async def list_buckets(storage: Storage, call: Call) -> Result:
    """The caller's account's buckets, by name."""
    prefix: str = call.params.get("Prefix") or ""
    region: str | None = call.params.get("BucketRegion")
    limit: int = call.params.get("MaxBuckets", MAX_BUCKETS)
    if not 1 <= limit <= MAX_BUCKETS:
        raise invalid_argument(
            f"Argument max-buckets must be an integer between 1 and {MAX_BUCKETS}", "max-buckets", limit
        )
    key = page_key(call.params.get("ContinuationToken"), error_code="InvalidArgument")
    after = key[0] if key else ""
    found: list[BucketRecord] = []
    async with call.reading() as tx:
        while len(found) <= limit and (page := await buckets_after(tx, call.account_id, after)):
            found.extend(r for r in page if r.name.startswith(prefix) and region in (None, r.region))
            after = page[-1].name
    answer: dict[str, Any] = {
        "Buckets": [
            {
                "Name": record.name,
                "CreationDate": record.created_at,
                "BucketRegion": record.region,
                "BucketArn": f"arn:aws:s3:::{record.name}",
            }
            for record in found[:limit]
        ],
        "Owner": owner_of(call.account_id),
    }
    if prefix:
        answer["Prefix"] = prefix
    if len(found) > limit:
        answer["ContinuationToken"] = page_token((found[limit - 1].name,))
    return answer


async def delete_bucket(storage: Storage, call: Call) -> Result:
    """First the index refuses further objects, so that none comes between the look and the deletion."""
    bucket = await storage.bucket_of(call)
    await retire_empty(storage, bucket, "The bucket you tried to delete is not empty")
    async with policy_transaction(call, storage.epoch) as tx:
        await remove_bucket(tx, await present_record(tx, bucket))
    return {}


async def retire_empty(storage: Storage, bucket: Bucket, otherwise: str) -> None:
    """Let the index refuse objects of this bucket, and forget its begun uploads. Raises BucketNotEmpty, so worded."""
    aborted = await storage.objects.retire(bucket.bucket_id)
    if aborted is None:
        raise ServiceError("BucketNotEmpty", otherwise, status=409, members={"BucketName": bucket.name})
    storage.blobs.delete(aborted)


def _may_be_created_again(call: Call, present: BucketRecord, region: str) -> bool:
    """In us-east-1 S3 answers a second CreateBucket with success, for old clients.

    Not to CloudFormation: a stack must not take for its own, and later delete, a bucket that was there before.
    """
    return call.origin.via == "api" and present.region == region == US_EAST_1


def _region(call: Call) -> str:
    """Where the bucket shall be. An endpoint makes buckets of its own region; that of us-east-1, of any."""
    constraint = (call.params.get("CreateBucketConfiguration") or {}).get("LocationConstraint") or ""
    if call.region == US_EAST_1:
        if constraint == "":
            return US_EAST_1
        if constraint == US_EAST_1 or (constraint != EU and _REGION.fullmatch(constraint) is None):
            raise ServiceError(
                "InvalidLocationConstraint",
                "The specified location-constraint is not valid",
                members={"LocationConstraint": constraint},
            )
        return "eu-west-1" if constraint == EU else str(constraint)
    if constraint != call.region and not (constraint == EU and call.region == "eu-west-1"):
        raise ServiceError(
            "IllegalLocationConstraintException",
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint "
            "this request was sent to.",
        )
    return call.region


def _refuse_unsupported(params: Params) -> None:
    """No bucket has an ACL that lets in others, versions or locks."""
    if params.get("ObjectLockEnabledForBucket"):
        raise not_implemented("x-amz-bucket-object-lock-enabled")
    if params.get("BucketNamespace") not in (None, "global"):
        raise not_implemented("x-amz-bucket-namespace")
    if params.get("ACL") not in (None, "private") or any(params.get(grant) is not None for grant in GRANTS):
        if params.get("ObjectOwnership") not in (None, Ownership.ENFORCED):
            raise not_implemented("x-amz-acl", "Of a bucket's own ACLs Crossdock knows private only.")
        raise ServiceError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )
    configuration = params.get("CreateBucketConfiguration") or {}
    for member in ("Location", "Bucket", "Tags"):
        if configuration.get(member):
            raise not_implemented("CreateBucketConfiguration", f"Crossdock does not know its member {member}.")
