"""S3's operations on an attached bucket: authorised here, done there, and answered as on a bucket of our own."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from hashlib import md5, sha256
from typing import Any

import pytest
from tests.fakes.backed_cloud import BEHIND, BackedCloud, backed_cloud
from tests.fakes.s3 import HUB, ORIGIN, PARTNER, REGION, EmbeddedS3, refusal

from crossdock.cloud.s3.attachments import all_buckets
from crossdock.cloud.s3.delete import delete_objects
from crossdock.core.backings import Backing
from crossdock.core.errors import ServiceError
from crossdock.ports.backings import ForeignS3

MIB = 1 << 20
PREFIX = "below/"


@pytest.fixture
async def backed(tmp_path) -> AsyncIterator[BackedCloud]:
    """`box` is attached; `own` is a bucket like any, to compare with."""
    async with backed_cloud(tmp_path) as backed:
        await backed.attach("box", prefix=PREFIX)
        await backed.cloud.s3.bucket("own")
        yield backed


@pytest.fixture
def s3(backed: BackedCloud) -> EmbeddedS3:
    return backed.cloud.s3


def alike(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without what differs between any two buckets, and between any two moments."""
    varying = {"LastModified", "Initiated", "UploadId", "Location", "Name", "Bucket", "NextContinuationToken"}
    # Our own buckets show neither; S3 does.
    varying |= {"ChecksumAlgorithm", "ChecksumType", "ContinuationToken", "Initiator"}
    return {name: _alike(value) for name, value in answer.items() if name not in varying and value not in ([], {}, "")}


def _alike(value: Any) -> Any:
    if isinstance(value, Mapping):
        return alike(value)
    return [_alike(item) for item in value] if isinstance(value, list) else value


async def on_both(s3: EmbeddedS3, operation: str, **params: Any) -> dict[str, Any]:
    """What both buckets answer, or refuse, which must be the same."""
    told = []
    for bucket in ("box", "own"):
        given = {
            name: value.replace("BUCKET", bucket) if name == "CopySource" else value for name, value in params.items()
        }
        try:
            answer = alike(await s3(operation, Bucket=bucket, **given))
            if "Body" in answer:
                answer["Body"] = b"".join([chunk async for chunk in answer["Body"].reader.chunks()])
        except ServiceError as error:
            answer = {"error": error.code, "status": error.status, "headers": set(error.headers)}
        told.append(answer)
    assert told[0] == told[1]
    return told[0]


async def test_objects_lie_there_below_the_prefix_and_nowhere_here(backed: BackedCloud, s3: EmbeddedS3):
    await s3.put("box", "a", b"small")
    await s3.put("box", "b", bytes(2 * MIB))
    assert await backed.behind.s3.keys(BEHIND) == ["below/a", "below/b"]
    assert await backed.behind.s3.read(BEHIND, "below/b") == bytes(2 * MIB)
    assert not [segment async for segment in s3.storage.objects.segments()]
    assert not s3.blobs.blob_ids


async def test_an_object_comes_back_with_all_that_was_said_of_it(s3: EmbeddedS3):
    said = {"Metadata": {"colour": "blue"}, "ContentType": "text/csv", "CacheControl": "no-store"}
    put = await on_both(s3, "PutObject", Key="k", Body=b"0123456789", ChecksumAlgorithm=None, **said)
    assert put["ETag"] == f'"{md5(b"0123456789").hexdigest()}"'
    head = await on_both(s3, "HeadObject", Key="k")
    assert head["Metadata"] == {"colour": "blue"}
    got = await on_both(s3, "GetObject", Key="k")
    assert (got["Body"], got["ContentType"], got["CacheControl"]) == (b"0123456789", "text/csv", "no-store")
    assert (await on_both(s3, "GetObject", Key="k", ResponseContentType="text/plain"))["ContentType"] == "text/plain"


@pytest.mark.parametrize("wanted", ["bytes=2-4", "bytes=-3", "bytes=7-", "bytes=10-12", "nonsense"])
async def test_ranges_are_those_of_s3(s3: EmbeddedS3, wanted: str):
    await on_both(s3, "PutObject", Key="k", Body=b"0123456789")
    await on_both(s3, "GetObject", Key="k", Range=wanted)


@pytest.mark.parametrize("operation", ["HeadObject", "GetObject"])
@pytest.mark.parametrize("condition", ["IfMatch", "IfNoneMatch"])
@pytest.mark.parametrize("holds", [True, False])
async def test_conditions_of_reading_are_those_of_s3(s3: EmbeddedS3, operation: str, condition: str, holds: bool):
    etag = (await on_both(s3, "PutObject", Key="k", Body=b"x"))["ETag"]
    await on_both(s3, operation, Key="k", **{condition: etag if holds else '"other"'})


async def test_conditions_of_writing_and_deleting_are_those_of_s3(s3: EmbeddedS3):
    await on_both(s3, "PutObject", Key="k", Body=b"x", IfNoneMatch="*")
    assert (await on_both(s3, "PutObject", Key="k", Body=b"y", IfNoneMatch="*"))["error"] == "PreconditionFailed"
    assert (await on_both(s3, "PutObject", Key="k", Body=b"y", IfMatch='"other"'))["error"] == "PreconditionFailed"
    assert (await on_both(s3, "DeleteObject", Key="k", IfMatch='"other"'))["error"] == "PreconditionFailed"
    await on_both(s3, "DeleteObject", Key="k")
    assert (await on_both(s3, "HeadObject", Key="k"))["error"] == "NoSuchKey"
    assert (await on_both(s3, "GetObject", Key="k"))["error"] == "NoSuchKey"


async def test_a_body_that_is_not_what_was_said_is_not_passed_on(backed: BackedCloud, s3: EmbeddedS3):
    wrong = b64encode(bytes(16)).decode()
    assert (await on_both(s3, "PutObject", Key="k", Body=b"x", ContentMD5=wrong))["error"] == "BadDigest"
    assert (await on_both(s3, "PutObject", Key="k", Body=b"x", ChecksumCRC32="AAAAAA=="))["error"] == "BadDigest"
    assert await backed.behind.s3.keys(BEHIND) == []
    assert not s3.blobs.blob_ids


@pytest.mark.parametrize("operation", ["ListObjects", "ListObjectsV2"])
async def test_listings_are_those_of_s3(s3: EmbeddedS3, operation: str):
    for key in ("a b", "d/1", "d/2", "e/f/g", "z"):
        await on_both(s3, "PutObject", Key=key)
    for asked in (
        {},
        {"Prefix": "d/"},
        {"Prefix": "none"},
        {"Delimiter": "/"},
        {"Delimiter": "/", "Prefix": "e/", "EncodingType": "url"},
        {"EncodingType": "url"},
        {"MaxKeys": 0},
        {"StartAfter" if operation == "ListObjectsV2" else "Marker": "d/1"},
        {"Delimiter": "/", "MaxKeys": 2},
    ):
        await on_both(s3, operation, **asked)
    if operation == "ListObjectsV2":
        assert "Owner" in (await on_both(s3, operation, FetchOwner=True))["Contents"][0]


async def test_a_listing_goes_on_by_its_token_and_shows_nothing_beside_the_prefix(backed: BackedCloud, s3: EmbeddedS3):
    for key in ("below", "below.txt", "below/", "below/1", "below/2", "below/3", "below0", "other"):
        await backed.behind.s3.put(BEHIND, key)
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await s3("ListObjectsV2", Bucket="box", MaxKeys=2, **token)
        found += [item["Key"] for item in page["Contents"]]
        assert page["KeyCount"] == len(page["Contents"])
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == ["1", "2", "3"]


@pytest.mark.parametrize("key", ["../other", "..", "a/../../other", "/other"])
async def test_no_key_leads_out_of_the_prefix(backed: BackedCloud, s3: EmbeddedS3, key: str):
    await backed.behind.s3.put(BEHIND, "other", b"secret")
    await s3.put("box", key, b"mine")
    assert await backed.behind.s3.read(BEHIND, "other") == b"secret"
    assert await s3.read("box", key) == b"mine"
    assert sorted(await backed.behind.s3.keys(BEHIND)) == sorted([f"below/{key}", "other"])


async def test_an_s3_that_takes_keys_for_paths_gets_no_key_that_it_would_change(backed: BackedCloud, s3: EmbeddedS3):
    await backed.attach("box", prefix=PREFIX, keeps_keys=False)
    for operation, further in (
        ("PutObject", {"Key": "../other", "Body": b"x"}),
        ("GetObject", {"Key": "a/../b"}),
        ("DeleteObject", {"Key": "/lead"}),
        ("ListObjectsV2", {"Prefix": "../"}),
        ("CreateMultipartUpload", {"Key": "a//b"}),
    ):
        assert (await refusal(s3(operation, Bucket="box", **further))).code == "InvalidRequest"
    many = await s3("DeleteObjects", Bucket="box", Delete={"Objects": [{"Key": "../other"}, {"Key": "fine"}]})
    assert [item["Code"] for item in many["Errors"]] == ["InvalidRequest"]
    await s3.put("box", "a/b", b"x")
    assert await backed.behind.s3.keys(BEHIND) == ["below/a/b"]


async def test_a_multipart_upload_is_that_of_s3(backed: BackedCloud, s3: EmbeddedS3):
    first, second = bytes(5 * MIB), b"end"
    told = []
    for bucket in ("box", "own"):
        upload_id = await s3.upload(bucket, "k", Metadata={"a": "b"}, ContentType="text/plain")
        parts = [await s3.part(bucket, "k", upload_id, 1, first), await s3.part(bucket, "k", upload_id, 2, second)]
        listed = alike(await s3("ListParts", Bucket=bucket, Key="k", UploadId=upload_id))
        for part in listed["Parts"]:
            part.pop("ChecksumCRC64NVME", None)
        completed = await s3.complete(bucket, "k", upload_id, parts)
        assert completed["Location"] == f"/{bucket}/k"
        told.append((parts, listed, completed["ETag"], completed["Key"]))
    assert told[0] == told[1]
    assert (await on_both(s3, "GetObject", Key="k", PartNumber=2))["Body"] == second
    assert await backed.behind.s3.keys(BEHIND) == ["below/k"]
    assert (await on_both(s3, "CompleteMultipartUpload", Key="k", UploadId="x", MultipartUpload={"Parts": parts}))[
        "error"
    ] == "NoSuchUpload"


async def test_an_aborted_upload_is_gone_there(backed: BackedCloud, s3: EmbeddedS3):
    upload_id = await s3.upload("box", "k")
    await s3.part("box", "k", upload_id, 1, b"x")
    await s3("AbortMultipartUpload", Bucket="box", Key="k", UploadId=upload_id)
    assert (await backed.behind.s3("ListMultipartUploads", Bucket=BEHIND))["Uploads"] == []


async def test_copies_are_made_there(backed: BackedCloud, s3: EmbeddedS3):
    await on_both(s3, "PutObject", Key="from ü", Body=b"content", Metadata={"a": "b"})
    await on_both(s3, "CopyObject", Key="to", CopySource="BUCKET/from%20%C3%BC")
    assert (await on_both(s3, "GetObject", Key="to"))["Metadata"] == {"a": "b"}
    assert (await on_both(s3, "CopyObject", Key="to", CopySource="BUCKET/nothing"))["error"] == "NoSuchKey"
    upload_id = await s3.upload("box", "joined")
    copied = await s3(
        "UploadPartCopy",
        Bucket="box",
        Key="joined",
        UploadId=upload_id,
        PartNumber=1,
        CopySource="box/to",
        CopySourceRange="bytes=3-6",
    )
    parts = [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}]
    await s3.complete("box", "joined", upload_id, parts)
    assert await s3.read("box", "joined") == b"tent"


@pytest.mark.parametrize(("source", "target"), [("box", "own"), ("own", "box")])
@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy"])
async def test_nothing_is_copied_between_here_and_there(s3: EmbeddedS3, operation: str, source: str, target: str):
    await s3.put(source, "k", b"x")
    further = {}
    if operation == "UploadPartCopy":
        further = {"PartNumber": 1, "UploadId": await s3.upload(target, "k")}
    refused = await refusal(s3(operation, Bucket=target, Key="k", CopySource=f"{source}/k", **further))
    assert (refused.code, refused.status) == ("NotImplemented", 501)


async def test_many_are_deleted_each_for_itself(backed: BackedCloud, s3: EmbeddedS3):
    for key in ("a", "b", "keep"):
        await s3.put("box", key)
    may = await s3.role("sweeper", "s3:DeleteObject", ["arn:aws:s3:::box/a", "arn:aws:s3:::box/b"])
    wanted = {"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "keep"}, {"Key": "nothing"}]}
    answer = await s3("DeleteObjects", as_=may, Bucket="box", Delete=wanted)
    assert [item["Key"] for item in answer["Deleted"]] == ["a", "b"]
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [
        ("keep", "AccessDenied"),
        ("nothing", "AccessDenied"),
    ]
    assert await backed.behind.s3.keys(BEHIND) == ["below/keep"]


class WithoutOneKey:
    """The other S3, which says of one key that there is none: some say so when it is deleted."""

    def __init__(self, foreign: ForeignS3, key: str) -> None:
        self._foreign = foreign
        self._key = key

    async def call(self, backing: Backing, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "DeleteObject" and params["Key"] == self._key:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", status=404)
        return await self._foreign.call(backing, operation, params)


async def test_a_key_that_the_other_s3_misses_fails_alone(s3: EmbeddedS3):
    for key in ("a", "b"):
        await s3.put("box", key)
    foreign: Any = WithoutOneKey(s3.storage.foreign, "below/a")
    params = {"Bucket": "box", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}]}}
    call = s3.operations.begin(
        "s3", "DeleteObjects", params, caller=s3.hub, account_id=HUB, region=REGION, origin=ORIGIN
    )
    answer = await delete_objects(replace(s3.storage, foreign=foreign), call)
    assert [item["Key"] for item in answer["Deleted"]] == ["b"]
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [("a", "NoSuchKey")]


async def test_uploads_are_listed_as_s3_does(backed: BackedCloud, s3: EmbeddedS3):
    await backed.behind.s3.upload(BEHIND, "beside")
    for key in ("a b", "d/1", "d/2", "z"):
        for bucket in ("box", "own"):
            await s3.upload(bucket, key)
    for asked in (
        {},
        {"Prefix": "d/"},
        {"Delimiter": "/", "EncodingType": "url"},
        {"KeyMarker": "d/1"},
        {"MaxUploads": 0},
    ):
        await on_both(s3, "ListMultipartUploads", **asked)
    first = await s3("ListMultipartUploads", Bucket="box", MaxUploads=3)
    markers = {"KeyMarker": first["NextKeyMarker"], "UploadIdMarker": first["NextUploadIdMarker"]}
    rest = await s3("ListMultipartUploads", Bucket="box", **markers)
    assert [item["Key"] for item in (*first["Uploads"], *rest["Uploads"])] == ["a b", "d/1", "d/2", "z"]


DIGEST = b64encode(sha256(b"x").digest()).decode()
WANTED = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


async def test_attributes_are_told_as_of_a_bucket_of_our_own(s3: EmbeddedS3):
    for bucket in ("box", "own"):
        await s3("PutObject", Bucket=bucket, Key="whole", Body=b"x", ChecksumSHA256=DIGEST)
        upload = await s3.upload(bucket, "parts")
        parts = [await s3.part(bucket, "parts", upload, number, b"x" * 5 * MIB) for number in (1, 2)]
        await s3.complete(bucket, "parts", upload, parts)
    whole = await on_both(s3, "GetObjectAttributes", Key="whole", ObjectAttributes=WANTED)
    assert whole["Checksum"]["ChecksumSHA256"] == DIGEST
    assert (whole["ObjectSize"], whole["StorageClass"]) == (1, "STANDARD")
    assert await on_both(s3, "GetObjectAttributes", Key="whole", ObjectAttributes=["ObjectSize"]) == {"ObjectSize": 1}
    told = await on_both(s3, "GetObjectAttributes", Key="parts", ObjectAttributes=WANTED)
    assert told["ObjectParts"] == {"TotalPartsCount": 2}
    assert told["ETag"].endswith("-2")
    missing = await on_both(s3, "GetObjectAttributes", Key="none", ObjectAttributes=WANTED)
    assert (missing["error"], missing["status"]) == ("NoSuchKey", 404)


async def test_a_key_that_the_prefix_makes_too_long_is_refused_with_what_is_left_for_keys(s3: EmbeddedS3):
    longest = "x" * (1024 - len(PREFIX))
    await s3.put("box", longest, b"x")
    assert await s3.read("box", longest) == b"x"
    for operation, further in (
        ("PutObject", {"Body": b"y"}),
        ("GetObject", {}),
        ("HeadObject", {}),
        ("DeleteObject", {}),
        ("CreateMultipartUpload", {}),
        ("CopyObject", {"CopySource": f"box/{longest}"}),
    ):
        refused = await refusal(s3(operation, Bucket="box", Key=f"{longest}x", **further))
        assert (refused.code, refused.status) == ("KeyTooLongError", 400), operation
        assert refused.members["MaxSizeAllowed"] == str(len(longest))
        assert "of the attached bucket" in refused.reason


async def test_what_is_not_passed_on_is_not_implemented(s3: EmbeddedS3):
    refused = await refusal(s3("GetObjectTagging", Bucket="box", Key="k"))
    assert (refused.code, refused.status) == ("NotImplemented", 501)


# Who may, is decided here.


async def test_policies_of_this_cloud_decide(backed: BackedCloud, s3: EmbeddedS3):
    await backed.behind.s3.put(BEHIND, "below/k", b"x")
    for operation, further in (
        ("GetObject", {"Key": "k"}),
        ("HeadObject", {"Key": "k"}),
        ("PutObject", {"Key": "k", "Body": b"y"}),
        ("DeleteObject", {"Key": "k"}),
        ("ListObjectsV2", {}),
        ("CopyObject", {"Key": "k2", "CopySource": "box/k"}),
        ("CreateMultipartUpload", {"Key": "k"}),
    ):
        refused = await refusal(s3(operation, as_=s3.partner, Bucket="box", **further))
        assert (refused.code, refused.status) == ("AccessDenied", 403), operation
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::box/*",
    }
    await s3.policy("box", allowed)
    assert await s3.read("box", "k", as_=s3.partner) == b"x"
    # Without the permission to list, a key that is not there is no different from one that may not be read.
    assert (await refusal(s3("GetObject", as_=s3.partner, Bucket="box", Key="none"))).code == "AccessDenied"


# The other S3.


async def test_what_the_other_s3_refuses_crossdock_is_no_denial_and_tells_no_names(backed: BackedCloud, s3: EmbeddedS3):
    backed.credentials_file.write_text("[default]\naws_access_key_id = AKIAX\naws_secret_access_key = no\n")
    for operation, further in (
        ("GetObject", {"Key": "k"}),
        ("HeadObject", {"Key": "k"}),
        ("PutObject", {"Key": "k", "Body": b"y"}),
        ("ListObjects", {}),
    ):
        refused = await refusal(s3(operation, Bucket="box", **further))
        assert (refused.code, refused.status) == ("ServiceUnavailable", 503)
        assert BEHIND not in refused.message
        assert "AKIAX" not in refused.message
        assert "InvalidAccessKeyId" in refused.reason or operation == "HeadObject"
    backed.credentials_file.unlink()
    assert (await refusal(s3("GetObject", Bucket="box", Key="k"))).status == 503


async def test_changed_credentials_are_used_at_once(backed: BackedCloud, s3: EmbeddedS3):
    await s3.put("box", "k", b"x")
    await backed.change_credentials()
    assert await s3.read("box", "k") == b"x"


async def test_a_bucket_that_is_gone_there_is_unavailable_here(backed: BackedCloud, s3: EmbeddedS3):
    await backed.behind.s3("DeleteBucket", Bucket=BEHIND)
    assert (await refusal(s3("ListObjectsV2", Bucket="box"))).status == 503
    assert (await refusal(s3("GetObject", Bucket="box", Key="k"))).status == 503


# Attaching and detaching.


async def test_a_bucket_with_objects_of_its_own_is_not_attached(backed: BackedCloud, s3: EmbeddedS3):
    await s3.put("own", "k", b"x")
    with pytest.raises(ServiceError, match="BucketNotEmpty"):
        await backed.attach("own")
    assert await s3.read("own", "k") == b"x"


async def test_the_index_takes_no_object_of_an_attached_bucket(backed: BackedCloud, s3: EmbeddedS3):
    bucket = await s3.storage.buckets.find("box")
    assert bucket is not None
    assert await s3.storage.objects.retire(bucket.bucket_id) == ()
    upload = await s3.upload("own", "k")
    await backed.attach("own")
    refused = await refusal(s3("UploadPart", Bucket="own", Key="k", UploadId=upload, PartNumber=1, Body=b"x"))
    assert refused.code == "NoSuchUpload"


async def test_anothers_bucket_is_not_attached(backed: BackedCloud, s3: EmbeddedS3):
    await s3.bucket("theirs", as_=s3.partner)
    with pytest.raises(ServiceError, match="BucketAlreadyExists"):
        await backed.attach("theirs")


async def test_deleting_an_attached_bucket_leaves_its_objects(backed: BackedCloud, s3: EmbeddedS3):
    await s3.put("box", "k", b"x")
    await s3("DeleteBucket", Bucket="box")
    assert (await refusal(s3("GetObject", Bucket="box", Key="k"))).code == "NoSuchBucket"
    assert await backed.behind.s3.keys(BEHIND) == ["below/k"]
    await s3.bucket("box")
    assert await s3.keys("box") == []
    await s3.put("box", "k", b"ours")
    assert await backed.behind.s3.read(BEHIND, "below/k") == b"x"


async def test_a_bucket_may_be_attached_elsewhere(backed: BackedCloud, s3: EmbeddedS3):
    await s3.put("box", "k", b"x")
    await backed.attach("box", prefix="elsewhere/")
    assert await s3.keys("box") == []
    known = {record.name: record.backing for record in await all_buckets(s3.parts.state)}
    assert known["own"] is None
    assert known["box"] is not None
    assert known["box"].prefix == "elsewhere/"


async def test_its_owner_and_policy_are_of_this_cloud(s3: EmbeddedS3):
    await s3.policy(
        "box", {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/*"}
    )
    assert (await refusal(s3.put("box", "k", b"x"))).code == "AccessDenied"
    assert "Deny" in (await s3("GetBucketPolicy", Bucket="box"))["Policy"]
    assert (await s3("HeadBucket", Bucket="box"))["BucketRegion"] == "us-east-1"


async def test_many_at_once(s3: EmbeddedS3):
    await asyncio.gather(*(s3.put("box", str(number), bytes(number * 10_000)) for number in range(20)))
    assert len(await s3.keys("box")) == 20
