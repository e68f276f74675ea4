"""UploadPartCopy: an object's bytes as a part of an upload."""

from hashlib import md5

import pytest
from tests.fakes.s3 import LONG_ENOUGH, EmbeddedS3, gone_after, refusal

from crossdock.cloud.s3.receiving import MAX_PUT_BYTES
from crossdock.core.errors import NotFound, OutOfSpace, Unavailable
from crossdock.ports.storage import ObjectEntry, Segment

CONTENT = bytes(range(100))


@pytest.fixture(autouse=True)
async def upload(s3: EmbeddedS3) -> str:
    await s3.bucket("box")
    await s3.put("box", "source", CONTENT)
    return await s3.upload("box", "key")


async def copied(s3: EmbeddedS3, upload: str, source: str = "box/source", **params):
    place = {"Bucket": "box", "Key": "key", "UploadId": upload, "PartNumber": 1, "CopySource": source}
    return (await s3("UploadPartCopy", **{**place, **params}))["CopyPartResult"]


async def whole(s3: EmbeddedS3, upload: str, etag: str) -> bytes:
    await s3.complete("box", "key", upload, [{"PartNumber": 1, "ETag": etag}])
    return await s3.read("box", "key")


async def test_a_whole_object_becomes_a_part(s3: EmbeddedS3, upload: str):
    s3.parts.clock.advance(60)
    result = await copied(s3, upload)
    assert result["ETag"] == f'"{md5(CONTENT).hexdigest()}"'
    assert result["LastModified"] == s3.parts.clock.now()
    assert "ChecksumCRC64NVME" in result
    assert await whole(s3, upload, result["ETag"]) == CONTENT


@pytest.mark.parametrize(
    ("header", "first", "last"), [("bytes=0-0", 0, 0), ("bytes=5-14", 5, 14), ("bytes=0-99", 0, 99)]
)
async def test_a_range_of_an_object_becomes_a_part(s3: EmbeddedS3, upload: str, header, first, last):
    result = await copied(s3, upload, CopySourceRange=header)
    assert await whole(s3, upload, result["ETag"]) == CONTENT[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=0-100", "bytes=100-100", "bytes=5-3", "bytes=5-", "bytes=-5", "0-5"])
async def test_a_range_must_be_told_whole_and_exist(s3: EmbeddedS3, upload: str, header):
    error = await refusal(copied(s3, upload, CopySourceRange=header))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "x-amz-copy-source-range")


async def test_an_empty_object_becomes_an_empty_part(s3: EmbeddedS3, upload: str):
    await s3.put("box", "empty")
    result = await copied(s3, upload, "box/empty")
    assert await whole(s3, upload, result["ETag"]) == b""


async def test_a_part_has_the_checksum_of_its_upload(s3: EmbeddedS3):
    await s3.put("box", "source", b"123456789")
    result = await copied(s3, await s3.upload("box", "key", ChecksumAlgorithm="CRC32"))
    assert result["ChecksumCRC32"] == "y/Q5Jg=="


async def test_bytes_of_several_runs_are_copied_across_them(s3: EmbeddedS3, upload: str):
    part = 5 << 20
    other = await s3.upload("box", "runs")
    parts = [await s3.part("box", "runs", other, number, bytes([number]) * part) for number in (1, 2)]
    await s3.complete("box", "runs", other, parts)
    result = await copied(s3, upload, "box/runs", CopySourceRange=f"bytes={part - 2}-{part + 1}")
    assert await whole(s3, upload, result["ETag"]) == b"\x01\x01\x02\x02"


@pytest.mark.parametrize(
    ("source", "params", "code"),
    [
        ("box/missing", {}, "NoSuchKey"),
        ("box/source?versionId=abc", {}, "NoSuchVersion"),
        ("nowhere/source", {}, "NoSuchBucket"),
        ("box", {}, "InvalidArgument"),
        ("box/source", {"PartNumber": 10_001}, "InvalidArgument"),
        ("box/source", {"UploadId": "nonsense"}, "NoSuchUpload"),
        ("box/source", {"CopySourceIfMatch": '"0"'}, "PreconditionFailed"),
        ("box/source", {"CopySourceIfNoneMatch": f'"{md5(CONTENT).hexdigest()}"'}, "PreconditionFailed"),
        ("box/source", {"CopySourceSSECustomerAlgorithm": "AES256"}, "NotImplemented"),
    ],
)
async def test_what_cannot_be_copied_is_refused(s3: EmbeddedS3, upload: str, source, params, code):
    assert (await refusal(copied(s3, upload, source, **params))).code == code
    assert (await s3("ListParts", Bucket="box", Key="key", UploadId=upload))["Parts"] == []


async def test_more_than_five_gibibytes_are_refused_unread(s3: EmbeddedS3, upload: str):
    bucket = await s3.storage.bucket_named("box")
    size = MAX_PUT_BYTES + 1
    huge = ObjectEntry(
        size=size, etag="x", modified_at=s3.parts.clock.now(), segments=(Segment(blob_id="none", size=size),)
    )
    await s3.storage.objects.put(bucket.bucket_id, "huge", huge)
    error = await refusal(copied(s3, upload, "box/huge"))
    assert error.code == "InvalidRequest"
    assert str(MAX_PUT_BYTES) in error.message
    await s3("DeleteObject", Bucket="box", Key="huge")


async def test_a_source_replaced_meanwhile_is_copied_as_it_is_then(s3: EmbeddedS3, upload: str):
    s3.steps.before("blobs.open", lambda: s3.put("box", "source", b"newer"))
    result = await copied(s3, upload)
    assert await whole(s3, upload, result["ETag"]) == b"newer"


async def test_a_source_deleted_while_it_is_copied_is_copied_whole(s3: EmbeddedS3, upload: str):
    s3.steps.before("blobs.read", lambda: s3("DeleteObject", Bucket="box", Key="source"))
    result = await copied(s3, upload)
    assert await whole(s3, upload, result["ETag"]) == CONTENT


async def test_a_source_that_never_stands_still_is_503(s3: EmbeddedS3, upload: str):
    for _ in range(20):
        s3.steps.fail("blobs.open", NotFound("replaced"))
    assert (await refusal(copied(s3, upload))).status == 503


@pytest.mark.parametrize("step", ["blobs.store", "blobs.read", "uploads.put_part"])
async def test_a_failing_disk_leaves_no_part(s3: EmbeddedS3, upload: str, step):
    s3.steps.fail(step, Unavailable("bad disk") if step == "blobs.read" else OutOfSpace("full"))
    error = await refusal(copied(s3, upload))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert (await s3("ListParts", Bucket="box", Key="key", UploadId=upload))["Parts"] == []


async def test_a_client_that_leaves_at_any_moment_leaves_a_part_or_none(s3: EmbeddedS3):
    seen = set()
    for turns in (*range(30), LONG_ENOUGH):
        upload = await s3.upload("box", "key")
        await gone_after(turns, copied(s3, upload))
        parts = (await s3("ListParts", Bucket="box", Key="key", UploadId=upload))["Parts"]
        assert [part["Size"] for part in parts] in ([], [100])
        seen.add(len(parts))
    assert seen == {0, 1}


@pytest.mark.parametrize("missing", ["s3:GetObject", "s3:PutObject"])
async def test_a_part_copy_needs_reading_and_writing(s3: EmbeddedS3, upload: str, missing):
    actions = [action for action in ("s3:GetObject", "s3:PutObject") if action != missing]
    caller = await s3.role("half", actions, "arn:aws:s3:::box/*")
    error = await refusal(copied(s3, upload, as_=caller))
    assert error.code == "AccessDenied"
    assert missing in error.message
