"""What S3's operations need: which action, on which ARN, with which condition keys.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; S3 User Guide,
"Required permissions for Amazon S3 API operations".
"""

from collections.abc import Mapping, Sequence

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.failures import bucket_already_exists, no_such_version
from crossdock.cloud.s3.names import CopySource, check_bucket_name, check_key, parse_copy_source
from crossdock.cloud.s3.ownership import owned_by_another
from crossdock.cloud.s3.storage import Storage
from crossdock.core.arns import bucket_arn
from crossdock.core.principals import AccountRoot
from crossdock.operations.call import Call
from crossdock.operations.caller import Context
from crossdock.operations.operation import Owned, Params, Permission, Permissions

# Condition keys by the members of requests that give their values.
_LISTING_KEYS: Mapping[str, str] = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys"}
_WRITING_KEYS: Mapping[str, str] = {
    "ACL": "s3:x-amz-acl",
    "StorageClass": "s3:x-amz-storage-class",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
}


def list_permission(bucket: Bucket, params: Params) -> Permission:
    return _on_bucket(bucket, "s3:ListBucket", _keys(params, _LISTING_KEYS))


def presence_permission(bucket: Bucket) -> Permission:
    """What it takes to learn that a key is not there: s3:ListBucket, without the keys of a listing."""
    return _on_bucket(bucket, "s3:ListBucket", {})


def object_permission(
    bucket: Bucket, key: str, action: str, context: Context | None = None, *, owned: Owned | None = None
) -> Permission:
    return Permission(
        action=action,
        resource=bucket.object_arn(key),
        context={**_resource_account(bucket), **(context or {})},
        owned=owned,
    )


async def owned_of(storage: Storage, bucket: Bucket, key: str) -> Owned | None:
    """Whose the object of a key is, if not the bucket owner's."""
    return owned_by_another(bucket, await storage.objects.get(bucket.bucket_id, key)) if bucket.has_acls else None


def on_bucket(storage: Storage, action: str) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        return (_on_bucket(await storage.bucket_of(call), action, {}),)

    return permissions


def on_listing(storage: Storage) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        return (list_permission(await storage.bucket_of(call), call.params),)

    return permissions


def on_bucket_policy(storage: Storage, action: str) -> Permissions:
    """The owner's root user may always see to the policy, whatever that policy says, lest everyone be locked out.

    Source: S3 API Reference, PutBucketPolicy, GetBucketPolicy and DeleteBucketPolicy, "Important".
    """

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        if call.caller.principal == AccountRoot(account_id=bucket.account_id):
            return ()
        return (_on_bucket(bucket, action, {}),)

    return permissions


def on_bucket_only(storage: Storage) -> Permissions:
    """For operations that authorise key by key."""

    async def permissions(call: Call) -> Sequence[Permission]:
        await storage.bucket_of(call)
        return ()

    return permissions


def on_new_bucket(storage: Storage) -> Permissions:
    """CreateBucket. The name of another account's bucket is taken, which is no question of permissions: that anybody
    has it, S3 tells everybody."""

    async def permissions(call: Call) -> Sequence[Permission]:
        name: str = call.params["Bucket"]
        check_bucket_name(name)
        present = await storage.buckets.find(name)
        if present is not None and present.account_id != call.account_id:
            raise bucket_already_exists(name)
        context: dict[str, tuple[str, ...]] = {}
        constraint = (call.params.get("CreateBucketConfiguration") or {}).get("LocationConstraint")
        if constraint:
            context["s3:locationconstraint"] = (constraint,)
        if (acl := call.params.get("ACL")) is not None:
            context["s3:x-amz-acl"] = (acl,)
        if (ownership := call.params.get("ObjectOwnership")) is not None:
            context["s3:x-amz-object-ownership"] = (ownership,)
        creating = Permission(action="s3:CreateBucket", resource=str(bucket_arn(name)), context=context)
        if ownership is None:
            return (creating,)
        # S3 API Reference, CreateBucket, "Permissions".
        return (creating, Permission(action="s3:PutBucketOwnershipControls", resource=str(bucket_arn(name))))

    return permissions


def on_object(storage: Storage, *actions: str) -> Permissions:
    """Every one of the actions on the object. `VersionId` can only be `null` here, but has actions of its own."""

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        key = _checked_key(call.params)
        owned = await owned_of(storage, bucket, key)
        return tuple(object_permission(bucket, key, versioned(action, call.params), owned=owned) for action in actions)

    return permissions


def on_upload(storage: Storage, action: str) -> Permissions:
    """An action on an upload that was begun, whatever object its key may have."""

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        return (object_permission(bucket, _checked_key(call.params), action),)

    return permissions


def on_object_acl(storage: Storage) -> Permissions:
    """PutObjectAcl: the new ACL is a condition key."""

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        key, action = _checked_key(call.params), versioned("s3:PutObjectAcl", call.params)
        context = _keys(call.params, {"ACL": _WRITING_KEYS["ACL"]})
        return (object_permission(bucket, key, action, context, owned=await owned_of(storage, bucket, key)),)

    return permissions


def on_deleted_object(storage: Storage) -> Permissions:
    """DeleteObject: If-Match needs a permission besides.

    Source: S3 User Guide, "How to perform conditional deletes", "Enforce conditional deletes on Amazon S3 buckets".
    """

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        key = _checked_key(call.params)
        condition = _keys(call.params, {"IfMatch": _WRITING_KEYS["IfMatch"]})
        needed = [object_permission(bucket, key, versioned("s3:DeleteObject", call.params), condition)]
        if condition:
            owned = await owned_of(storage, bucket, key)
            needed.append(object_permission(bucket, key, versioned("s3:GetObject", call.params), owned=owned))
        return needed

    return permissions


def on_written_object(storage: Storage) -> Permissions:
    """PutObject and CreateMultipartUpload: an ACL and If-Match each need a permission besides.

    Source: S3 API Reference, PutObject, "Permissions"; S3 User Guide, "Conditional writes", If-Match.
    """

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        return await _writing(storage, bucket, call.params, copied_from="")

    return permissions


def on_part(storage: Storage) -> Permissions:
    """UploadPart and CompleteMultipartUpload."""

    async def permissions(call: Call) -> Sequence[Permission]:
        bucket = await storage.bucket_of(call)
        key = _checked_key(call.params)
        needed = [object_permission(bucket, key, "s3:PutObject", _keys(call.params, _WRITING_KEYS))]
        if call.params.get("IfMatch") is not None:
            owned = await owned_of(storage, bucket, key)
            needed.append(object_permission(bucket, key, "s3:GetObject", owned=owned))
        return needed

    return permissions


def on_copied_object(storage: Storage) -> Permissions:
    """CopyObject and UploadPartCopy: reading the source, and writing the target."""

    async def permissions(call: Call) -> Sequence[Permission]:
        source = parse_copy_source(call.params["CopySource"])
        check_key(source.key)
        source_bucket = await storage.source_bucket_of(call, source.bucket)
        target_bucket = await storage.bucket_of(call)
        owned = await owned_of(storage, source_bucket, source.key)
        return (
            object_permission(source_bucket, source.key, source_action(source), owned=owned),
            *await _writing(storage, target_bucket, call.params, copied_from=f"{source.bucket}/{source.key}"),
        )

    return permissions


def check_version(params: Params) -> None:
    """No bucket keeps versions, so the only version an object has is called `null`."""
    version_id = params.get("VersionId")
    if version_id not in (None, "null"):
        raise no_such_version(params["Key"], version_id)


async def _writing(storage: Storage, bucket: Bucket, params: Params, *, copied_from: str) -> Sequence[Permission]:
    key = _checked_key(params)
    context = _keys(params, _WRITING_KEYS)
    if copied_from:
        context["s3:x-amz-copy-source"] = (copied_from,)
    needed = [object_permission(bucket, key, "s3:PutObject", context)]
    if params.get("ACL") is not None:
        needed.append(object_permission(bucket, key, "s3:PutObjectAcl", context))
    if params.get("IfMatch") is not None:
        owned = await owned_of(storage, bucket, key)
        needed.append(object_permission(bucket, key, "s3:GetObject", owned=owned))
    return needed


def _on_bucket(bucket: Bucket, action: str, context: Context) -> Permission:
    return Permission(action=action, resource=bucket.arn, context={**_resource_account(bucket), **context})


def _resource_account(bucket: Bucket) -> dict[str, tuple[str, ...]]:
    return {"aws:ResourceAccount": (bucket.account_id,), "s3:ResourceAccount": (bucket.account_id,)}


def _keys(params: Params, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {key: (str(params[member]),) for member, key in names.items() if params.get(member) is not None}


def _checked_key(params: Params) -> str:
    key: str = params["Key"]
    check_key(key)
    return key


def versioned(action: str, params: Params) -> str:
    """The action for a call that names a version: `s3:GetObjectVersionAcl` for `s3:GetObjectAcl`."""
    return action if params.get("VersionId") is None else action.replace("Object", "ObjectVersion", 1)


def source_action(source: CopySource) -> str:
    """What reading the source of a copy takes."""
    return versioned("s3:GetObject", {"VersionId": source.version_id or None})
