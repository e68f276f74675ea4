"""The ACL of what file sessions write into another account's bucket of the embedded S3, where ACLs count there.

As Transfer does at AWS: see `adapters/aws/writing.py`.
"""

from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.core.object_writing import FULL_CONTROL


async def acl_in(client: S3Client, bucket: str) -> str:
    """Empty where none is to be said: ACLs do not count, or the bucket is the role's own account's, or is none."""
    found = await client.storage.buckets.find(bucket)
    is_anothers = found is not None and found.has_acls and found.account_id != client.caller.principal.account_id
    return FULL_CONTROL if is_anothers else ""
