"""The table of S3's operations. What is not here, S3 answers with NotImplemented."""

from collections.abc import Awaitable, Callable
from functools import partial

from crossdock.cloud.s3.acls import (
    delete_ownership_controls,
    get_bucket_acl,
    get_object_acl,
    get_ownership_controls,
    put_object_acl,
    put_ownership_controls,
)
from crossdock.cloud.s3.backed import pass_on
from crossdock.cloud.s3.bucket_policies import delete_bucket_policy, get_bucket_policy, put_bucket_policy
from crossdock.cloud.s3.buckets import create_bucket, delete_bucket, get_bucket_location, head_bucket, list_buckets
from crossdock.cloud.s3.complete_upload import complete_multipart_upload
from crossdock.cloud.s3.copy import copy_object
from crossdock.cloud.s3.delete import delete_object, delete_objects
from crossdock.cloud.s3.get_object import get_object, get_object_attributes, head_object
from crossdock.cloud.s3.listing import list_objects, list_objects_v2
from crossdock.cloud.s3.multipart import abort_multipart_upload, create_multipart_upload, upload_part
from crossdock.cloud.s3.part_copy import upload_part_copy
from crossdock.cloud.s3.permissions import (
    on_bucket,
    on_bucket_only,
    on_bucket_policy,
    on_copied_object,
    on_deleted_object,
    on_listing,
    on_new_bucket,
    on_object,
    on_object_acl,
    on_part,
    on_upload,
    on_written_object,
)
from crossdock.cloud.s3.put_object import put_object
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.upload_listing import list_multipart_uploads, list_parts
from crossdock.operations.call import Call
from crossdock.operations.operation import Handler, Operation, Permissions, Result, ServiceOperations, needs

ALL_BUCKETS = "arn:aws:s3:::*"

_Handler = Callable[[Storage, Call], Awaitable[Result]]


def s3_operations(storage: Storage) -> ServiceOperations:
    """S3 over this storage. `BucketPolicies` is what the authoriser needs beside it."""

    def managing(handler: _Handler, permissions: Permissions) -> Operation:
        return Operation(handler=_bound(handler, storage), permissions=permissions)

    def data(handler: _Handler, permissions: Permissions) -> Operation:
        return Operation(handler=_where_it_lies(handler, storage), permissions=permissions, is_data=True)

    return ServiceOperations(
        service="s3",
        denied_code="AccessDenied",
        denied_status=403,
        operations={
            "CreateBucket": managing(create_bucket, on_new_bucket(storage)),
            "HeadBucket": managing(head_bucket, on_bucket(storage, "s3:ListBucket")),
            "ListBuckets": managing(list_buckets, needs("s3:ListAllMyBuckets", ALL_BUCKETS)),
            "DeleteBucket": managing(delete_bucket, on_bucket(storage, "s3:DeleteBucket")),
            "GetBucketLocation": managing(get_bucket_location, on_bucket(storage, "s3:GetBucketLocation")),
            "PutBucketPolicy": managing(put_bucket_policy, on_bucket_policy(storage, "s3:PutBucketPolicy")),
            "GetBucketPolicy": managing(get_bucket_policy, on_bucket_policy(storage, "s3:GetBucketPolicy")),
            "DeleteBucketPolicy": managing(delete_bucket_policy, on_bucket_policy(storage, "s3:DeleteBucketPolicy")),
            "GetBucketAcl": managing(get_bucket_acl, on_bucket(storage, "s3:GetBucketAcl")),
            "GetBucketOwnershipControls": managing(
                get_ownership_controls, on_bucket(storage, "s3:GetBucketOwnershipControls")
            ),
            "PutBucketOwnershipControls": managing(
                put_ownership_controls, on_bucket(storage, "s3:PutBucketOwnershipControls")
            ),
            # As S3 has it: there is no action of the operation's own name.
            "DeleteBucketOwnershipControls": managing(
                delete_ownership_controls, on_bucket(storage, "s3:PutBucketOwnershipControls")
            ),
            "ListObjectsV2": data(list_objects_v2, on_listing(storage)),
            "ListObjects": data(list_objects, on_listing(storage)),
            "GetObject": data(get_object, on_object(storage, "s3:GetObject")),
            "HeadObject": data(head_object, on_object(storage, "s3:GetObject")),
            "GetObjectAttributes": data(
                get_object_attributes, on_object(storage, "s3:GetObject", "s3:GetObjectAttributes")
            ),
            "GetObjectAcl": data(get_object_acl, on_object(storage, "s3:GetObjectAcl")),
            "PutObjectAcl": data(put_object_acl, on_object_acl(storage)),
            "PutObject": data(put_object, on_written_object(storage)),
            "CopyObject": data(copy_object, on_copied_object(storage)),
            "DeleteObject": data(delete_object, on_deleted_object(storage)),
            # It looks for itself where each key lies.
            "DeleteObjects": Operation(
                handler=_bound(delete_objects, storage), permissions=on_bucket_only(storage), is_data=True
            ),
            "CreateMultipartUpload": data(create_multipart_upload, on_written_object(storage)),
            "UploadPart": data(upload_part, on_part(storage)),
            "UploadPartCopy": data(upload_part_copy, on_copied_object(storage)),
            "CompleteMultipartUpload": data(complete_multipart_upload, on_part(storage)),
            "AbortMultipartUpload": data(abort_multipart_upload, on_upload(storage, "s3:AbortMultipartUpload")),
            "ListParts": data(list_parts, on_upload(storage, "s3:ListMultipartUploadParts")),
            "ListMultipartUploads": data(list_multipart_uploads, on_bucket(storage, "s3:ListBucketMultipartUploads")),
        },
    )


def _where_it_lies(handler: _Handler, storage: Storage) -> Handler:
    """A handler of data, or the way to the other S3 for a bucket whose objects lie there."""

    async def handle(call: Call) -> Result:
        bucket = await storage.bucket_of(call)
        if bucket.backing is None:
            return await handler(storage, call)
        return await pass_on(storage, call, bucket)

    return handle


def _bound(handler: _Handler, storage: Storage) -> Handler:
    return partial(handler, storage)
