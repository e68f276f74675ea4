"""GetObject, HeadObject and GetObjectAttributes."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.s3 import ANYBODY, EmbeddedS3, content_of, refusal

from crossdock.core.errors import NotFound

CONTENT = bytes(range(100))
AT = datetime(2026, 3, 15, 0, 47, tzinfo=UTC)
PART = 5 << 20


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")
    await s3.put("box", "key", CONTENT)


async def both(s3: EmbeddedS3, **params):
    """The answers of GetObject and HeadObject without the body, which must agree, and the body."""
    got = dict(await s3("GetObject", Bucket="box", **{"Key": "key", **params}))
    content = await content_of(got.pop("Body"))
    assert got == await s3("HeadObject", Bucket="box", **{"Key": "key", **params})
    assert got["ContentLength"] == len(content)
    return got, content


async def both_refused(s3: EmbeddedS3, **params):
    errors = [
        await refusal(s3(operation, **{"Bucket": "box", "Key": "key", **params}))
        for operation in ("GetObject", "HeadObject")
    ]
    told = [(error.code, error.status, error.members, error.headers) for error in errors]
    assert told[0] == told[1]
    return errors[0]


async def test_an_object_is_given_with_what_is_known_of_it(s3: EmbeddedS3):
    answer, content = await both(s3)
    assert content == CONTENT
    assert answer == {
        "AcceptRanges": "bytes",
        "LastModified": AT,
        "ETag": '"7acedd1a84a4cfcb6e7a16003242945e"',
        "ContentLength": 100,
        "ContentType": "binary/octet-stream",
        "Metadata": {},
    }


# Ranges.


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=90-", 90, 99),
        ("bytes=90-1000", 90, 99),
        ("bytes=-5", 95, 99),
        ("bytes=-1000", 0, 99),
        ("bytes=0-99", 0, 99),
    ],
)
async def test_a_range_is_given_and_told(s3: EmbeddedS3, header, first, last):
    answer, content = await both(s3, Range=header)
    assert content == CONTENT[first : last + 1]
    assert answer["ContentRange"] == f"bytes {first}-{last}/100"


@pytest.mark.parametrize("header", ["bytes=5-3", "bytes=-", "bytes=a-b", "items=1-2", "bytes=0-1,5-6", ""])
async def test_a_range_that_says_nothing_is_overlooked(s3: EmbeddedS3, header):
    answer, content = await both(s3, Range=header)
    assert content == CONTENT
    assert "ContentRange" not in answer


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
async def test_a_range_of_which_no_byte_exists_is_416(s3: EmbeddedS3, header):
    error = await both_refused(s3, Range=header)
    assert (error.code, error.status) == ("InvalidRange", 416)
    assert error.headers == {"Content-Range": "bytes */100"}
    assert error.members == {"RangeRequested": header, "ActualObjectSize": "100"}


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=-5"])
async def test_an_empty_object_has_no_ranges(s3: EmbeddedS3, header):
    await s3.put("box", "empty")
    assert (await both_refused(s3, Key="empty", Range=header)).code == "InvalidRange"


# Conditions.

ETAG, OTHER = '"7acedd1a84a4cfcb6e7a16003242945e"', '"0"'
EARLIER, LATER = AT - timedelta(seconds=1), AT + timedelta(seconds=1)


@pytest.mark.parametrize(
    "params",
    [
        {"IfMatch": ETAG},
        {"IfMatch": "*"},
        {"IfMatch": f"{OTHER}, {ETAG}"},
        {"IfMatch": ETAG, "IfUnmodifiedSince": EARLIER},
        {"IfUnmodifiedSince": AT},
        {"IfNoneMatch": OTHER},
        {"IfNoneMatch": OTHER, "IfModifiedSince": LATER},
        {"IfModifiedSince": EARLIER},
    ],
)
async def test_a_condition_that_holds_changes_nothing(s3: EmbeddedS3, params):
    _, content = await both(s3, **params)
    assert content == CONTENT


@pytest.mark.parametrize(
    ("params", "header"),
    [
        ({"IfMatch": OTHER}, "If-Match"),
        ({"IfMatch": OTHER, "IfUnmodifiedSince": LATER}, "If-Match"),
        ({"IfUnmodifiedSince": EARLIER}, "If-Unmodified-Since"),
        ({"IfMatch": OTHER, "IfNoneMatch": ETAG}, "If-Match"),
        ({"IfMatch": OTHER, "Range": "bytes=1000-"}, "If-Match"),
    ],
)
async def test_a_condition_that_fails_is_412(s3: EmbeddedS3, params, header):
    error = await both_refused(s3, **params)
    assert (error.code, error.status, error.members) == ("PreconditionFailed", 412, {"Condition": header})


@pytest.mark.parametrize(
    "params",
    [
        {"IfNoneMatch": ETAG},
        {"IfNoneMatch": "*"},
        {"IfNoneMatch": f"W/{ETAG}"},
        {"IfNoneMatch": ETAG, "IfModifiedSince": EARLIER},
        {"IfModifiedSince": AT},
        {"IfMatch": ETAG, "IfNoneMatch": ETAG},
    ],
)
async def test_what_the_client_has_already_is_304(s3: EmbeddedS3, params):
    error = await both_refused(s3, **params)
    assert (error.code, error.status) == ("NotModified", 304)
    assert error.headers == {"ETag": ETAG, "Last-Modified": "Sun, 15 Mar 2026 00:47:00 GMT"}


# Keys that are not there, and who may know.


async def test_a_missing_key_is_404_only_to_those_who_may_list(s3: EmbeddedS3):
    reader = await s3.role("reader", "s3:GetObject", "arn:aws:s3:::box/*")
    lister = await s3.role("lister", ["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::box", "arn:aws:s3:::box/*"])
    for caller, code, status in ((s3.hub, "NoSuchKey", 404), (lister, "NoSuchKey", 404), (reader, "AccessDenied", 403)):
        error = await both_refused(s3, as_=caller, Key="missing")
        assert (error.code, error.status) == (code, status)
    assert await s3.read("box", "key", as_=reader) == CONTENT


async def test_permission_to_list_some_prefix_does_not_tell_what_is_missing(s3: EmbeddedS3):
    lister = await s3.role("lister", "s3:GetObject", "arn:aws:s3:::box/*")
    await s3.policy(
        "box",
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::box",
            "Condition": {"StringLike": {"s3:prefix": "home/*"}},
        },
    )
    assert (await both_refused(s3, as_=lister, Key="home/missing")).code == "AccessDenied"


async def test_neither_listing_nor_writing_is_reading(s3: EmbeddedS3):
    caller = await s3.role("writer", ["s3:PutObject", "s3:ListBucket", "s3:GetBucket*"], "*")
    assert (await both_refused(s3, as_=caller)).code == "AccessDenied"
    assert (await both_refused(s3, as_=ANYBODY)).code == "AccessDenied"


# Versions and parts.


async def test_the_only_version_is_called_null(s3: EmbeddedS3):
    _, content = await both(s3, VersionId="null")
    assert content == CONTENT
    error = await both_refused(s3, VersionId="3HL4kqCxf3vjVBH40Nrjfkd")
    assert (error.code, error.status) == ("NoSuchVersion", 404)


async def test_a_part_of_an_object_that_has_none_is_all_of_it(s3: EmbeddedS3):
    answer, content = await both(s3, PartNumber=1)
    assert (content, answer["ContentRange"]) == (CONTENT, "bytes 0-99/100")
    assert "PartsCount" not in answer
    error = await both_refused(s3, PartNumber=2)
    assert (error.code, error.status) == ("InvalidPartNumber", 416)
    assert error.members == {"PartNumberRequested": "2", "ActualPartCount": "1"}
    assert (await both_refused(s3, PartNumber=0)).code == "InvalidPartNumber"


async def test_the_first_part_of_an_empty_object_is_empty(s3: EmbeddedS3):
    await s3.put("box", "empty")
    answer, content = await both(s3, Key="empty", PartNumber=1)
    assert content == b""
    assert "ContentRange" not in answer


async def test_the_parts_of_an_upload_can_be_got_one_by_one(s3: EmbeddedS3):
    upload = await s3.upload("box", "parts")
    contents = [b"1" * PART, b"2" * PART, b"3"]
    parts = [await s3.part("box", "parts", upload, number * 7, c) for number, c in enumerate(contents, 1)]
    await s3.complete("box", "parts", upload, parts)
    offset = 0
    for number, content in enumerate(contents, 1):
        answer, got = await both(s3, Key="parts", PartNumber=number)
        assert got == content
        assert answer["PartsCount"] == 3
        assert answer["ContentRange"] == f"bytes {offset}-{offset + len(content) - 1}/{2 * PART + 1}"
        offset += len(content)
    assert (await both_refused(s3, Key="parts", PartNumber=4)).code == "InvalidPartNumber"
    _, across = await both(s3, Key="parts", Range=f"bytes={PART - 2}-{2 * PART}")
    assert across == b"11" + contents[1] + b"3"


async def test_a_part_and_a_range_exclude_each_other(s3: EmbeddedS3):
    assert (await both_refused(s3, PartNumber=1, Range="bytes=0-1")).code == "InvalidRequest"


async def test_a_checksum_is_not_told_beside_some_of_the_bytes(s3: EmbeddedS3):
    whole, _ = await both(s3, ChecksumMode="ENABLED")
    assert whole["ChecksumType"] == "FULL_OBJECT"
    some, _ = await both(s3, ChecksumMode="ENABLED", Range="bytes=0-1")
    assert not [name for name in some if name.startswith("Checksum")]


# Headers of the answer.


async def test_a_request_may_word_the_answers_headers(s3: EmbeddedS3):
    wanted = {
        "ResponseContentType": "text/plain",
        "ResponseCacheControl": "no-store",
        "ResponseContentDisposition": "attachment",
        "ResponseContentEncoding": "identity",
        "ResponseContentLanguage": "en",
        "ResponseExpires": AT,
    }
    answer, _ = await both(s3, **wanted)
    assert {f"Response{name}": answer[name] for name in ("ContentType", "CacheControl", "ContentDisposition")} == {
        name: wanted[name] for name in ("ResponseContentType", "ResponseCacheControl", "ResponseContentDisposition")
    }
    assert answer["Expires"] == AT


async def test_strangers_may_not_word_them(s3: EmbeddedS3):
    await s3.policy(
        "box", {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
    )
    assert await s3.read("box", "key", as_=ANYBODY) == CONTENT
    assert (await both_refused(s3, as_=ANYBODY, ResponseContentType="text/html")).code == "InvalidRequest"


async def test_a_key_of_the_clients_own_is_not_implemented(s3: EmbeddedS3):
    assert (await both_refused(s3, SSECustomerAlgorithm="AES256")).code == "NotImplemented"


# One version, whatever happens meanwhile.


@pytest.mark.parametrize("step", ["blobs.open", "blobs.read"])
@pytest.mark.parametrize("change", ["PutObject", "DeleteObject"])
async def test_a_reader_gets_one_version_whole(s3: EmbeddedS3, step, change):
    old = b"o" * (3 << 20)
    await s3.put("box", "key", old)
    again = await s3("GetObject", Bucket="box", Key="key")
    chunks = aiter(again["Body"].reader.chunks())
    first = await anext(chunks)
    params = {"Body": b"new"} if change == "PutObject" else {}
    s3.steps.before(step, lambda: s3(change, Bucket="box", Key="key", **params))
    if step == "blobs.open" and change == "DeleteObject":
        assert (await refusal(s3("GetObject", Bucket="box", Key="key"))).code == "NoSuchKey"
    else:
        assert await s3.read("box", "key") == (b"new" if step == "blobs.open" else old)
    assert first + b"".join([chunk async for chunk in chunks]) == old
    await again["Body"].reader.close()


async def test_an_object_that_never_stands_still_is_503(s3: EmbeddedS3):
    for _ in range(20):
        s3.steps.fail("blobs.open", NotFound("replaced"))
    error = await refusal(s3("GetObject", Bucket="box", Key="key"))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert "faster than it can be opened" in error.message


# Attributes.


async def test_attributes_are_told_as_far_as_they_are_wanted(s3: EmbeddedS3):
    wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    answer = dict(await s3("GetObjectAttributes", Bucket="box", Key="key", ObjectAttributes=wanted))
    assert answer.pop("Checksum")["ChecksumType"] == "FULL_OBJECT"
    assert answer == {"LastModified": AT, "ETag": ETAG.strip('"'), "StorageClass": "STANDARD", "ObjectSize": 100}
    size = await s3("GetObjectAttributes", Bucket="box", Key="key", ObjectAttributes=["ObjectSize"])
    assert size == {"LastModified": AT, "ObjectSize": 100}
    missing = await refusal(s3("GetObjectAttributes", Bucket="box", Key="missing", ObjectAttributes=wanted))
    assert missing.code == "NoSuchKey"


async def test_the_attributes_of_an_upload_tell_how_many_parts_it_had(s3: EmbeddedS3):
    upload = await s3.upload("box", "parts")
    await s3.complete("box", "parts", upload, [await s3.part("box", "parts", upload, 1, b"x")])
    answer = await s3("GetObjectAttributes", Bucket="box", Key="parts", ObjectAttributes=["ObjectParts"])
    assert answer["ObjectParts"] == {"TotalPartsCount": 1}
