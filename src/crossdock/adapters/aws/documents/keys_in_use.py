"""Which KMS key S3 uses for an object that is written to a bucket now: as the write says, else as the bucket does.

Sources: S3 API Reference, PutObject (SSEKMSKeyId: "If the KMS key doesn't exist in the same account that's issuing the
command, you must use the full Key ARN"), ServerSideEncryptionByDefault ("If you use a KMS key alias instead, then KMS
resolves the key within the requester's account"); S3 User Guide, "Using encryption for cross-account operations": where
no key is named, it is the AWS managed key of the account that uploads; "Using server-side encryption with AWS KMS keys
(SSE-KMS)": "the AWS KMS keys must be in the same Region as the bucket"; "Using dual-layer server-side encryption with
AWS KMS keys (DSSE-KMS)": "S3 Bucket Keys aren't supported for DSSE-KMS"; "Configuring an S3 Bucket Key at the object
level": what the write does not say is as the bucket has it.
"""

from contextlib import suppress

from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.keys import OF_S3, KeyName
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import InvalidArn, Unsupported
from crossdock.core.object_writing import DUAL_LAYER, KMS, ObjectWriting


def key_in_use(said: ObjectWriting, bucket: BucketDocuments, asking: str) -> KeyName | None:
    """None where no KMS key has a say.

    Args:
        said: what the write says of the encryption.
        asking: the account of who writes.

    Raises NotRead where it is not known, Unsupported where it is a key that the bucket cannot use.
    """
    named = _named_by(said, bucket, asking)
    if named is not None and bucket.region not in ("", named.region):
        raise Unsupported(
            f"KMS key {named.text} is not in {bucket.region}, the region of bucket {bucket.name}, and S3 uses no other"
        )
    return named


def uses_bucket_key(said: ObjectWriting, bucket: BucketDocuments) -> bool | None:
    """Whether KMS is asked about the bucket, and not about each object; None where that is not known."""
    if said.bucket_key is not None:
        return said.bucket_key
    default = bucket.encryption
    sse = said.sse or (default.sse if default is not None else "")
    if sse == DUAL_LAYER:
        return False
    return bool(default.bucket_key) if default is not None else None


def encryption_unread(bucket: BucketDocuments) -> NotRead:
    return bucket.encryption_unread or NotRead(f"it is not known how bucket {bucket.name} encrypts")


def region_unread(key: str, bucket: BucketDocuments) -> NotRead:
    return NotRead(
        f"KMS key {key} has to be in the region of bucket {bucket.name}, which is not known",
        remedy=f"allow s3:GetBucketLocation on {bucket.name} to the profile of its account",
    )


def _named_by(said: ObjectWriting, bucket: BucketDocuments, asking: str) -> KeyName | None:
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


def _default(bucket: BucketDocuments, asking: str) -> KeyName | None:
    if bucket.encryption is None:
        raise encryption_unread(bucket)
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
        arn = _arn_of_key(key, bucket)
        return KeyName(text=key, account_id=arn.account_id, region=arn.region)
    if not bucket.region:
        raise region_unread(key, bucket)
    text = key
    if not key.startswith("alias/"):
        text = str(
            Arn(service="kms", region=bucket.region, account_id=asking, resource=f"key/{key.removeprefix('key/')}")
        )
    return KeyName(text=text, account_id=asking, region=bucket.region)


def _arn_of_key(key: str, bucket: BucketDocuments) -> Arn:
    """Raises NotRead for what an S3 that is not AWS's has for the ARN of a key."""
    with suppress(InvalidArn):
        arn = parse_arn(key)
        if arn.service == "kms" and arn.region and arn.resource.startswith(("key/", "alias/")):
            return arn
    raise NotRead(f"bucket {bucket.name} encrypts with {key}, which is no key of AWS's KMS")
