"""Which key S3 uses for what is written to a bucket."""

import pytest
from tests.fakes.aws_documents import HUB, PARTNER

from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.keys_in_use import key_in_use, uses_bucket_key
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.errors import Unsupported
from crossdock.core.object_writing import ObjectWriting

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-central-1:{PARTNER}:key/{ID}"
OWN = f"arn:aws:kms:eu-central-1:{HUB}:key/{ID}"
NOTHING = ObjectWriting()


def bucket(sse: str = "", key: str = "", *, owner: str = PARTNER, region: str = "eu-central-1") -> BucketDocuments:
    encryption = ObjectWriting(sse=sse, kms_key_id=key)
    return BucketDocuments(name="inbox", owner=owner, region=region, encryption=encryption)


@pytest.mark.parametrize(
    ("said", "default", "found"),
    [
        (NOTHING, bucket(), None),
        (ObjectWriting(sse="AES256"), bucket("aws:kms", ARN), None),
        (NOTHING, bucket("aws:kms", ARN), (ARN, PARTNER, "eu-central-1")),
        (NOTHING, bucket("aws:kms:dsse", ARN), (ARN, PARTNER, "eu-central-1")),
        (ObjectWriting(sse="aws:kms", kms_key_id=ARN), bucket(), (ARN, PARTNER, "eu-central-1")),
        (ObjectWriting(sse="aws:kms", kms_key_id=ARN), bucket(region=""), (ARN, PARTNER, "eu-central-1")),
        # What is not an ARN is looked for in the account that asks, whosever the bucket is.
        (ObjectWriting(sse="aws:kms", kms_key_id=ID), bucket(), (OWN, HUB, "eu-central-1")),
        (ObjectWriting(sse="aws:kms", kms_key_id=f"key/{ID}"), bucket(), (OWN, HUB, "eu-central-1")),
        (ObjectWriting(sse="aws:kms", kms_key_id="alias/files"), bucket(), ("alias/files", HUB, "eu-central-1")),
        (NOTHING, bucket("aws:kms", "alias/files"), ("alias/files", HUB, "eu-central-1")),
        (NOTHING, bucket("aws:kms", ID, owner=HUB), (OWN, HUB, "eu-central-1")),
        (NOTHING, bucket("aws:kms"), ("alias/aws/s3", HUB, "eu-central-1")),
        (ObjectWriting(sse="aws:kms"), bucket(), ("alias/aws/s3", HUB, "eu-central-1")),
        (ObjectWriting(sse="aws:kms"), bucket("aws:kms"), ("alias/aws/s3", HUB, "eu-central-1")),
    ],
)
def test_the_key_is_what_the_write_says_or_else_the_bucket(said, default, found) -> None:
    named = key_in_use(said, default, HUB)
    assert (named and (named.text, named.account_id, named.region)) == found


@pytest.mark.parametrize(
    ("said", "default", "words"),
    [
        (NOTHING, BucketDocuments(name="inbox"), "it is not known how bucket inbox encrypts"),
        (NOTHING, BucketDocuments(name="inbox", encryption_unread=NotRead("nobody may")), "nobody may"),
        (ObjectWriting(sse="aws:kms"), bucket("aws:kms", ARN), "is sent without a key"),
        (NOTHING, bucket("aws:kms", ID), "whose account that does not tell"),
        (NOTHING, bucket("aws:kms", region=""), "has to be in the region of bucket inbox, which is not known"),
        # As MinIO names its keys, and what else S3s that are not AWS's may have.
        (NOTHING, bucket("aws:kms", "arn:aws:kms:my-minio-key"), "which is no key of AWS's KMS"),
        (NOTHING, bucket("aws:kms", "arn:aws:kms:::key/files"), "which is no key of AWS's KMS"),
        (NOTHING, bucket("aws:kms", "arn:aws:vault:x:y:key/files"), "which is no key of AWS's KMS"),
        (NOTHING, bucket("aws:kms", f"arn:aws:kms:eu-central-1:{PARTNER}:files"), "which is no key of AWS's KMS"),
    ],
)
def test_what_is_not_known_is_said(said, default, words) -> None:
    with pytest.raises(NotRead, match=words):
        key_in_use(said, default, HUB)


@pytest.mark.parametrize("said", [NOTHING, ObjectWriting(sse="aws:kms", kms_key_id=ARN)])
def test_a_key_of_another_region_than_the_buckets_is_none_that_s3_uses(said) -> None:
    with pytest.raises(Unsupported, match="is not in us-east-1, the region of bucket inbox"):
        key_in_use(said, bucket("aws:kms", ARN, region="us-east-1"), HUB)


def test_a_default_key_of_another_region_says_nothing_of_what_is_written_with_another() -> None:
    with pytest.raises(NotRead, match="is sent without a key"):
        key_in_use(ObjectWriting(sse="aws:kms"), bucket("aws:kms", ARN, region="us-east-1"), HUB)


def test_the_bucket_says_whether_one_key_stands_for_all_objects() -> None:
    by_bucket = BucketDocuments(name="inbox", encryption=ObjectWriting(bucket_key=True))
    assert uses_bucket_key(NOTHING, by_bucket)
    assert not uses_bucket_key(ObjectWriting(bucket_key=False), by_bucket)
    assert uses_bucket_key(ObjectWriting(sse="aws:kms", kms_key_id=ARN), by_bucket)
    assert uses_bucket_key(NOTHING, bucket("aws:kms", ARN)) is False
    assert uses_bucket_key(ObjectWriting(bucket_key=True), bucket())


def test_without_the_buckets_settings_it_is_not_known_whether_one_key_stands_for_all_objects() -> None:
    unread = BucketDocuments(name="inbox")
    for said in (NOTHING, ObjectWriting(sse="aws:kms", kms_key_id=ARN)):
        assert uses_bucket_key(said, unread) is None
    assert uses_bucket_key(ObjectWriting(sse="aws:kms", bucket_key=False), unread) is False


def test_two_layers_of_encryption_use_no_bucket_key() -> None:
    by_bucket = BucketDocuments(name="inbox", encryption=ObjectWriting(sse="aws:kms:dsse", bucket_key=True))
    assert uses_bucket_key(NOTHING, by_bucket) is False
    assert uses_bucket_key(ObjectWriting(sse="aws:kms:dsse", kms_key_id=ARN), BucketDocuments(name="inbox")) is False
    assert uses_bucket_key(ObjectWriting(sse="aws:kms", kms_key_id=ARN), by_bucket)
