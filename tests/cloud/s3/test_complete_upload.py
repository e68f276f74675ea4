"""CompleteMultipartUpload: from parts to an object, in one commit."""

import asyncio
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import md5, sha256

import pytest
from awscrt import checksums as crt
from tests.fakes.s3 import LONG_ENOUGH, EmbeddedS3, gone_after, refusal

from crossdock.core.errors import OutOfSpace, Unavailable

PART = 5 << 20
FIRST, SECOND, LAST = b"1" * PART, b"2" * (PART + 1), b"last"
WHOLE = FIRST + SECOND + LAST


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")


async def uploaded(s3: EmbeddedS3, *contents: bytes, numbers=None, **params) -> tuple[str, list[dict]]:
    upload = await s3.upload("box", "key", **params)
    numbers = numbers or range(1, len(contents) + 1)
    return upload, [
        await s3.part("box", "key", upload, number, content) for number, content in zip(numbers, contents, strict=True)
    ]


def multipart_etag(*contents: bytes) -> str:
    return f'"{md5(b"".join(md5(content).digest() for content in contents)).hexdigest()}-{len(contents)}"'


async def test_the_parts_become_the_object(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, FIRST, SECOND, LAST)
    answer = await s3.complete("box", "key", upload, parts)
    assert answer["ETag"] == multipart_etag(FIRST, SECOND, LAST)
    assert (answer["Bucket"], answer["Key"], answer["Location"]) == ("box", "key", "/box/key")
    assert await s3.read("box", "key") == WHOLE
    assert (await refusal(s3("ListParts", Bucket="box", Key="key", UploadId=upload))).code == "NoSuchUpload"


async def test_the_object_has_what_the_upload_began_with_and_its_date(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x", Metadata={"a": "b"}, ContentType="text/plain", CacheControl="no-store")
    s3.parts.clock.advance(3600)
    await s3.complete("box", "key", upload, parts)
    answer = await s3("HeadObject", Bucket="box", Key="key")
    assert (answer["Metadata"], answer["ContentType"], answer["CacheControl"]) == ({"a": "b"}, "text/plain", "no-store")
    assert answer["LastModified"] == datetime(2026, 3, 15, 0, 47, tzinfo=UTC)


async def test_parts_that_are_not_listed_are_left_out_and_cleared_away(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, FIRST, SECOND, LAST, numbers=(2, 5, 9))
    await s3.complete("box", "key", upload, [parts[0], parts[2]])
    assert await s3.read("box", "key") == FIRST + LAST
    assert len(s3.blobs.blob_ids) == 2


async def test_the_object_replaces_an_earlier_one(s3: EmbeddedS3):
    await s3.put("box", "key", b"earlier")
    upload, parts = await uploaded(s3, b"later")
    assert await s3.read("box", "key") == b"earlier"
    await s3.complete("box", "key", upload, parts)
    assert await s3.read("box", "key") == b"later"
    assert len(s3.blobs.blob_ids) == 1


async def test_a_part_sent_again_is_the_one_that_counts(s3: EmbeddedS3):
    upload, (stale,) = await uploaded(s3, b"first")
    fresh = await s3.part("box", "key", upload, 1, b"second")
    error = await refusal(s3.complete("box", "key", upload, [stale]))
    assert (error.code, error.status) == ("InvalidPart", 400)
    await s3.complete("box", "key", upload, [{**fresh, "ETag": fresh["ETag"].strip('"')}])
    assert await s3.read("box", "key") == b"second"


async def test_an_upload_of_one_empty_part_is_an_empty_object(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"")
    answer = await s3.complete("box", "key", upload, parts)
    assert answer["ETag"] == multipart_etag(b"")
    assert await s3.read("box", "key") == b""


# What is refused; the upload can be completed rightly afterwards.


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda parts: [], "MalformedXML"),
        (lambda parts: [{"PartNumber": 1}], "MalformedXML"),
        (lambda parts: [{"ETag": parts[0]["ETag"]}], "MalformedXML"),
        (lambda parts: parts * 5_001, "MalformedXML"),
        (lambda parts: [parts[1], parts[0]], "InvalidPartOrder"),
        (lambda parts: [parts[0], parts[0]], "InvalidPartOrder"),
        (lambda parts: [parts[0], {**parts[1], "PartNumber": 3}], "InvalidPart"),
        (lambda parts: [parts[0], {**parts[1], "ETag": '"0"'}], "InvalidPart"),
        (lambda parts: [{**parts[0], "PartNumber": 0}], "InvalidPartOrder"),
        (lambda parts: [{**parts[0], "ChecksumCRC64NVME": "AAAAAAAAAAA="}], "InvalidPart"),
    ],
)
async def test_a_wrong_list_of_parts_is_refused(s3: EmbeddedS3, change, code):
    upload, parts = await uploaded(s3, FIRST, LAST)
    error = await refusal(s3.complete("box", "key", upload, change(parts)))
    assert (error.code, error.status) == (code, 400)
    assert await s3.keys("box") == []
    await s3.complete("box", "key", upload, parts)
    assert await s3.read("box", "key") == FIRST + LAST


async def test_no_list_at_all_is_malformed(s3: EmbeddedS3):
    upload, _ = await uploaded(s3, b"x")
    assert (
        await refusal(s3("CompleteMultipartUpload", Bucket="box", Key="key", UploadId=upload))
    ).code == "MalformedXML"


async def test_every_part_but_the_last_has_five_mebibytes(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, FIRST, b"2" * (PART - 1), LAST)
    error = await refusal(s3.complete("box", "key", upload, parts))
    assert (error.code, error.status) == ("EntityTooSmall", 400)
    assert error.members == {
        "ProposedSize": str(PART - 1),
        "MinSizeAllowed": str(PART),
        "PartNumber": "2",
        "ETag": parts[1]["ETag"].strip('"'),
    }
    await s3.complete("box", "key", upload, parts[:2])


@pytest.mark.parametrize(
    ("said", "is_right"),
    [({"MpuObjectSize": 4}, True), ({"MpuObjectSize": 5}, False), ({"ChecksumType": "COMPOSITE"}, False)],
)
async def test_what_is_said_of_the_whole_must_be_true(s3: EmbeddedS3, said, is_right):
    upload, parts = await uploaded(s3, LAST)
    if is_right:
        await s3.complete("box", "key", upload, parts, **said)
    else:
        assert (await refusal(s3.complete("box", "key", upload, parts, **said))).code == "InvalidRequest"
        assert await s3.keys("box") == []


# Checksums.


def base64(data: bytes) -> str:
    return b64encode(data).decode()


async def checksummed(s3: EmbeddedS3, algorithm: str, *contents: bytes, **params) -> tuple[str, list[dict]]:
    """An upload whose parts are listed with their checksums."""
    member = f"Checksum{algorithm}"
    upload = await s3.upload("box", "key", ChecksumAlgorithm=algorithm, **params)
    parts = []
    for number, content in enumerate(contents, 1):
        answer = await s3("UploadPart", Bucket="box", Key="key", UploadId=upload, PartNumber=number, Body=content)
        parts.append({"PartNumber": number, "ETag": answer["ETag"], member: answer[member]})
    return upload, parts


async def test_a_composite_checksum_is_that_of_the_parts_checksums(s3: EmbeddedS3):
    upload, parts = await checksummed(s3, "SHA256", FIRST, LAST)
    expected = base64(sha256(sha256(FIRST).digest() + sha256(LAST).digest()).digest()) + "-2"
    answer = await s3.complete("box", "key", upload, parts)
    assert (answer["ChecksumSHA256"], answer["ChecksumType"]) == (expected, "COMPOSITE")
    told = await s3("HeadObject", Bucket="box", Key="key", ChecksumMode="ENABLED")
    assert (told["ChecksumSHA256"], told["ChecksumType"]) == (expected, "COMPOSITE")


@pytest.mark.parametrize(
    ("algorithm", "whole", "size"),
    [("CRC32", crt.crc32, 4), ("CRC32C", crt.crc32c, 4), ("CRC64NVME", crt.crc64nvme, 8)],
)
async def test_a_full_object_checksum_is_that_of_all_bytes(s3: EmbeddedS3, algorithm, whole, size):
    upload, parts = await checksummed(s3, algorithm, FIRST, SECOND, LAST, ChecksumType="FULL_OBJECT")
    expected = base64(whole(WHOLE, 0).to_bytes(size, "big"))
    wrong = base64((whole(WHOLE, 0) ^ 1).to_bytes(size, "big"))
    member = f"Checksum{algorithm}"
    assert (await refusal(s3.complete("box", "key", upload, parts, **{member: wrong}))).code == "BadDigest"
    answer = await s3.complete("box", "key", upload, parts, **{member: expected, "ChecksumType": "FULL_OBJECT"})
    assert (answer[member], answer["ChecksumType"]) == (expected, "FULL_OBJECT")


@pytest.mark.parametrize("counted", [True, False])
async def test_a_composite_checksum_may_be_claimed_with_or_without_the_number_of_parts(s3: EmbeddedS3, counted):
    upload, parts = await checksummed(s3, "CRC32", FIRST, LAST)
    both = b"".join(b64decode(part["ChecksumCRC32"]) for part in parts)
    claim = base64(crt.crc32(both, 0).to_bytes(4, "big")) + ("-2" if counted else "")
    assert (await refusal(s3.complete("box", "key", upload, parts, ChecksumCRC32="AAAAAA==-2"))).code == "BadDigest"
    answer = await s3.complete("box", "key", upload, parts, ChecksumCRC32=claim)
    assert answer["ChecksumCRC32"].startswith(claim)


async def test_a_composite_upload_wants_every_parts_checksum_and_numbers_from_one_on(s3: EmbeddedS3):
    upload, parts = await checksummed(s3, "CRC32C", FIRST, LAST)
    without = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    error = await refusal(s3.complete("box", "key", upload, without))
    assert error.code == "InvalidRequest"
    assert "missing for part 1" in error.message
    error = await refusal(s3.complete("box", "key", upload, parts[1:]))
    assert error.code == "InvalidRequest"
    assert "consecutive" in error.message
    wrong = [parts[0], {**parts[1], "ChecksumCRC32C": "AAAAAA=="}]
    assert (await refusal(s3.complete("box", "key", upload, wrong))).code == "InvalidPart"
    await s3.complete("box", "key", upload, parts)


async def test_a_checksum_of_another_kind_is_refused(s3: EmbeddedS3):
    upload, parts = await checksummed(s3, "CRC32", b"x")
    error = await refusal(s3.complete("box", "key", upload, parts, ChecksumSHA256=base64(sha256(b"x").digest())))
    assert error.code == "InvalidRequest"
    assert "Checksum Type mismatch" in error.message


# Conditions and races.


async def test_if_none_match_completes_only_what_is_new(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x")
    await s3.put("box", "key", b"earlier")
    error = await refusal(s3.complete("box", "key", upload, parts, IfNoneMatch="*"))
    assert (error.code, error.status) == ("PreconditionFailed", 412)
    await s3("DeleteObject", Bucket="box", Key="key")
    await s3.complete("box", "key", upload, parts, IfNoneMatch="*")
    assert await s3.read("box", "key") == b"x"


async def test_if_match_completes_only_over_what_it_names(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x")
    assert (await refusal(s3.complete("box", "key", upload, parts, IfMatch='"0"'))).code == "NoSuchKey"
    etag = (await s3.put("box", "key", b"earlier"))["ETag"]
    assert (await refusal(s3.complete("box", "key", upload, parts, IfMatch='"0"'))).code == "PreconditionFailed"
    await s3.complete("box", "key", upload, parts, IfMatch=etag)


async def test_a_condition_is_tested_in_the_commit_itself(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"slower")
    s3.steps.before("uploads.complete", lambda: s3.put("box", "key", b"faster"))
    assert (await refusal(s3.complete("box", "key", upload, parts, IfNoneMatch="*"))).code == "PreconditionFailed"
    assert await s3.read("box", "key") == b"faster"


async def test_completing_again_is_answered_alike_while_the_object_is_the_same(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x")
    answer = await s3.complete("box", "key", upload, parts)
    assert await s3.complete("box", "key", upload, parts) == answer
    await s3.put("box", "key", b"another")
    assert (await refusal(s3.complete("box", "key", upload, parts))).code == "NoSuchUpload"
    await s3("DeleteObject", Bucket="box", Key="key")
    assert (await refusal(s3.complete("box", "key", upload, parts))).code == "NoSuchUpload"


async def test_of_two_that_complete_at_once_both_hear_of_the_one_object(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, FIRST, LAST)
    one, other = await asyncio.gather(*(s3.complete("box", "key", upload, parts) for _ in range(2)))
    assert one == other
    assert await s3.read("box", "key") == FIRST + LAST


async def test_of_two_that_complete_differently_at_once_one_wins_whole(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, FIRST, LAST)
    s3.steps.before("uploads.complete", lambda: s3.complete("box", "key", upload, parts[:1]))
    answer = await s3.complete("box", "key", upload, parts)
    # The one that came later finds its upload completed, and is told of the object that there is.
    assert answer["ETag"] == multipart_etag(FIRST)
    assert await s3.read("box", "key") == FIRST


async def test_an_upload_aborted_meanwhile_is_gone(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x")
    s3.steps.before("uploads.complete", lambda: s3("AbortMultipartUpload", Bucket="box", Key="key", UploadId=upload))
    assert (await refusal(s3.complete("box", "key", upload, parts))).code == "NoSuchUpload"
    assert s3.blobs.blob_ids == frozenset()


async def test_a_part_replaced_meanwhile_is_not_the_part_that_was_listed(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x")
    s3.steps.before("uploads.complete", lambda: s3.part("box", "key", upload, 1, b"another"))
    assert (await refusal(s3.complete("box", "key", upload, parts))).code == "InvalidPart"
    assert await s3.keys("box") == []


async def test_a_bucket_deleted_meanwhile_took_the_upload_with_it(s3: EmbeddedS3):
    upload, parts = await uploaded(s3, b"x")
    s3.steps.before("uploads.complete", lambda: s3("DeleteBucket", Bucket="box"))
    assert (await refusal(s3.complete("box", "key", upload, parts))).code == "NoSuchUpload"
    assert (await refusal(s3.complete("box", "key", upload, parts))).code == "NoSuchBucket"


async def test_an_object_read_while_it_is_replaced_by_an_upload_stays_whole(s3: EmbeddedS3):
    await s3.put("box", "key", b"o" * (2 << 20))
    upload, parts = await uploaded(s3, b"new")
    s3.steps.before("blobs.read", lambda: s3.complete("box", "key", upload, parts))
    assert await s3.read("box", "key") == b"o" * (2 << 20)
    assert await s3.read("box", "key") == b"new"


@pytest.mark.parametrize("failure", [OutOfSpace("full"), Unavailable("bad disk")])
async def test_a_failing_disk_is_503_and_the_upload_can_be_completed_later(s3: EmbeddedS3, failure):
    upload, parts = await uploaded(s3, FIRST, LAST)
    s3.steps.fail("uploads.complete", failure)
    error = await refusal(s3.complete("box", "key", upload, parts))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert await s3.keys("box") == []
    await s3.complete("box", "key", upload, parts)
    assert await s3.read("box", "key") == FIRST + LAST


async def test_a_client_that_leaves_at_any_moment_leaves_the_upload_or_the_object(s3: EmbeddedS3):
    seen = set()
    for turns in (*range(24), LONG_ENOUGH):
        await s3.put("box", "key", b"old")
        upload, parts = await uploaded(s3, b"x")
        await gone_after(turns, s3.complete("box", "key", upload, parts))
        found = await s3.read("box", "key")
        if found == b"old":
            await s3.complete("box", "key", upload, parts)
        assert await s3.read("box", "key") == b"x"
        seen.add(found)
    assert seen == {b"old", b"x"}
