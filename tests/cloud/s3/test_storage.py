"""How operations find the bucket that a call names."""

import pytest
from tests.fakes.s3 import EmbeddedS3, refusal

from crossdock.core.arns import bucket_arn


async def test_a_bucket_is_found_by_name(s3: EmbeddedS3):
    await s3.bucket("box")
    found = await s3.storage.bucket_named("box")
    assert (found.name, found.account_id, found.region) == ("box", "111111111111", "us-east-1")
    assert (found.arn, found.object_arn("a//b")) == (str(bucket_arn("box")), "arn:aws:s3:::box/a//b")


async def test_a_bucket_is_looked_up_once_until_something_changes(s3: EmbeddedS3):
    await s3.bucket("box")
    first = await s3.storage.bucket_named("box")
    reads = s3.parts.state.reads
    assert await s3.storage.bucket_named("box") == first
    assert s3.parts.state.reads == reads
    await s3("DeleteBucket", Bucket="box")
    assert (await refusal(s3.storage.bucket_named("box"))).code == "NoSuchBucket"
    await s3.bucket("box")
    assert (await s3.storage.bucket_named("box")).bucket_id != first.bucket_id


async def test_an_object_operation_on_known_policies_costs_no_database_round_trip(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "key", b"x")
    await s3.read("box", "key")
    reads, writes = s3.parts.state.reads, s3.parts.state.writes
    await s3.put("box", "key", b"y")
    await s3.read("box", "key")
    await s3("DeleteObject", Bucket="box", Key="key")
    assert (s3.parts.state.reads, s3.parts.state.writes) == (reads, writes)


@pytest.mark.parametrize(
    ("name", "code", "status"), [("nowhere", "NoSuchBucket", 404), ("No_Name", "InvalidBucketName", 400)]
)
async def test_a_name_that_is_none_is_refused(s3: EmbeddedS3, name, code, status):
    error = await refusal(s3.storage.bucket_named(name))
    assert (error.code, error.status, error.members) == (code, status, {"BucketName": name})
