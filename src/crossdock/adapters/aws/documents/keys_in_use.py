"""Which KMS key S3 uses for an object that is written to a bucket now: as the write says, else as the bucket does.

Sources: S3 API Reference, PutObject (SSEKMSKeyId: "If the KMS key doesn't exist in the same account that's issuing the
command, you must use the full Key ARN"), ServerSideEncryptionByDefault ("If you use a KMS key alias instead, then KMS
resolves the key within the requester's account"); S3 User Guide, "Using encryption for cross-account operations": where
no key is named, it is the AWS managed key of the account that uploads.
"""

from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.keys import OF_S3, KeyName
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.object_writing import KMS, ObjectWriting


def key_in_use(said: ObjectWriting, bucket: BucketDocuments, asking: str) -> KeyName | None:
    """None where no KMS key has a say.

    Args:
        said: what the write says of the encryption.
        asking: the account of who writes.

    Raises NotRead where it is not known.
    """
    if not said.sse:
        return _default(bucket, asking)
    if said.sse not in KMS:
        return None
    if not said.kms_key_id and (default := _default(bucket, asking)) is not None and default.text != OF_S3:
        raise NotRead(
            f"{said.sse} is sent without a key, for which AWS documents its own key for S3, while bucket {bucket.name} "
            f"has {default.text} by default",
            remedy=f'name the key: kms_key_id under [aws.buckets."{bucket.name}"], and --kms-key-id',
        )
    return _named(said.kms_key_id or OF_S3, bucket, asking)


def uses_bucket_key(said: ObjectWriting, bucket: BucketDocuments) -> bool:
    """Whether KMS is asked about the bucket, and not about each object."""
    default = bucket.encryption.bucket_key if bucket.encryption is not None else None
    return bool(default if said.bucket_key is None else said.bucket_key)


def _default(bucket: BucketDocuments, asking: str) -> KeyName | None:
    if bucket.encryption is None:
        raise bucket.encryption_unread or NotRead(f"it is not known how bucket {bucket.name} encrypts")
    default = bucket.encryption
    if default.sse not in KMS:
        return None
    key = default.kms_key_id
    if key and not key.startswith(("arn:", "alias/")) and bucket.owner != asking:
        raise NotRead(
            f"bucket {bucket.name} encrypts with KMS key {key}, whose account that does not tell",
            remedy=f"name the key by its ARN in the default encryption of bucket {bucket.name}",
        )
    return _named(key or OF_S3, bucket, asking)


def _named(key: str, bucket: BucketDocuments, asking: str) -> KeyName:
    if key.startswith("arn:"):
        arn = parse_arn(key)
        return KeyName(text=key, account_id=arn.account_id, region=arn.region)
    if not bucket.region:
        raise NotRead(
            f"KMS key {key} is in the region of bucket {bucket.name}, which is not known",
            remedy=f"allow s3:GetBucketLocation on {bucket.name} to the profile of its account",
        )
    text = key
    if not key.startswith("alias/"):
        text = str(
            Arn(service="kms", region=bucket.region, account_id=asking, resource=f"key/{key.removeprefix('key/')}")
        )
    return KeyName(text=text, account_id=asking, region=bucket.region)
