"""Which actions a bucket policy may name."""

import pytest

from crossdock.cloud.s3.action_names import S3_ACTIONS, is_s3_action


@pytest.mark.parametrize(
    ("pattern", "is_one"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:UpdateObjectEncryption", True),
        ("s3:*", True),
        ("s3:Frob*", True),
        ("s3:Fro?", True),
        ("*", True),
        ("*:Foo", True),
        ("s3:Frob", False),
        ("s3:GetObjects", False),
        ("nope:Foo", False),
        ("nope:*", False),
        ("s3express:CreateSession", False),
    ],
)
def test_an_action_is_s3s_by_its_name_or_as_a_pattern(pattern, is_one):
    assert is_s3_action(pattern) is is_one


@pytest.mark.parametrize(
    "name", ["ListAllMyBuckets", "ListBucket", "PutObject", "AbortMultipartUpload", "GetBucketCORS"]
)
def test_names_are_kept_in_lower_case(name):
    assert f"s3:{name.lower()}" in S3_ACTIONS
