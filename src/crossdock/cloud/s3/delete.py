"""DeleteObject and DeleteObjects."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crossdock.cloud.s3.backed import pass_on
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.conditions import WriteCondition
from crossdock.cloud.s3.etags import unquoted
from crossdock.cloud.s3.failures import malformed_xml, no_such_version, not_implemented, service_unavailable
from crossdock.cloud.s3.names import check_key
from crossdock.cloud.s3.permissions import check_version, object_permission, versioned
from crossdock.cloud.s3.put_object import UNCONDITIONAL, refused
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import OutOfSpace, ServiceError, Unavailable
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.ports.storage import PreconditionFailed

MAX_KEYS = 1000
AT_ONCE = 32
"""Deletions that run side by side, so that they share their commits."""

_UNKNOWN_CONDITIONS = ("IfMatchLastModifiedTime", "IfMatchSize", "ETag", "LastModifiedTime", "Size")


async def delete_object(storage: Storage, call: Call) -> Result:
    """With If-Match only the object of that ETag goes; else the answer is PreconditionFailed, or NoSuchKey.

    Source: S3 User Guide, "How to perform conditional deletes".
    """
    bucket = await storage.bucket_of(call)
    if_match: str | None = call.params.get("IfMatch")
    _refuse_conditions(call.params)
    if if_match is not None and if_match.strip() == "*":
        raise not_implemented("If-Match", "Only an ETag is known as the condition of a delete.")
    check_version(call.params)
    condition = UNCONDITIONAL if if_match is None else WriteCondition(if_match=unquoted(if_match))
    await _delete(storage, bucket, call.params["Key"], condition)
    return {}


async def delete_objects(storage: Storage, call: Call) -> Result:
    """Each key is authorised and deleted for itself; what fails is listed and stops nothing."""
    bucket = await storage.bucket_of(call)
    request = call.params["Delete"]
    objects: Sequence[Params] = request.get("Objects") or ()
    if not 1 <= len(objects) <= MAX_KEYS:
        raise malformed_xml()
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for start in range(0, len(objects), AT_ONCE):
        some = objects[start : start + AT_ONCE]
        for item, failure in zip(
            some, await asyncio.gather(*(_delete_one(storage, call, bucket, item) for item in some)), strict=True
        ):
            named = {name: item[name] for name in ("Key", "VersionId") if item.get(name) is not None}
            if failure is None:
                deleted.append(named)
            else:
                errors.append({**named, "Code": failure.code, "Message": failure.message})
    answer: dict[str, Any] = {"Errors": errors} if errors else {}
    return answer if request.get("Quiet") else {"Deleted": deleted, **answer}


async def _delete_one(storage: Storage, call: Call, bucket: Bucket, item: Params) -> ServiceError | None:
    key, version_id = item["Key"], item.get("VersionId")
    try:
        check_key(key)
        await call.demand(object_permission(bucket, key, versioned("s3:DeleteObject", item)))
        _refuse_conditions(item)
        if version_id not in (None, "null"):
            raise no_such_version(key, version_id)
        if bucket.backing is None:
            await _delete(storage, bucket, key)
        else:
            one = replace(call, operation="DeleteObject", params={"Bucket": bucket.name, "Key": key})
            await pass_on(storage, one, bucket)
    except ServiceError as failure:
        return failure
    except (OutOfSpace, Unavailable):
        # The others may be gone already: who asked must hear which.
        return service_unavailable()
    return None


async def _delete(storage: Storage, bucket: Bucket, key: str, condition: WriteCondition = UNCONDITIONAL) -> None:
    try:
        deleted = await storage.objects.delete(bucket.bucket_id, key, if_match=condition.if_match)
    except PreconditionFailed as refusal:
        raise await refused(storage, bucket, key, condition, refusal) from None
    storage.blobs.delete(deleted)


def _refuse_conditions(params: Params) -> None:
    """A condition that is not tested in the commit itself would be a promise that a race can break."""
    if any(params.get(name) is not None for name in _UNKNOWN_CONDITIONS):
        raise not_implemented("If-Match", "Of conditional deletes Crossdock knows DeleteObject with If-Match alone.")
