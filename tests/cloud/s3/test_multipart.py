"""CreateMultipartUpload, UploadPart and AbortMultipartUpload."""

import asyncio
from hashlib import md5

import pytest
from tests.fakes.s3 import LONG_ENOUGH, EmbeddedS3, PiecewiseBody, gone_after, refusal

from crossdock.core.errors import OutOfSpace, ServiceError, Unavailable

MIB = 1 << 20
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")


async def send(s3: EmbeddedS3, upload: str, number: int = 1, body=b"part", **params):
    return await s3(
        "UploadPart", **{"Bucket": "box", "Key": "key", "PartNumber": number, **params}, UploadId=upload, Body=body
    )


async def parts_of(s3: EmbeddedS3, upload: str) -> list[tuple[int, int]]:
    listed = await s3("ListParts", Bucket="box", Key="key", UploadId=upload)
    return [(part["PartNumber"], part["Size"]) for part in listed["Parts"]]


async def test_an_upload_that_has_begun_is_no_object(s3: EmbeddedS3):
    answer = await s3("CreateMultipartUpload", Bucket="box", Key="key")
    assert set(answer) == {"Bucket", "Key", "UploadId"}
    await send(s3, answer["UploadId"])
    assert await s3.keys("box") == []
    assert (await refusal(s3("HeadObject", Bucket="box", Key="key"))).code == "NoSuchKey"


async def test_a_part_is_answered_with_its_md5_and_checksum(s3: EmbeddedS3):
    answer = await send(s3, await s3.upload("box", "key"), body=b"123456789")
    assert answer == {"ETag": f'"{md5(b"123456789").hexdigest()}"', "ChecksumCRC64NVME": "rosUhgp5mIg="}


async def test_parts_come_in_any_order_and_again(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    await asyncio.gather(*(send(s3, upload, number, b"x" * number) for number in (10_000, 3, 1, 2)))
    await send(s3, upload, 3, b"longer than before")
    assert await parts_of(s3, upload) == [(1, 1), (2, 2), (3, 18), (10_000, 10_000)]
    assert len(s3.blobs.blob_ids) == 4


async def test_a_part_may_be_empty_and_keeps_its_blob(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    await send(s3, upload, body=b"")
    assert await parts_of(s3, upload) == [(1, 0)]
    assert len(s3.blobs.blob_ids) == 1


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_parts_are_numbered_from_1_to_10000(s3: EmbeddedS3, number):
    error = await refusal(send(s3, await s3.upload("box", "key"), number))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "partNumber")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("UploadPart", {"PartNumber": 1, "Body": b"x"}),
        ("UploadPartCopy", {"PartNumber": 1, "CopySource": "box/source"}),
        ("CompleteMultipartUpload", {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}}),
        ("AbortMultipartUpload", {}),
        ("ListParts", {}),
    ],
)
async def test_an_upload_is_found_only_by_its_bucket_key_and_id(s3: EmbeddedS3, operation, params):
    await s3.put("box", "source", b"x")
    await s3.bucket("other")
    upload = await s3.upload("box", "key")
    for place in (
        {"Bucket": "box", "Key": "key", "UploadId": "nonsense"},
        {"Bucket": "box", "Key": "another", "UploadId": upload},
        {"Bucket": "other", "Key": "key", "UploadId": upload},
    ):
        error = await refusal(s3(operation, **place, **params))
        assert (error.code, error.status) == ("NoSuchUpload", 404)
        assert error.members == {"UploadId": place["UploadId"]}


async def test_an_aborted_upload_leaves_nothing(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    await send(s3, upload)
    assert await s3("AbortMultipartUpload", Bucket="box", Key="key", UploadId=upload) == {}
    assert s3.blobs.blob_ids == frozenset()
    again = await refusal(s3("AbortMultipartUpload", Bucket="box", Key="key", UploadId=upload))
    assert (again.code, again.status) == ("NoSuchUpload", 404)
    assert (await refusal(send(s3, upload))).code == "NoSuchUpload"


async def test_a_part_that_arrives_when_its_upload_is_aborted_is_not_kept(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    s3.steps.before("uploads.put_part", lambda: s3("AbortMultipartUpload", Bucket="box", Key="key", UploadId=upload))
    assert (await refusal(send(s3, upload, body=b"x" * (2 * MIB)))).code == "NoSuchUpload"
    assert s3.blobs.blob_ids == frozenset()


async def test_two_uploads_of_a_key_know_nothing_of_each_other(s3: EmbeddedS3):
    one, other = await s3.upload("box", "key"), await s3.upload("box", "key")
    await send(s3, one, body=b"one")
    await send(s3, other, body=b"other")
    await s3("AbortMultipartUpload", Bucket="box", Key="key", UploadId=one)
    assert await parts_of(s3, other) == [(1, 5)]


async def test_an_upload_into_a_bucket_that_goes_is_refused(s3: EmbeddedS3):
    s3.steps.before("uploads.start", lambda: s3("DeleteBucket", Bucket="box"))
    assert (await refusal(s3("CreateMultipartUpload", Bucket="box", Key="key"))).code == "NoSuchBucket"


# Checksums.


@pytest.mark.parametrize(
    ("algorithm", "kind", "expected"),
    [
        ("CRC32", None, "COMPOSITE"),
        ("CRC32C", None, "COMPOSITE"),
        ("CRC64NVME", None, "FULL_OBJECT"),
        ("SHA1", None, "COMPOSITE"),
        ("SHA256", "COMPOSITE", "COMPOSITE"),
        ("CRC32", "FULL_OBJECT", "FULL_OBJECT"),
        ("CRC64NVME", "COMPOSITE", None),
        ("SHA256", "FULL_OBJECT", None),
        ("CRC7", None, None),
        (None, "COMPOSITE", None),
    ],
)
async def test_an_upload_says_how_its_checksum_is_made(s3: EmbeddedS3, algorithm, kind, expected):
    params = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    call = s3("CreateMultipartUpload", Bucket="box", Key="key", **{n: v for n, v in params.items() if v})
    if expected is None:
        assert (await refusal(call)).code == "InvalidRequest"
    else:
        answer = await call
        assert (answer["ChecksumAlgorithm"], answer["ChecksumType"]) == (algorithm, expected)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_part_has_the_checksum_of_its_upload_whether_its_client_sent_it_or_not(s3: EmbeddedS3, algorithm):
    upload = await s3.upload("box", "key", ChecksumAlgorithm=algorithm)
    silent = await send(s3, upload, 1, b"123456789")
    claimed = {f"Checksum{algorithm}": silent[f"Checksum{algorithm}"]}
    assert await send(s3, upload, 2, b"123456789", **claimed) == silent
    assert (await refusal(send(s3, upload, 3, b"12345678", **claimed))).code == "BadDigest"
    assert await parts_of(s3, upload) == [(1, 9), (2, 9)]


async def test_a_part_with_a_checksum_of_another_kind_is_refused(s3: EmbeddedS3):
    upload = await s3.upload("box", "key", ChecksumAlgorithm="SHA256")
    error = await refusal(send(s3, upload, ChecksumCRC32="y/Q5Jg=="))
    assert error.code == "InvalidRequest"
    assert "expected checksum Type: sha256, actual checksum Type: crc32" in error.message


async def test_where_no_checksum_was_asked_for_any_may_come_with_a_part(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    assert (await send(s3, upload, body=b"123456789", ChecksumCRC32="y/Q5Jg=="))["ChecksumCRC32"] == "y/Q5Jg=="
    assert (await refusal(send(s3, upload, ContentMD5="rL0Y20zC+Fzt72VPzMSk2A=="))).code == "BadDigest"


@pytest.mark.parametrize(
    "params", [{"Tagging": "a=b"}, {"StorageClass": "GLACIER"}, {"ServerSideEncryption": "AES256"}]
)
async def test_an_upload_that_asks_for_what_crossdock_does_not_do_is_refused(s3: EmbeddedS3, params):
    error = await refusal(s3("CreateMultipartUpload", Bucket="box", Key="key", **params))
    assert (error.code, error.status) == ("NotImplemented", 501)


async def test_a_part_with_a_key_of_the_clients_own_is_not_implemented(s3: EmbeddedS3):
    assert (await refusal(send(s3, await s3.upload("box", "key"), SSECustomerAlgorithm="AES256"))).status == 501


# What is cut, cancelled or finds no room.


async def test_a_part_that_is_too_large_is_refused_unread(s3: EmbeddedS3):
    body = PiecewiseBody([AssertionError("read all the same")], length=(5 << 30) + 1)
    assert (await refusal(send(s3, await s3.upload("box", "key"), body=body))).code == "EntityTooLarge"


@pytest.mark.parametrize("sent", [[], [b"x" * (2 * MIB), b"rest"]])
async def test_a_part_that_breaks_off_leaves_the_earlier_one(s3: EmbeddedS3, sent):
    upload = await s3.upload("box", "key")
    await send(s3, upload, body=b"whole")
    with pytest.raises(ServiceError, match="IncompleteBody"):
        await send(s3, upload, body=PiecewiseBody([*sent, ServiceError("IncompleteBody", "cut")]))
    assert await parts_of(s3, upload) == [(1, 5)]
    assert len(s3.blobs.blob_ids) == 1


@pytest.mark.parametrize("step", ["blobs.write", "blobs.seal", "uploads.put_part"])
@pytest.mark.parametrize("failure", [OutOfSpace("full"), Unavailable("bad disk")])
async def test_a_failing_disk_is_503_and_the_upload_goes_on(s3: EmbeddedS3, step, failure):
    upload = await s3.upload("box", "key")
    await send(s3, upload, body=b"whole")
    before = s3.blobs.blob_ids
    s3.steps.fail(step, failure)
    error = await refusal(send(s3, upload, body=b"x" * (2 * MIB)))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    for kept in s3.blobs.blob_ids - before:
        # Whether that commit is on disk nobody knows: its bytes must stay until the sweep.
        assert isinstance(failure, Unavailable)
        assert step == "uploads.put_part"
        s3.blobs.forget(kept)
    assert await parts_of(s3, upload) == [(1, 5)]
    await send(s3, upload, 2)


async def test_a_client_that_leaves_at_any_moment_leaves_a_part_or_none(s3: EmbeddedS3):
    seen = set()
    for turns in (*range(0, 60, 2), LONG_ENOUGH):
        upload = await s3.upload("box", "key")
        ended = await gone_after(turns, send(s3, upload, body=PiecewiseBody([b"x" * MIB, b"y"])))
        found = await parts_of(s3, upload)
        assert found in ([[(1, MIB + 1)]] if ended else [[], [(1, MIB + 1)]])
        seen.add(len(found))
    assert seen == {0, 1}
