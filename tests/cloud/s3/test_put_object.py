"""PutObject: what is kept, what is refused, and that nothing half is ever seen or left lying about."""

import asyncio
from datetime import UTC, datetime
from hashlib import md5

import pytest
from tests.fakes.s3 import LONG_ENOUGH, EmbeddedS3, PiecewiseBody, gone_after, refusal

from crossdock.core.errors import OutOfSpace, ServiceError, Unavailable
from crossdock.operations.streams import BytesBody

MIB = 1 << 20
CUT = ServiceError("IncompleteBody", "You did not provide the number of bytes …")


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")


def etag(content: bytes) -> str:
    return f'"{md5(content).hexdigest()}"'


@pytest.mark.parametrize(
    "key",
    ["a", "a//b", "./x", "../x", "/lead", "folder/", "ü/日本/🎉", "q?r=s&t#u+v%2F", "a b", "x" * 1024, "é" * 512],
)
async def test_an_object_is_kept_under_exactly_its_key(s3: EmbeddedS3, key):
    answer = await s3.put("box", key, b"content")
    assert answer["ETag"] == etag(b"content")
    assert await s3.keys("box") == [key]
    assert await s3.read("box", key) == b"content"


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513])
async def test_a_key_longer_than_1024_bytes_is_refused(s3: EmbeddedS3, key):
    error = await refusal(s3.put("box", key))
    assert (error.code, error.status) == ("KeyTooLongError", 400)


async def test_what_is_put_with_an_object_is_told_again(s3: EmbeddedS3):
    expires = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    stored = {
        "ContentType": "text/plain; charset=utf-8",
        "CacheControl": "no-cache",
        "ContentDisposition": 'attachment; filename="x"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de-DE",
        "Expires": expires,
        "Metadata": {"owner": "somebody", "a-b": "c"},
        "WebsiteRedirectLocation": "/elsewhere",
    }
    await s3.put("box", "key", b"x", **stored)
    for operation in ("HeadObject", "GetObject"):
        answer = await s3(operation, Bucket="box", Key="key")
        assert {name: answer[name] for name in stored} == stored
        if operation == "GetObject":
            await answer["Body"].reader.close()


async def test_an_object_is_dated_to_the_second(s3: EmbeddedS3):
    s3.parts.clock.advance(7.75)
    await s3.put("box", "key")
    listed = (await s3("ListObjectsV2", Bucket="box"))["Contents"][0]["LastModified"]
    assert listed == datetime(2026, 3, 15, 0, 47, 7, tzinfo=UTC)
    assert (await s3("HeadObject", Bucket="box", Key="key"))["LastModified"] == listed


async def test_without_a_checksum_s3_computes_its_own(s3: EmbeddedS3):
    answer = await s3.put("box", "key", b"123456789")
    assert (answer["ChecksumCRC64NVME"], answer["ChecksumType"]) == ("rosUhgp5mIg=", "FULL_OBJECT")


async def test_a_later_object_replaces_the_earlier_and_all_that_came_with_it(s3: EmbeddedS3):
    await s3.put("box", "key", b"first", Metadata={"a": "b"}, ContentType="text/plain")
    await s3.put("box", "key", b"second")
    answer = await s3("HeadObject", Bucket="box", Key="key")
    assert (answer["ContentLength"], answer["Metadata"], answer["ContentType"]) == (6, {}, "binary/octet-stream")
    assert len(s3.blobs.blob_ids) == 1


@pytest.mark.parametrize("body", [b"", None, PiecewiseBody([]), PiecewiseBody([b"", b""], length=0)])
async def test_an_empty_object_keeps_no_blob(s3: EmbeddedS3, body):
    answer = await s3.put("box", "folder/", body)
    assert answer["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'
    assert s3.blobs.blob_ids == frozenset()
    assert await s3.read("box", "folder/") == b""


@pytest.mark.parametrize(
    "pieces",
    [
        [b"x" * (3 * MIB + 5)],
        [b"x" * MIB] * 3,
        [b"abc" * 1000] * 700,
        [b"x"] * 300,
        [b"x" * (MIB - 1), b"y" * MIB, b"z"],
        [b"x" * (MIB + 1), b"", b"y"],
    ],
)
async def test_a_body_may_come_in_any_pieces(s3: EmbeddedS3, pieces):
    content = b"".join(pieces)
    answer = await s3("PutObject", Bucket="box", Key="key", Body=PiecewiseBody(pieces))
    assert answer["ETag"] == etag(content)
    assert await s3.read("box", "key") == content


async def test_of_a_large_body_little_is_in_memory(s3: EmbeddedS3):
    pieces = [bytes(100_000)] * 100
    await s3("PutObject", Bucket="box", Key="key", Body=PiecewiseBody(pieces))
    assert s3.blobs.largest_write <= MIB + 100_000


async def test_what_is_announced_larger_than_5_gib_is_refused_unread(s3: EmbeddedS3):
    body = PiecewiseBody([AssertionError("read all the same")], length=(5 << 30) + 1)
    error = await refusal(s3.put("box", "key", body))
    assert (error.code, error.status) == ("EntityTooLarge", 400)
    assert error.members == {"ProposedSize": "5368709121", "MaxSizeAllowed": "5368709120"}


# Checks of the body.


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ContentMD5": "rL0Y20zC+Fzt72VPzMSk2A=="}, "BadDigest"),
        ({"ContentMD5": "short"}, "InvalidDigest"),
        ({"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumCRC32C": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumCRC64NVME": "AAAAAAAAAAA="}, "BadDigest"),
        ({"ChecksumSHA1": "2jmj7l5rSw0yVb/vlWAYkK/YBwk="}, "BadDigest"),
        ({"ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, "BadDigest"),
        ({"ChecksumSHA256": "nonsense"}, "InvalidRequest"),
        ({"ChecksumCRC32": "y/Q5Jg==", "ChecksumCRC32C": "4waSgw=="}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "CRC32"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "CRC7"}, "InvalidRequest"),
    ],
)
@pytest.mark.parametrize("pieces", [[b"123456789"], [b"123456789" * 200_000]])
async def test_a_body_that_is_not_what_was_said_is_not_kept(s3: EmbeddedS3, params, code, pieces):
    if code == "InvalidRequest":
        pieces = [b"123456789"]
    await s3.put("box", "key", b"as before")
    error = await refusal(s3("PutObject", Bucket="box", Key="key", Body=PiecewiseBody(pieces), **params))
    assert (error.code, error.status) == (code, 400)
    assert await s3.read("box", "key") == b"as before"


CHECKSUMS = {
    "CRC32": "y/Q5Jg==",
    "CRC32C": "4waSgw==",
    "CRC64NVME": "rosUhgp5mIg=",
    "SHA1": "98O8HYCOBHMq32eZZczDTKeuNEE=",
    "SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
}
"""Of `123456789`; CRCs as the catalogue of parametrised CRC algorithms has them (`check`)."""


@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_a_right_checksum_is_kept_and_told_to_who_asks(s3: EmbeddedS3, algorithm):
    member, value = f"Checksum{algorithm}", CHECKSUMS[algorithm]
    answer = await s3.put("box", "key", b"123456789", **{member: value, "ChecksumAlgorithm": algorithm})
    assert (answer[member], answer["ChecksumType"]) == (value, "FULL_OBJECT")
    assert member not in await s3("HeadObject", Bucket="box", Key="key")
    asked = await s3("HeadObject", Bucket="box", Key="key", ChecksumMode="ENABLED")
    assert (asked[member], asked["ChecksumType"]) == (value, "FULL_OBJECT")


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_a_checksum_may_come_behind_the_body(s3: EmbeddedS3, algorithm, announced):
    trailers = {f"x-amz-checksum-{algorithm.lower()}": CHECKSUMS[algorithm]}
    params = {"ChecksumAlgorithm": algorithm} if announced else {}
    body = PiecewiseBody([b"1234", b"56789"], trailers=trailers)
    answer = await s3("PutObject", Bucket="box", Key="key", Body=body, **params)
    assert answer[f"Checksum{algorithm}"] == CHECKSUMS[algorithm]
    wrong = PiecewiseBody([b"1234", b"5678"], trailers=trailers)
    assert (await refusal(s3("PutObject", Bucket="box", Key="key", Body=wrong, **params))).code == "BadDigest"
    assert await s3.read("box", "key") == b"123456789"


async def test_a_wrong_checksum_behind_an_empty_body_is_noticed(s3: EmbeddedS3):
    body = PiecewiseBody([], trailers={"x-amz-checksum-crc32": "y/Q5Jg=="})
    assert (await refusal(s3("PutObject", Bucket="box", Key="key", Body=body))).code == "BadDigest"
    assert await s3.keys("box") == []


async def test_a_body_whose_checksum_is_being_read_again_when_its_client_leaves_is_not_kept(s3: EmbeddedS3):
    body = PiecewiseBody([b"123456789"], trailers={"x-amz-checksum-crc32": "y/Q5Jg=="})
    s3.steps.fail("blobs.read", asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await s3("PutObject", Bucket="box", Key="key", Body=body)
    assert s3.blobs.blob_ids == frozenset()


# Conditions.


async def test_if_none_match_puts_only_what_is_new(s3: EmbeddedS3):
    await s3.put("box", "key", b"first", IfNoneMatch="*")
    unread = PiecewiseBody([AssertionError("read all the same")])
    error = await refusal(s3.put("box", "key", unread, IfNoneMatch="*"))
    assert (error.code, error.status, error.members) == ("PreconditionFailed", 412, {"Condition": "If-None-Match"})
    assert await s3.read("box", "key") == b"first"


async def test_if_match_puts_only_over_what_it_names(s3: EmbeddedS3):
    first = (await s3.put("box", "key", b"first"))["ETag"]
    await s3.put("box", "key", b"second", IfMatch=first)
    error = await refusal(s3.put("box", "key", b"third", IfMatch=first))
    assert (error.code, error.status, error.members) == ("PreconditionFailed", 412, {"Condition": "If-Match"})
    missing = await refusal(s3.put("box", "absent", b"third", IfMatch=first))
    assert (missing.code, missing.status) == ("NoSuchKey", 404)
    assert await s3.read("box", "key") == b"second"


@pytest.mark.parametrize("params", [{"IfNoneMatch": '"x"'}, {"IfNoneMatch": "*", "IfMatch": '"x"'}])
async def test_a_condition_that_s3_does_not_know_is_not_implemented(s3: EmbeddedS3, params):
    error = await refusal(s3.put("box", "key", b"x", **params))
    assert (error.code, error.status) == ("NotImplemented", 501)


async def test_a_condition_is_tested_in_the_commit_itself(s3: EmbeddedS3):
    s3.steps.before("objects.put", lambda: s3.put("box", "key", b"faster"))
    error = await refusal(s3.put("box", "key", b"slower", IfNoneMatch="*"))
    assert error.code == "PreconditionFailed"
    assert await s3.read("box", "key") == b"faster"


async def test_a_condition_that_failed_and_would_hold_again_has_failed(s3: EmbeddedS3):
    async def away() -> None:
        # What made the commit fail goes away before anybody can look for the reason.
        s3.steps.before("objects.get", lambda: s3("DeleteObject", Bucket="box", Key="key"))
        await s3.put("box", "key", b"faster")

    s3.steps.before("objects.put", away)
    error = await refusal(s3.put("box", "key", b"slower", IfNoneMatch="*"))
    assert (error.code, error.status) == ("PreconditionFailed", 412)
    assert await s3.keys("box") == []


async def test_of_many_who_want_a_new_key_one_gets_it(s3: EmbeddedS3):
    calls = [s3.put("box", "key", str(number).encode(), IfNoneMatch="*") for number in range(10)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(getattr(result, "code", "won") for result in results) == ["PreconditionFailed"] * 9 + ["won"]


# What is cut, cancelled or finds no room.


@pytest.mark.parametrize("sent", [[], [b"some"], [b"x" * (2 * MIB), b"rest"]])
@pytest.mark.parametrize("end", [CUT, ConnectionResetError(), asyncio.CancelledError()])
async def test_a_body_that_breaks_off_leaves_nothing(s3: EmbeddedS3, sent, end):
    await s3.put("box", "key", b"as before")
    with pytest.raises(type(end)):
        await s3("PutObject", Bucket="box", Key="key", Body=PiecewiseBody([*sent, end]))
    assert await s3.read("box", "key") == b"as before"
    assert len(s3.blobs.blob_ids) == 1


@pytest.mark.parametrize("step", ["blobs.stage", "blobs.write", "blobs.seal", "blobs.store", "objects.put"])
@pytest.mark.parametrize(
    ("failure", "sentence"),
    [(OutOfSpace("no space left on device"), "The service's disk is full."), (Unavailable("bad disk"), "bad disk")],
)
async def test_a_failing_disk_is_503_and_nothing_is_seen(s3: EmbeddedS3, step, failure, sentence):
    await s3.put("box", "key", b"as before")
    before = s3.blobs.blob_ids
    s3.steps.fail(step, failure)
    content = b"short" if step == "blobs.store" else b"x" * (2 * MIB)
    error = await refusal(s3.put("box", "key", content))
    assert (error.code, error.status, error.message) == ("ServiceUnavailable", 503, sentence)
    assert await s3.read("box", "key") == b"as before"
    if isinstance(failure, Unavailable) and step == "objects.put":
        # Whether that commit is on disk nobody knows: its bytes must stay until the sweep.
        (kept,) = s3.blobs.blob_ids - before
        s3.blobs.forget(kept)
    assert s3.blobs.blob_ids == before
    await s3.put("box", "key", b"goes on")
    assert await s3.read("box", "key") == b"goes on"


async def test_a_client_that_leaves_at_any_moment_leaves_the_old_object_or_the_new(s3: EmbeddedS3):
    new = b"x" * MIB + b"y" * 100
    seen = set()
    for turns in (*range(0, 60, 2), LONG_ENOUGH):
        key = f"key{turns}"
        await s3.put("box", key, b"old")
        body = PiecewiseBody([new[:MIB], new[MIB:]])
        ended = await gone_after(turns, s3("PutObject", Bucket="box", Key=key, Body=body))
        found = await s3.read("box", key)
        assert found in ((new,) if ended else (b"old", new))
        seen.add(found)
    assert seen == {b"old", new}


async def test_of_two_who_write_at_once_one_stays_whole(s3: EmbeddedS3):
    one, other = b"1" * (2 * MIB), b"2" * (2 * MIB)
    bodies = [PiecewiseBody([content[:MIB], content[MIB:]]) for content in (one, other)]
    await asyncio.gather(*(s3("PutObject", Bucket="box", Key="key", Body=body) for body in bodies))
    assert await s3.read("box", "key") in (one, other)
    assert len(s3.blobs.blob_ids) == 1


async def test_a_bucket_deleted_meanwhile_is_no_such_bucket(s3: EmbeddedS3):
    s3.steps.before("objects.put", lambda: s3("DeleteBucket", Bucket="box"))
    assert (await refusal(s3.put("box", "key", b"content"))).code == "NoSuchBucket"
    assert s3.blobs.blob_ids == frozenset()


@pytest.mark.parametrize(
    ("params", "code", "status"),
    [
        ({"ACL": "public-read"}, "AccessControlListNotSupported", 400),
        ({"GrantRead": "id=x"}, "AccessControlListNotSupported", 400),
        ({"StorageClass": "GLACIER"}, "NotImplemented", 501),
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented", 501),
        ({"SSECustomerAlgorithm": "AES256"}, "NotImplemented", 501),
        ({"Tagging": "a=b"}, "NotImplemented", 501),
        ({"ObjectLockMode": "GOVERNANCE"}, "NotImplemented", 501),
        ({"Metadata": {"a": "x" * 2048}}, "MetadataTooLarge", 400),
        ({"WebsiteRedirectLocation": "x"}, "InvalidArgument", 400),
    ],
)
async def test_what_crossdock_does_not_do_is_refused_before_the_body_is_read(s3: EmbeddedS3, params, code, status):
    body = PiecewiseBody([AssertionError("read all the same")])
    error = await refusal(s3("PutObject", Bucket="box", Key="key", Body=body, **params))
    assert (error.code, error.status) == (code, status)


async def test_an_acl_that_changes_nothing_is_taken(s3: EmbeddedS3):
    await s3.put("box", "key", b"x", ACL="bucket-owner-full-control", StorageClass="STANDARD")
    assert await s3.keys("box") == ["key"]


async def test_a_body_from_within_the_house_is_taken_whole(s3: EmbeddedS3):
    await s3("PutObject", Bucket="box", Key="key", Body=BytesBody(content=b"content"))
    assert await s3.read("box", "key") == b"content"
