"""How objects are written, by bucket."""

import pytest

from crossdock.core.object_writing import BadWriting, ObjectWriting, read_writings

KEY = "arn:aws:kms:eu-central-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_bucket_takes_from_all_what_it_does_not_say_itself():
    writings = read_writings(
        {
            "*": {"acl": "off", "sse": "aws:kms", "kms_key_id": KEY, "bucket_key": True},
            "acl-alone": {"acl": "bucket-owner-read"},
            "own-encryption": {"sse": "AES256"},
            "none": {"sse": "off"},
        }
    )
    by_all = ObjectWriting(acl="off", sse="aws:kms", kms_key_id=KEY, bucket_key=True)
    assert writings.of("any") == by_all
    assert writings.of("acl-alone") == ObjectWriting(
        acl="bucket-owner-read", sse="aws:kms", kms_key_id=KEY, bucket_key=True
    )
    assert writings.of("own-encryption") == ObjectWriting(acl="off", sse="AES256")
    assert writings.of("none") == ObjectWriting(acl="off")
    assert read_writings({}).of("any") == ObjectWriting()


def test_an_encryption_is_said_in_headers():
    writing = read_writings({"b": {"sse": "aws:kms", "kms_key_id": KEY, "bucket_key": False}}).of("b")
    assert writing.headers == {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": KEY,
        "x-amz-server-side-encryption-bucket-key-enabled": "false",
    }
    assert ObjectWriting(acl="private").headers == {}


@pytest.mark.parametrize(
    "key", [KEY, "1234abcd-12ab-34cd-56ef-1234567890ab", "alias/files", KEY.partition("key/")[0] + "alias/a/b"]
)
def test_a_key_is_named_as_kms_names_it(key):
    assert read_writings({"b": {"sse": "aws:kms:dsse", "kms_key_id": key}}).of("b").kms_key_id == key


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"a b": {}}, "neither a bucket's name nor \\*"),
        ({"b": {"acls": "off"}}, "'acls' of bucket b is none of acl, sse, kms_key_id, bucket_key"),
        ({"b": {"acl": "owner"}}, "must be one of cross-account, off, bucket-owner-full-control"),
        ({"b": {"acl": "public-read"}}, "would show every upload to everybody"),
        ({"*": {"sse": "aes256"}}, "sse of bucket \\* must be off or one of AES256, aws:kms, aws:kms:dsse"),
        ({"b": {"sse": True}}, "sse of bucket b must be a text"),
        ({"b": {"kms_key_id": KEY}}, "needs sse"),
        ({"b": {"sse": "AES256", "kms_key_id": KEY}}, "needs sse"),
        ({"b": {"sse": "aws:kms", "kms_key_id": "aws/s3"}}, "leave it out for the bucket's own key or AWS's"),
        ({"b": {"sse": "aws:kms", "bucket_key": "yes"}}, "bucket_key of bucket b must be true or false"),
        ({"b": {"sse": "aws:kms:dsse", "bucket_key": True}}, 'bucket_key of bucket b needs sse = "aws:kms"'),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(tables, words):
    with pytest.raises(BadWriting, match=words):
        read_writings(tables)
