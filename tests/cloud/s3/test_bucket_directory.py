"""Finding buckets without asking the database again."""

from tests.fakes.s3 import EmbeddedS3


async def test_a_known_bucket_costs_no_database_round_trip(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "key", b"1")
    reads, writes = s3.parts.state.reads, s3.parts.state.writes
    for _ in range(5):
        await s3.put("box", "key", b"2")
        await s3.read("box", "key")
        await s3("ListObjectsV2", Bucket="box")
    assert (s3.parts.state.reads, s3.parts.state.writes) == (reads, writes)


async def test_a_bucket_made_anew_is_another_one(s3: EmbeddedS3):
    await s3.bucket("box")
    first = await s3.storage.bucket_named("box")
    await s3("DeleteBucket", Bucket="box")
    assert await s3.storage.buckets.find("box") is None
    await s3.bucket("box", as_=s3.partner)
    second = await s3.storage.bucket_named("box")
    assert first.bucket_id != second.bucket_id
    assert (first.account_id, second.account_id) == ("111111111111", "222222222222")
    assert second.arn == "arn:aws:s3:::box"
    assert second.object_arn("a/b") == "arn:aws:s3:::box/a/b"
