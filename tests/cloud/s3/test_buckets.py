"""Making, finding, listing and deleting buckets."""

import asyncio

import pytest
from tests.fakes.cloud import ORIGIN
from tests.fakes.s3 import ANYBODY, HUB, EmbeddedS3, refusal

from crossdock.cloud.s3.owners import canonical_id


async def names(s3: EmbeddedS3, **params) -> list[str]:
    return [bucket["Name"] for bucket in (await s3("ListBuckets", **params))["Buckets"]]


async def test_a_new_bucket_is_there_and_belongs_to_its_maker(s3: EmbeddedS3):
    made = await s3("CreateBucket", Bucket="box")
    assert made == {"Location": "/box", "BucketArn": "arn:aws:s3:::box"}
    listed = await s3("ListBuckets")
    assert [bucket["Name"] for bucket in listed["Buckets"]] == ["box"]
    assert listed["Buckets"][0]["CreationDate"] == s3.parts.clock.now()
    assert listed["Owner"] == {"ID": canonical_id("111111111111")}
    assert await names(s3, as_=s3.partner) == []
    head = await s3("HeadBucket", Bucket="box")
    assert head == {"BucketRegion": "us-east-1", "BucketArn": "arn:aws:s3:::box", "AccessPointAlias": False}


async def test_a_name_belongs_to_one_account_of_all(s3: EmbeddedS3):
    await s3.bucket("box")
    error = await refusal(s3("CreateBucket", as_=s3.partner, Bucket="box"))
    assert (error.code, error.status, error.members) == ("BucketAlreadyExists", 409, {"BucketName": "box"})


async def test_making_a_bucket_again_fails_but_in_us_east_1(s3: EmbeddedS3):
    await s3.bucket("box")
    assert (await s3("CreateBucket", Bucket="box"))["Location"] == "/box"
    frankfurt = {"LocationConstraint": "eu-central-1"}
    await s3("CreateBucket", Bucket="kiste", region="eu-central-1", CreateBucketConfiguration=frankfurt)
    error = await refusal(
        s3("CreateBucket", Bucket="kiste", region="eu-central-1", CreateBucketConfiguration=frankfurt)
    )
    assert (error.code, error.status) == ("BucketAlreadyOwnedByYou", 409)


async def test_a_stack_never_takes_over_a_bucket_that_was_there_before(s3: EmbeddedS3):
    await s3.bucket("box")
    from_a_stack = type(ORIGIN)(via="cloudformation", is_secure=True)
    error = await refusal(s3("CreateBucket", Bucket="box", origin=from_a_stack))
    assert error.code == "BucketAlreadyOwnedByYou"


async def test_two_at_once_make_one_bucket(s3: EmbeddedS3):
    outcomes = await asyncio.gather(
        s3("CreateBucket", Bucket="box"), s3("CreateBucket", as_=s3.partner, Bucket="box"), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ServiceError", "dict"]


@pytest.mark.parametrize(
    ("region", "constraint", "where"),
    [
        ("us-east-1", None, "us-east-1"),
        ("us-east-1", "eu-west-3", "eu-west-3"),
        ("us-east-1", "EU", "eu-west-1"),
        ("eu-west-3", "eu-west-3", "eu-west-3"),
        ("eu-west-1", "EU", "eu-west-1"),
    ],
)
async def test_a_bucket_is_where_its_constraint_says(s3: EmbeddedS3, region, constraint, where):
    configuration = {"CreateBucketConfiguration": {"LocationConstraint": constraint}} if constraint else {}
    await s3("CreateBucket", Bucket="box", region=region, **configuration)
    assert (await s3("HeadBucket", Bucket="box"))["BucketRegion"] == where
    location = (await s3("GetBucketLocation", Bucket="box"))["LocationConstraint"]
    assert location == ("" if where == "us-east-1" else where)


@pytest.mark.parametrize(
    ("region", "constraint", "code"),
    [
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("us-east-1", "the-moon", "InvalidLocationConstraint"),
        ("eu-west-3", "eu-west-1", "IllegalLocationConstraintException"),
        ("eu-west-3", "", "IllegalLocationConstraintException"),
        ("eu-west-3", "EU", "IllegalLocationConstraintException"),
    ],
)
async def test_a_constraint_that_does_not_fit_the_endpoint_is_refused(s3: EmbeddedS3, region, constraint, code):
    error = await refusal(
        s3("CreateBucket", Bucket="box", region=region, CreateBucketConfiguration={"LocationConstraint": constraint})
    )
    assert (error.code, error.status) == (code, 400)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ObjectLockEnabledForBucket": True}, "NotImplemented"),
        ({"ObjectOwnership": "Nobody"}, "InvalidArgument"),
        ({"ObjectOwnership": "ObjectWriter", "ACL": "public-read"}, "NotImplemented"),
        ({"BucketNamespace": "account-regional"}, "NotImplemented"),
        ({"CreateBucketConfiguration": {"Tags": [{"Key": "a", "Value": "b"}]}}, "NotImplemented"),
        ({"ACL": "public-read"}, "InvalidBucketAclWithObjectOwnership"),
        ({"GrantRead": "id=x"}, "InvalidBucketAclWithObjectOwnership"),
    ],
)
async def test_a_bucket_that_crossdock_cannot_keep_is_refused(s3: EmbeddedS3, params, code):
    assert (await refusal(s3("CreateBucket", Bucket="box", **params))).code == code
    assert await names(s3) == []


async def test_a_bad_name_is_refused_also_where_it_is_looked_for(s3: EmbeddedS3):
    for operation in ("CreateBucket", "HeadBucket", "ListObjectsV2"):
        assert (await refusal(s3(operation, Bucket="Not_A_Bucket"))).code == "InvalidBucketName"


@pytest.mark.parametrize("operation", ["HeadBucket", "ListObjectsV2", "GetBucketPolicy", "DeleteBucket"])
async def test_an_unknown_bucket_is_no_such_bucket_for_everybody(s3: EmbeddedS3, operation):
    for caller in (s3.hub, await s3.user(HUB, "nobody"), ANYBODY):
        error = await refusal(s3(operation, as_=caller, Bucket="nowhere"))
        assert (error.code, error.status, error.members) == ("NoSuchBucket", 404, {"BucketName": "nowhere"})


async def test_an_expected_owner_must_be_the_owner(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3("HeadBucket", Bucket="box", ExpectedBucketOwner="111111111111")
    error = await refusal(s3("HeadBucket", Bucket="box", ExpectedBucketOwner="222222222222"))
    assert (error.code, error.status) == ("AccessDenied", 403)


async def test_buckets_come_by_name_and_in_pages(s3: EmbeddedS3):
    for name in ("ccc", "aaa", "bbb", "aab"):
        await s3.bucket(name)
    await s3("CreateBucket", Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert await names(s3) == ["aaa", "aab", "bbb", "ccc", "far"]
    assert await names(s3, Prefix="aa") == ["aaa", "aab"]
    assert await names(s3, BucketRegion="eu-west-1") == ["far"]
    found, token = [], {}
    while True:
        page = await s3("ListBuckets", MaxBuckets=2, **token)
        found.append([bucket["Name"] for bucket in page["Buckets"]])
        if "ContinuationToken" not in page:
            break
        token = {"ContinuationToken": page["ContinuationToken"]}
    assert found == [["aaa", "aab"], ["bbb", "ccc"], ["far"]]
    for params in ({"MaxBuckets": 0}, {"ContinuationToken": "?"}):
        assert (await refusal(s3("ListBuckets", **params))).code == "InvalidArgument"


async def test_an_empty_bucket_can_be_deleted_and_its_name_used_again(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "key", b"content")
    error = await refusal(s3("DeleteBucket", Bucket="box"))
    assert (error.code, error.status) == ("BucketNotEmpty", 409)
    await s3("DeleteObject", Bucket="box", Key="key")
    await s3("DeleteBucket", Bucket="box")
    assert await names(s3) == []
    assert (await refusal(s3.put("box", "key"))).code == "NoSuchBucket"
    await s3.bucket("box", as_=s3.partner)
    assert (await s3("ListObjectsV2", as_=s3.partner, Bucket="box"))["Contents"] == []


async def test_a_bucket_takes_its_uploads_with_it(s3: EmbeddedS3):
    await s3.bucket("box")
    upload = await s3("CreateMultipartUpload", Bucket="box", Key="key")
    await s3("UploadPart", Bucket="box", Key="key", UploadId=upload["UploadId"], PartNumber=1, Body=b"part")
    await s3("DeleteBucket", Bucket="box")
    assert s3.blobs.blob_ids == frozenset()
    await s3.check_tidy()


async def test_a_bucket_deleted_during_an_upload_gets_nothing(s3: EmbeddedS3):
    await s3.bucket("box")

    class Body:
        length = -1
        trailers: dict[str, str] = {}

        async def __aiter__(self):
            yield b"begun"
            await s3("DeleteBucket", Bucket="box")
            yield b" and ended"

    assert (await refusal(s3("PutObject", Bucket="box", Key="key", Body=Body()))).code == "NoSuchBucket"
    assert s3.blobs.blob_ids == frozenset()
    await s3.check_tidy()


async def test_who_may_not_cannot(s3: EmbeddedS3):
    await s3.bucket("box")
    nobody = await s3.role("nobody", "s3:GetObject", "*")
    for operation, params in {
        "CreateBucket": {"Bucket": "other"},
        "HeadBucket": {"Bucket": "box"},
        "ListBuckets": {},
        "GetBucketLocation": {"Bucket": "box"},
        "DeleteBucket": {"Bucket": "box"},
    }.items():
        error = await refusal(s3(operation, as_=nobody, **params))
        assert (error.code, error.status) == ("AccessDenied", 403)
    assert await names(s3) == ["box"]
    for operation, params in {"CreateBucket": {"Bucket": "other"}, "ListBuckets": {}}.items():
        assert (await refusal(s3(operation, as_=ANYBODY, **params))).code == "AccessDenied"
