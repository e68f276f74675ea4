"""CopyObject: a new object over the same bytes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.s3 import LONG_ENOUGH, EmbeddedS3, gone_after, refusal

from crossdock.core.errors import NotFound, OutOfSpace, Unavailable

AT = datetime(2026, 3, 15, 0, 47, tzinfo=UTC)
ETAG, OTHER = '"9a0364b9e99bb480dd25e1f0284c8555"', '"0"'
EARLIER, LATER = AT - timedelta(seconds=1), AT + timedelta(seconds=1)
STORED = {"Metadata": {"a": "b"}, "ContentType": "text/plain", "CacheControl": "no-store"}
BOX, KISTE = "arn:aws:s3:::box", "arn:aws:s3:::kiste"


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")
    await s3.put("box", "source", b"content", **STORED)


async def copy(s3: EmbeddedS3, source: str = "box/source", key: str = "target", **params):
    return await s3("CopyObject", **{"Bucket": "box", "Key": key, "CopySource": source, **params})


async def head(s3: EmbeddedS3, key: str = "target", bucket: str = "box"):
    return await s3("HeadObject", Bucket=bucket, Key=key)


async def test_a_copy_has_content_and_all_that_was_stored_with_it(s3: EmbeddedS3):
    s3.parts.clock.advance(60)
    answer = await copy(s3)
    result = answer["CopyObjectResult"]
    assert (result["ETag"], result["LastModified"]) == (ETAG, AT + timedelta(seconds=60))
    found = await head(s3)
    assert {name: found[name] for name in STORED} == STORED
    assert (found["ETag"], found["LastModified"]) == (ETAG, AT + timedelta(seconds=60))
    assert await s3.read("box", "target") == b"content"


async def test_a_copy_copies_no_bytes_and_outlives_its_source(s3: EmbeddedS3):
    await copy(s3)
    assert len(s3.blobs.blob_ids) == 1
    await s3("DeleteObject", Bucket="box", Key="source")
    assert await s3.read("box", "target") == b"content"
    await s3("DeleteObject", Bucket="box", Key="target")
    assert s3.blobs.blob_ids == frozenset()


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("a b+c", "box/a%20b%2Bc"),
        ("ü/日", "/box/%C3%BC/%E6%97%A5"),
        ("a//b/", "box/a//b/"),
        ("x?versionId=1", "box/x%3FversionId=1"),
        ("source", "box/source?versionId=null"),
    ],
)
async def test_the_source_is_named_url_encoded(s3: EmbeddedS3, key, source):
    await s3.put("box", key, key.encode())
    await copy(s3, source)
    assert await s3.read("box", "target") == key.encode()


@pytest.mark.parametrize("source", ["", "box", "box/", "/", "box/x?versionId=", "box/%FF"])
async def test_a_source_must_name_bucket_and_key(s3: EmbeddedS3, source):
    error = await refusal(copy(s3, source))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "x-amz-copy-source")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("box/missing", "NoSuchKey"),
        ("nowhere/key", "NoSuchBucket"),
        ("Bad_Name/key", "InvalidBucketName"),
        ("box/source?versionId=abc", "NoSuchVersion"),
        (f"box/{'x' * 1025}", "KeyTooLongError"),
    ],
)
async def test_a_source_that_is_not_there_is_named(s3: EmbeddedS3, source, code):
    assert (await refusal(copy(s3, source))).code == code


async def test_owners_may_be_expected_of_both_buckets(s3: EmbeddedS3):
    await copy(s3, ExpectedBucketOwner="111111111111", ExpectedSourceBucketOwner="111111111111")
    for name in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
        assert (await refusal(copy(s3, **{name: "222222222222"}))).code == "AccessDenied"


# Metadata.


async def test_a_copy_may_be_given_other_metadata(s3: EmbeddedS3):
    await copy(s3, MetadataDirective="REPLACE", Metadata={"c": "d"}, ContentLanguage="de")
    found = await head(s3)
    assert (found["Metadata"], found["ContentLanguage"]) == ({"c": "d"}, "de")
    assert found["ContentType"] == "binary/octet-stream"
    assert "CacheControl" not in found


async def test_without_the_directive_other_metadata_is_overlooked(s3: EmbeddedS3):
    await copy(s3, Metadata={"c": "d"}, ContentType="image/png")
    found = await head(s3)
    assert (found["Metadata"], found["ContentType"]) == ({"a": "b"}, "text/plain")


async def test_an_unknown_directive_is_refused(s3: EmbeddedS3):
    error = await refusal(copy(s3, MetadataDirective="MERGE"))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "x-amz-metadata-directive")


async def test_a_redirect_is_not_copied_and_may_be_given(s3: EmbeddedS3):
    await s3.put("box", "source", b"content", WebsiteRedirectLocation="/old")
    await copy(s3)
    assert "WebsiteRedirectLocation" not in await head(s3)
    await copy(s3, WebsiteRedirectLocation="/new")
    assert (await head(s3))["WebsiteRedirectLocation"] == "/new"


@pytest.mark.parametrize("params", [{}, {"MetadataDirective": "COPY"}, {"Metadata": {"c": "d"}}])
async def test_a_copy_onto_itself_that_changes_nothing_is_refused(s3: EmbeddedS3, params):
    error = await refusal(copy(s3, key="source", **params))
    assert (error.code, error.status) == ("InvalidRequest", 400)
    assert "to itself without changing" in error.message


@pytest.mark.parametrize(
    "params",
    [{"MetadataDirective": "REPLACE"}, {"StorageClass": "STANDARD"}, {"WebsiteRedirectLocation": "/new"}],
)
async def test_a_copy_onto_itself_that_changes_something_keeps_the_bytes(s3: EmbeddedS3, params):
    await copy(s3, key="source", **params)
    assert await s3.read("box", "source") == b"content"
    assert len(s3.blobs.blob_ids) == 1
    await s3("DeleteObject", Bucket="box", Key="source")
    assert s3.blobs.blob_ids == frozenset()


@pytest.mark.parametrize(
    "params", [{"Tagging": "a=b"}, {"StorageClass": "GLACIER"}, {"ServerSideEncryption": "AES256"}]
)
async def test_what_crossdock_does_not_do_is_refused(s3: EmbeddedS3, params):
    assert (await refusal(copy(s3, **params))).code == "NotImplemented"


# Tags and checksums.


async def test_the_copy_of_an_upload_has_a_tag_of_its_own_that_is_no_md5(s3: EmbeddedS3):
    upload = await s3.upload("box", "parts")
    await s3.complete("box", "parts", upload, [await s3.part("box", "parts", upload, 1, b"x")])
    source, result = await head(s3, "parts"), (await copy(s3, "box/parts"))["CopyObjectResult"]
    assert result["ETag"] != source["ETag"]
    assert result["ETag"].endswith('-1"')
    assert (await head(s3))["ETag"] == result["ETag"]
    # The number of parts is told of the object that was uploaded so, not of its copy.
    assert result["ChecksumType"] == "FULL_OBJECT"


async def test_a_checksum_of_all_bytes_is_copied_and_a_composite_one_left_behind(s3: EmbeddedS3):
    await s3.put("box", "source", b"123456789", ChecksumCRC32="y/Q5Jg==")
    assert (await copy(s3))["CopyObjectResult"]["ChecksumCRC32"] == "y/Q5Jg=="
    upload = await s3.upload("box", "parts", ChecksumAlgorithm="SHA256")
    params = {"Bucket": "box", "Key": "parts", "UploadId": upload}
    sent = await s3("UploadPart", PartNumber=1, Body=b"x", **params)
    listed = [{"PartNumber": 1, "ETag": sent["ETag"], "ChecksumSHA256": sent["ChecksumSHA256"]}]
    await s3("CompleteMultipartUpload", MultipartUpload={"Parts": listed}, **params)
    result = (await copy(s3, "box/parts"))["CopyObjectResult"]
    assert not [name for name in result if name.startswith("Checksum")]


async def test_a_checksum_may_be_asked_for_and_is_computed_where_there_is_none(s3: EmbeddedS3):
    await s3.put("box", "source", b"123456789")
    result = (await copy(s3, ChecksumAlgorithm="CRC32"))["CopyObjectResult"]
    assert (result["ChecksumCRC32"], result["ChecksumType"]) == ("y/Q5Jg==", "FULL_OBJECT")
    assert result["ETag"] == '"25f9e794323b453885f5181f1b624d0b"'
    assert "ChecksumCRC64NVME" not in result
    again = (await copy(s3, "box/target", "third", ChecksumAlgorithm="CRC32"))["CopyObjectResult"]
    assert again["ChecksumCRC32"] == "y/Q5Jg=="
    assert (await refusal(copy(s3, ChecksumAlgorithm="CRC7"))).code == "InvalidRequest"


async def test_a_source_replaced_while_its_checksum_is_computed_is_read_anew(s3: EmbeddedS3):
    s3.steps.before("blobs.open", lambda: s3.put("box", "source", b"123456789"))
    assert (await copy(s3, ChecksumAlgorithm="CRC32"))["CopyObjectResult"]["ChecksumCRC32"] == "y/Q5Jg=="
    assert await s3.read("box", "target") == b"123456789"


# Conditions.


@pytest.mark.parametrize(
    "params",
    [
        {"CopySourceIfMatch": ETAG},
        {"CopySourceIfMatch": ETAG, "CopySourceIfUnmodifiedSince": EARLIER},
        {"CopySourceIfUnmodifiedSince": AT},
        {"CopySourceIfNoneMatch": OTHER},
        {"CopySourceIfNoneMatch": OTHER, "CopySourceIfModifiedSince": LATER},
        {"CopySourceIfModifiedSince": EARLIER},
        {"IfNoneMatch": "*"},
    ],
)
async def test_a_condition_that_holds_changes_nothing(s3: EmbeddedS3, params):
    await copy(s3, **params)
    assert await s3.read("box", "target") == b"content"


@pytest.mark.parametrize(
    "params",
    [
        {"CopySourceIfMatch": OTHER},
        {"CopySourceIfUnmodifiedSince": EARLIER},
        {"CopySourceIfNoneMatch": ETAG},
        {"CopySourceIfModifiedSince": AT},
        {"IfMatch": OTHER},
    ],
)
async def test_a_condition_that_fails_is_412_and_copies_nothing(s3: EmbeddedS3, params):
    await s3.put("box", "target", b"as before")
    error = await refusal(copy(s3, **params))
    assert (error.code, error.status) == ("PreconditionFailed", 412)
    assert await s3.read("box", "target") == b"as before"


async def test_a_copy_may_want_a_new_key_or_a_certain_old_one(s3: EmbeddedS3):
    etag = (await s3.put("box", "target", b"as before"))["ETag"]
    assert (await refusal(copy(s3, IfNoneMatch="*"))).code == "PreconditionFailed"
    await copy(s3, IfMatch=etag)
    assert (await refusal(copy(s3, key="absent", IfMatch=etag))).code == "NoSuchKey"
    s3.steps.before("objects.link", lambda: s3.put("box", "third", b"faster"))
    assert (await refusal(copy(s3, key="third", IfNoneMatch="*"))).code == "PreconditionFailed"
    assert await s3.read("box", "third") == b"faster"


# Races and faults.


async def test_a_source_replaced_meanwhile_is_copied_as_it_is_then(s3: EmbeddedS3):
    s3.steps.before("objects.link", lambda: s3.put("box", "source", b"newer"))
    assert (await copy(s3))["CopyObjectResult"]["ETag"] == (await head(s3, "source"))["ETag"]
    assert await s3.read("box", "target") == b"newer"


async def test_a_source_deleted_meanwhile_is_not_there(s3: EmbeddedS3):
    s3.steps.before("objects.link", lambda: s3("DeleteObject", Bucket="box", Key="source"))
    assert (await refusal(copy(s3))).code == "NoSuchKey"


async def test_a_source_that_never_stands_still_is_503(s3: EmbeddedS3):
    for _ in range(20):
        s3.steps.fail("blobs.open", NotFound("replaced"))
    error = await refusal(copy(s3, ChecksumAlgorithm="CRC32"))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert "faster than it can be copied" in error.message


async def test_a_target_whose_bucket_goes_is_no_such_bucket(s3: EmbeddedS3):
    await s3.bucket("other")
    s3.steps.before("objects.link", lambda: s3("DeleteBucket", Bucket="other"))
    assert (await refusal(copy(s3, Bucket="other"))).code == "NoSuchBucket"


@pytest.mark.parametrize("failure", [OutOfSpace("full"), Unavailable("bad disk")])
async def test_a_failing_disk_is_503_and_source_and_target_stay(s3: EmbeddedS3, failure):
    await s3.put("box", "target", b"as before")
    s3.steps.fail("objects.link", failure)
    error = await refusal(copy(s3))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert await s3.read("box", "target") == b"as before"
    assert await s3.read("box", "source") == b"content"


async def test_a_client_that_leaves_at_any_moment_leaves_source_and_a_whole_target(s3: EmbeddedS3):
    seen = set()
    for turns in (*range(20), LONG_ENOUGH):
        await s3.put("box", "target", b"as before")
        await gone_after(turns, copy(s3))
        assert await s3.read("box", "source") == b"content"
        seen.add(await s3.read("box", "target"))
    assert seen == {b"as before", b"content"}


async def test_copies_made_at_once_share_their_bytes_rightly(s3: EmbeddedS3):
    await asyncio.gather(*(copy(s3, key=f"target{number}") for number in range(10)))
    await asyncio.gather(*(s3("DeleteObject", Bucket="box", Key=f"target{number}") for number in range(9)))
    await s3("DeleteObject", Bucket="box", Key="source")
    assert await s3.read("box", "target9") == b"content"


# Permissions: reading there and writing here.


async def test_a_copy_across_accounts_needs_both_sides(s3: EmbeddedS3):
    await s3.bucket("kiste", as_=s3.partner)
    await s3.put("kiste", "source", b"theirs", as_=s3.partner)
    for bucket, source in (("box", "kiste/source"), ("kiste", "box/source")):
        assert (await refusal(copy(s3, source, Bucket=bucket))).code == "AccessDenied"
    hub = {"AWS": "arn:aws:iam::111111111111:root"}
    await s3.policy(
        "kiste",
        {"Effect": "Allow", "Principal": hub, "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{KISTE}/*"},
        as_=s3.partner,
    )
    await copy(s3, "kiste/source")
    assert await s3.read("box", "target") == b"theirs"
    await copy(s3, "box/source", Bucket="kiste", key="here")
    assert await s3.read("kiste", "here", as_=s3.partner) == b"content"
    # What lies in the partner's bucket is the partner's, whoever put it there.
    listed = await s3("ListObjectsV2", as_=s3.partner, Bucket="kiste", FetchOwner=True)
    assert len({item["Owner"]["ID"] for item in listed["Contents"]}) == 1


@pytest.mark.parametrize("missing", ["s3:GetObject", "s3:PutObject"])
async def test_a_copy_needs_reading_and_writing(s3: EmbeddedS3, missing):
    actions = [action for action in ("s3:GetObject", "s3:PutObject") if action != missing]
    caller = await s3.role("half", actions, f"{BOX}/*")
    error = await refusal(copy(s3, as_=caller))
    assert error.code == "AccessDenied"
    assert missing in error.message


async def test_a_missing_source_is_told_only_to_those_who_may_list_it(s3: EmbeddedS3):
    caller = await s3.role("both", ["s3:GetObject", "s3:PutObject"], f"{BOX}/*")
    assert (await refusal(copy(s3, "box/missing", as_=caller))).code == "AccessDenied"
