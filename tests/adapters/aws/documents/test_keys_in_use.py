"""Which key S3 uses for what is written to a bucket."""

import pytest
from tests.fakes.aws_documents import HUB, PARTNER

from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.keys_in_use import key_in_use, uses_bucket_key
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.object_writing import ObjectWriting

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-west-2:{PARTNER}:key/{ID}"
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
        (NOTHING, bucket("aws:kms", ARN), (ARN, PARTNER, "eu-west-2")),
        (NOTHING, bucket("aws:kms:dsse", ARN), (ARN, PARTNER, "eu-west-2")),
        (ObjectWriting(sse="aws:kms", kms_key_id=ARN), bucket(), (ARN, PARTNER, "eu-west-2")),
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
        (NOTHING, bucket("aws:kms", region=""), "is in the region of bucket inbox, which is not known"),
    ],
)
def test_what_is_not_known_is_said(said, default, words) -> None:
    with pytest.raises(NotRead, match=words):
        key_in_use(said, default, HUB)


def test_the_bucket_says_whether_one_key_stands_for_all_objects() -> None:
    by_bucket = BucketDocuments(name="inbox", encryption=ObjectWriting(bucket_key=True))
    assert uses_bucket_key(NOTHING, by_bucket)
    assert not uses_bucket_key(ObjectWriting(bucket_key=False), by_bucket)
    assert not uses_bucket_key(NOTHING, BucketDocuments(name="inbox"))
    assert uses_bucket_key(ObjectWriting(bucket_key=True), bucket())
