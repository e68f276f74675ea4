"""What a write says of its object besides content and metadata: whose it becomes, its ACL, its encryption."""

from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.encryption import HEADERS, asked_encryption
from crossdock.cloud.s3.object_headers import refuse_unsupported
from crossdock.cloud.s3.ownership import asked_acl, owner_of_new
from crossdock.cloud.s3.storage import Storage
from crossdock.core.object_writing import ACL_HEADER
from crossdock.operations.call import Call

NOTES = (ACL_HEADER, *HEADERS)
"""What is kept with an object, or an upload, and not shown among its own headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAs:
    """`headers` are the NOTES."""

    owner_account: str
    headers: Mapping[str, str]


def written_as(storage: Storage, bucket: Bucket, call: Call) -> WrittenAs:
    """Of PutObject, CreateMultipartUpload, CopyObject. Raises ServiceError for what Crossdock does not do."""
    refuse_unsupported(call.params)
    acl = asked_acl(bucket, call.params)
    encryption = asked_encryption(
        call.params,
        is_noted=storage.notes_encryption,
        account_id=call.caller.principal.account_id,
        region=bucket.region,
    )
    return WrittenAs(
        owner_account=owner_of_new(bucket, call.caller.principal.account_id, acl),
        headers={**({ACL_HEADER: acl} if acl else {}), **encryption},
    )


def notes_of(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Of an upload's headers those of the object that comes of it."""
    return {name: headers[name] for name in NOTES if name in headers}
