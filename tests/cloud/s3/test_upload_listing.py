"""ListParts and ListMultipartUploads."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.s3 import HUB, EmbeddedS3, make_s3, refusal

from crossdock.cloud.s3.owners import owner_of


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")


async def parts(s3: EmbeddedS3, upload: str, **params):
    return await s3("ListParts", Bucket="box", Key="key", UploadId=upload, **params)


async def uploads(s3: EmbeddedS3, **params):
    return await s3("ListMultipartUploads", Bucket="box", **params)


def shown(answer) -> list[str]:
    """Keys and prefixes of a page of uploads, in one order."""
    keys = [item["Key"] for item in answer["Uploads"]]
    return sorted([*keys, *(item["Prefix"] for item in answer["CommonPrefixes"])], key=str.encode)


async def all_pages(s3: EmbeddedS3, **params) -> list:
    pages = [await uploads(s3, **params)]
    while pages[-1]["IsTruncated"]:
        markers = {"KeyMarker": pages[-1]["NextKeyMarker"], "UploadIdMarker": pages[-1]["NextUploadIdMarker"]}
        pages.append(await uploads(s3, **{**params, **markers}))
    return pages


# ListParts.


async def test_parts_are_listed_with_what_is_known_of_them(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    s3.parts.clock.advance(60)
    sent = [await s3.part("box", "key", upload, number, b"x" * number) for number in (3, 1)]
    assert await parts(s3, upload) == {
        "Bucket": "box",
        "Key": "key",
        "UploadId": upload,
        "PartNumberMarker": 0,
        "NextPartNumberMarker": 3,
        "MaxParts": 1000,
        "IsTruncated": False,
        "Parts": [
            {"PartNumber": 1, "LastModified": s3.parts.clock.now(), "ETag": sent[1]["ETag"], "Size": 1},
            {"PartNumber": 3, "LastModified": s3.parts.clock.now(), "ETag": sent[0]["ETag"], "Size": 3},
        ],
        "Initiator": {"ID": s3.hub.principal.arn},
        "Owner": owner_of(HUB),
        "StorageClass": "STANDARD",
    }


async def test_an_upload_without_parts_lists_none(s3: EmbeddedS3):
    answer = await parts(s3, await s3.upload("box", "key"))
    assert (answer["Parts"], answer["IsTruncated"], answer["NextPartNumberMarker"]) == ([], False, 0)


async def test_parts_come_in_pages(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    for number in range(1, 6):
        await s3.part("box", "key", upload, number * 10, b"x")
    pages = [await parts(s3, upload, MaxParts=2)]
    while pages[-1]["IsTruncated"]:
        pages.append(await parts(s3, upload, MaxParts=2, PartNumberMarker=pages[-1]["NextPartNumberMarker"]))
    assert [[part["PartNumber"] for part in page["Parts"]] for page in pages] == [[10, 20], [30, 40], [50]]
    assert [page["PartNumberMarker"] for page in pages] == [0, 20, 40]


async def test_a_page_of_parts_has_its_limits(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    await s3.part("box", "key", upload, 1, b"x")
    assert (await parts(s3, upload, MaxParts=5000))["MaxParts"] == 1000
    none = await parts(s3, upload, MaxParts=0)
    assert (none["Parts"], none["IsTruncated"]) == ([], False)
    error = await refusal(parts(s3, upload, MaxParts=-1))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "max-parts")


async def test_parts_show_the_checksum_that_their_upload_asked_for(s3: EmbeddedS3):
    upload = await s3.upload("box", "key", ChecksumAlgorithm="CRC32")
    await s3.part("box", "key", upload, 1, b"123456789")
    answer = await parts(s3, upload)
    assert (answer["ChecksumAlgorithm"], answer["ChecksumType"]) == ("CRC32", "COMPOSITE")
    assert answer["Parts"][0]["ChecksumCRC32"] == "y/Q5Jg=="


# ListMultipartUploads.


async def test_uploads_are_listed_with_what_is_known_of_them(s3: EmbeddedS3):
    upload = await s3.upload("box", "key", ChecksumAlgorithm="SHA256")
    assert await uploads(s3) == {
        "Bucket": "box",
        "KeyMarker": "",
        "UploadIdMarker": "",
        "MaxUploads": 1000,
        "IsTruncated": False,
        "Uploads": [
            {
                "UploadId": upload,
                "Key": "key",
                "Initiated": s3.parts.clock.now(),
                "StorageClass": "STANDARD",
                "Owner": owner_of(HUB),
                "Initiator": {"ID": s3.hub.principal.arn},
                "ChecksumAlgorithm": "SHA256",
                "ChecksumType": "COMPOSITE",
            }
        ],
        "CommonPrefixes": [],
    }


async def test_only_what_is_under_way_in_this_bucket_is_listed(s3: EmbeddedS3):
    await s3.bucket("other")
    await s3.upload("other", "key")
    done, aborted = await s3.upload("box", "key"), await s3.upload("box", "key")
    await s3.complete("box", "key", done, [await s3.part("box", "key", done, 1, b"x")])
    await s3("AbortMultipartUpload", Bucket="box", Key="key", UploadId=aborted)
    assert (await uploads(s3))["Uploads"] == []


async def test_uploads_of_one_key_come_in_the_order_in_which_they_were_begun(s3: EmbeddedS3):
    begun = []
    for _ in range(8):
        begun.append(await s3.upload("box", "key"))
        s3.parts.clock.advance(0.001)
    assert [item["UploadId"] for item in (await uploads(s3))["Uploads"]] == begun
    pages = await all_pages(s3, MaxUploads=3)
    assert [item["UploadId"] for page in pages for item in page["Uploads"]] == begun


async def test_uploads_come_by_key_and_in_pages(s3: EmbeddedS3):
    for key in ("b", "a", "c/1", "c/2", "a"):
        await s3.upload("box", key)
    pages = await all_pages(s3, MaxUploads=2)
    assert [shown(page) for page in pages] == [["a", "a"], ["b", "c/1"], ["c/2"]]
    rolled = await all_pages(s3, MaxUploads=2, Delimiter="/")
    assert [shown(page) for page in rolled] == [["a", "a"], ["b", "c/"]]
    assert [page["Delimiter"] for page in rolled] == ["/", "/"]
    below = await uploads(s3, Prefix="c/", Delimiter="/")
    assert (shown(below), below["Prefix"]) == (["c/1", "c/2"], "c/")


async def test_a_marker_without_an_id_skips_its_key_and_an_id_without_a_marker_says_nothing(s3: EmbeddedS3):
    first = await s3.upload("box", "a")
    await s3.upload("box", "b")
    assert shown(await uploads(s3, KeyMarker="a")) == ["b"]
    assert shown(await uploads(s3, UploadIdMarker=first)) == ["a", "b"]
    assert shown(await uploads(s3, KeyMarker="a", UploadIdMarker="0")) == ["a", "b"]


async def test_a_page_of_uploads_has_its_limits(s3: EmbeddedS3):
    await s3.upload("box", "key")
    assert (await uploads(s3, MaxUploads=5000))["MaxUploads"] == 1000
    none = await uploads(s3, MaxUploads=0)
    assert (none["Uploads"], none["IsTruncated"]) == ([], False)
    error = await refusal(uploads(s3, MaxUploads=-1))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "max-uploads")


async def test_keys_of_uploads_can_be_told_in_url_encoding(s3: EmbeddedS3):
    for key in ("a b", "é/x"):
        await s3.upload("box", key)
    answer = await uploads(s3, EncodingType="url", Delimiter="/")
    assert (answer["EncodingType"], shown(answer)) == ("url", ["%C3%A9/", "a+b"])
    assert (await refusal(uploads(s3, EncodingType="x"))).code == "InvalidArgument"


async def test_listing_uploads_needs_permissions_of_its_own(s3: EmbeddedS3):
    upload = await s3.upload("box", "key")
    writer = await s3.role("writer", ["s3:PutObject", "s3:ListBucket"], "*")
    assert (await refusal(uploads(s3, as_=writer))).code == "AccessDenied"
    assert (await refusal(parts(s3, upload, as_=writer))).code == "AccessDenied"
    looker = await s3.role("looker", ["s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts"], "*")
    assert shown(await uploads(s3, as_=looker)) == ["key"]
    assert (await parts(s3, upload, as_=looker))["Parts"] == []


TEXTS = st.text("ab/é", min_size=1, max_size=4)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    keys=st.lists(TEXTS, max_size=8),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "a"]),
    marker=st.just("") | TEXTS,
    limit=st.integers(1, 4),
)
async def test_pages_of_uploads_are_what_a_naive_model_lists(keys, prefix, delimiter, marker, limit):
    s3 = await make_s3()
    await s3.bucket("box")
    for key in keys:
        await s3.upload("box", key)
    expected: list[str] = []
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix) and key.encode() > marker.encode():
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            rolled = None if end < 0 else key[: end + len(delimiter)]
            if rolled is None:
                expected.append(key)
            elif rolled not in expected and rolled != marker:
                expected.append(rolled)
    pages = await all_pages(s3, Prefix=prefix, Delimiter=delimiter, KeyMarker=marker, MaxUploads=limit)
    assert [text for page in pages for text in shown(page)] == expected
    s3.close()
