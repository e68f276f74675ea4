"""What a write says of its object is seen to before anything is kept."""

import pytest
from tests.fakes.s3 import HUB, PARTNER, EmbeddedS3

from crossdock.cloud.s3.bucket_directory import Bucket, Ownership
from crossdock.cloud.s3.written import NOTES, notes_of, written_as
from crossdock.core.errors import ServiceError
from crossdock.core.object_writing import ACL_HEADER


def call_of(s3: EmbeddedS3, **params):
    return s3.operations.begin(
        "s3",
        "PutObject",
        {"Bucket": "box", "Key": "k", **params},
        caller=s3.hub,
        account_id=HUB,
        region="us-east-1",
        origin=s3.origin,
    )


def test_owner_and_acl_are_told_together(s3: EmbeddedS3):
    acl = "bucket-owner-full-control"
    for ownership, owner, kept in (
        (Ownership.ENFORCED, PARTNER, {}),
        (Ownership.PREFERRED, PARTNER, {ACL_HEADER: acl}),
        (Ownership.OBJECT_WRITER, HUB, {ACL_HEADER: acl}),
        (None, HUB, {ACL_HEADER: acl}),
    ):
        bucket = Bucket(name="box", account_id=PARTNER, region="us-east-1", bucket_id="i", ownership=ownership)
        written = written_as(s3.storage, bucket, call_of(s3, ACL=acl))
        assert (written.owner_account, written.headers) == (owner, kept)


@pytest.mark.parametrize("params", [{"Tagging": "a=b"}, {"ACL": "private"}, {"ServerSideEncryption": "AES256"}])
def test_what_is_not_done_is_refused(s3: EmbeddedS3, params):
    bucket = Bucket(name="box", account_id=PARTNER, region="us-east-1", bucket_id="i")
    with pytest.raises(ServiceError):
        written_as(s3.storage, bucket, call_of(s3, **params))


def test_what_is_noted_of_an_upload_is_its_objects_too():
    noted = {name: f"value of {name}" for name in NOTES}
    assert ACL_HEADER in noted
    assert notes_of({"content-type": "a/b", **noted}) == noted
    assert notes_of({"content-type": "a/b"}) == {}
