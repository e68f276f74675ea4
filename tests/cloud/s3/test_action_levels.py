"""Which actions are done to what."""

import pytest

from crossdock.cloud.s3.action_levels import BUCKET_ACTIONS, OBJECT_ACTIONS, has_bucket_level, has_object_level
from crossdock.cloud.s3.action_names import S3_ACTIONS


@pytest.mark.parametrize(
    ("pattern", "bucket", "an_object"),
    [
        ("s3:GetObject", False, True),
        ("S3:getobject", False, True),
        ("s3:ListBucket", True, False),
        ("s3:*", True, True),
        ("*", True, True),
        ("s3:Get*", True, True),
        ("s3:ListBucket*", True, False),
        ("s3:PutObject*", False, True),
        ("s3:GetObjectAc?", False, True),
        ("s3:SomethingNew", True, True),
    ],
)
def test_an_action_of_a_policy_has_levels(pattern, bucket, an_object):
    assert (has_bucket_level(pattern), has_object_level(pattern)) == (bucket, an_object)


def test_no_action_is_in_both_lists():
    assert not BUCKET_ACTIONS & OBJECT_ACTIONS


def test_both_lists_have_only_what_s3_has():
    assert BUCKET_ACTIONS | OBJECT_ACTIONS <= S3_ACTIONS
