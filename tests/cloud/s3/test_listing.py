"""ListObjectsV2 and ListObjects."""

from datetime import UTC, datetime
from urllib.parse import unquote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.s3 import EmbeddedS3, make_s3, refusal

from crossdock.cloud.s3.owners import owner_of
from crossdock.operations.paging import page_token
from crossdock.ports.storage import ObjectEntry


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")


async def fill(s3: EmbeddedS3, *keys: str) -> None:
    for key in keys:
        await s3.put("box", key)


def found(answer) -> list[str]:
    """Keys and prefixes, decoded, in one order."""
    texts = [*(item["Key"] for item in answer["Contents"]), *(item["Prefix"] for item in answer["CommonPrefixes"])]
    if answer.get("EncodingType"):
        texts = [unquote_plus(text) for text in texts]
    return sorted(texts, key=str.encode)


async def pages_v2(s3: EmbeddedS3, **params):
    pages = [await s3("ListObjectsV2", Bucket="box", **params)]
    while pages[-1]["IsTruncated"]:
        token = pages[-1]["NextContinuationToken"]
        pages.append(await s3("ListObjectsV2", Bucket="box", **{**params, "ContinuationToken": token}))
        assert pages[-1]["ContinuationToken"] == token
    return pages


async def pages_v1(s3: EmbeddedS3, **params):
    """As clients page who take NextMarker when there is one, and the last key when there is none."""
    pages = [await s3("ListObjects", Bucket="box", **params)]
    while pages[-1]["IsTruncated"]:
        marker = pages[-1].get("NextMarker") or pages[-1]["Contents"][-1]["Key"]
        pages.append(await s3("ListObjects", Bucket="box", **{**params, "Marker": marker}))
        assert pages[-1]["Marker"] == marker
    return pages


async def test_an_empty_bucket_lists_nothing(s3: EmbeddedS3):
    assert await s3("ListObjectsV2", Bucket="box") == {
        "Name": "box",
        "Prefix": "",
        "MaxKeys": 1000,
        "IsTruncated": False,
        "CommonPrefixes": [],
        "KeyCount": 0,
        "Contents": [],
    }


async def test_a_listing_tells_of_each_object(s3: EmbeddedS3):
    await s3.put("box", "key", b"content")
    expected = {
        "Key": "key",
        "LastModified": datetime(2026, 3, 15, 0, 47, tzinfo=UTC),
        "ETag": '"9a0364b9e99bb480dd25e1f0284c8555"',
        "Size": 7,
        "StorageClass": "STANDARD",
    }
    assert (await s3("ListObjectsV2", Bucket="box"))["Contents"] == [expected]
    owned = {**expected, "Owner": owner_of("111111111111")}
    assert (await s3("ListObjectsV2", Bucket="box", FetchOwner=True))["Contents"] == [owned]
    assert (await s3("ListObjects", Bucket="box"))["Contents"] == [owned]


async def test_keys_come_in_the_order_of_their_utf8_bytes(s3: EmbeddedS3):
    keys = ["B", "a", "a//b", "a/b", "é", "z", "\ufffd", "\U00010000", "./x", "../x", "folder/"]
    await fill(s3, *keys)
    assert await s3.keys("box") == sorted(keys, key=str.encode)


async def test_directories_are_rolled_up_and_counted_with_the_keys(s3: EmbeddedS3):
    await fill(s3, "a/", "a/1", "a/2", "b", "c//d", "c/e", "é/f")
    answer = await s3("ListObjectsV2", Bucket="box", Delimiter="/")
    assert [item["Key"] for item in answer["Contents"]] == ["b"]
    assert [item["Prefix"] for item in answer["CommonPrefixes"]] == ["a/", "c/", "é/"]
    assert (answer["KeyCount"], answer["Delimiter"]) == (4, "/")
    below = await s3("ListObjectsV2", Bucket="box", Delimiter="/", Prefix="c/")
    assert found(below) == ["c//", "c/e"]
    marker = await s3("ListObjectsV2", Bucket="box", Delimiter="/", Prefix="a/")
    assert found(marker) == ["a/", "a/1", "a/2"]


async def test_a_delimiter_may_be_any_text(s3: EmbeddedS3):
    await fill(s3, "one--two", "one-two", "three")
    assert found(await s3("ListObjectsV2", Bucket="box", Delimiter="--")) == ["one--", "one-two", "three"]


async def test_a_page_holds_what_was_asked_for_and_a_thousand_at_most(s3: EmbeddedS3):
    bucket = await s3.storage.bucket_named("box")
    entry = ObjectEntry(size=0, etag="x", modified_at=s3.parts.clock.now(), segments=())
    for number in range(1005):
        await s3.storage.objects.put(bucket.bucket_id, f"{number:04}", entry)
    for asked in (None, 1000, 5000):
        params = {} if asked is None else {"MaxKeys": asked}
        answer = await s3("ListObjectsV2", Bucket="box", **params)
        assert (answer["KeyCount"], answer["MaxKeys"], answer["IsTruncated"]) == (1000, 1000, True)
    assert [page["KeyCount"] for page in await pages_v2(s3)] == [1000, 5]
    assert [len(page["Contents"]) for page in await pages_v1(s3)] == [1000, 5]


@pytest.mark.parametrize("operation", ["ListObjectsV2", "ListObjects"])
async def test_no_keys_at_all_may_be_asked_for(s3: EmbeddedS3, operation):
    await fill(s3, "key")
    answer = await s3(operation, Bucket="box", MaxKeys=0)
    assert (answer["Contents"], answer["IsTruncated"], answer["MaxKeys"]) == ([], False, 0)
    error = await refusal(s3(operation, Bucket="box", MaxKeys=-1))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "max-keys")


async def test_a_listing_starts_after_what_is_asked_unless_it_goes_on(s3: EmbeddedS3):
    await fill(s3, "a", "b", "c", "d")
    first = await s3("ListObjectsV2", Bucket="box", StartAfter="a", MaxKeys=1)
    assert (found(first), first["StartAfter"]) == (["b"], "a")
    second = await s3(
        "ListObjectsV2", Bucket="box", StartAfter="c", MaxKeys=1, ContinuationToken=first["NextContinuationToken"]
    )
    assert found(second) == ["c"]
    assert "StartAfter" not in second


@pytest.mark.parametrize("token", ["nonsense", "bm8ganNvbg==", "W10=", "WzFd", "é"])
async def test_a_token_that_is_none_is_refused(s3: EmbeddedS3, token):
    error = await refusal(s3("ListObjectsV2", Bucket="box", ContinuationToken=token))
    assert (error.code, error.status) == ("InvalidArgument", 400)


async def test_an_empty_token_is_no_token(s3: EmbeddedS3):
    await fill(s3, "a")
    assert found(await s3("ListObjectsV2", Bucket="box", ContinuationToken="")) == ["a"]


async def test_a_token_says_where_to_go_on_also_when_that_key_is_gone(s3: EmbeddedS3):
    await fill(s3, "a", "b", "c")
    token = (await s3("ListObjectsV2", Bucket="box", MaxKeys=2))["NextContinuationToken"]
    await s3("DeleteObject", Bucket="box", Key="b")
    assert found(await s3("ListObjectsV2", Bucket="box", ContinuationToken=token)) == ["c"]
    assert token == page_token(("b",))


async def test_a_marker_is_told_only_beside_a_delimiter(s3: EmbeddedS3):
    await fill(s3, "a/1", "a/2", "b", "c/3")
    assert "NextMarker" not in await s3("ListObjects", Bucket="box", MaxKeys=2)
    page = await s3("ListObjects", Bucket="box", MaxKeys=1, Delimiter="/")
    assert page["NextMarker"] == "a/"
    assert found(await s3("ListObjects", Bucket="box", Delimiter="/", Marker="a/")) == ["b", "c/"]


@pytest.mark.parametrize("operation", ["ListObjectsV2", "ListObjects"])
async def test_any_key_can_be_told_in_url_encoding(s3: EmbeddedS3, operation):
    keys = ["a b", "a+b", "tab\tkey", "new\nline", "\x01", "ü/日本", "100%", "plain/key.txt"]
    await fill(s3, *keys)
    answer = await s3(operation, Bucket="box", EncodingType="url", Delimiter="日", Prefix="")
    assert answer["EncodingType"] == "url"
    shown = [item["Key"] for item in answer["Contents"]]
    assert "a+b" in shown
    assert "a%2Bb" in shown
    assert "plain/key.txt" in shown
    assert [unquote_plus(key) for key in shown] == sorted(set(keys) - {"ü/日本"}, key=str.encode)
    assert answer["CommonPrefixes"] == [{"Prefix": "%C3%BC/%E6%97%A5"}]
    assert answer["Delimiter"] == "%E6%97%A5"
    name = "StartAfter" if operation == "ListObjectsV2" else "Marker"
    further = await s3(operation, Bucket="box", EncodingType="url", Prefix="a ", **{name: "a "})
    assert (further["Prefix"], further[name]) == ("a+", "a+")
    error = await refusal(s3(operation, Bucket="box", EncodingType="base64"))
    assert (error.code, error.members["ArgumentName"]) == ("InvalidArgument", "encoding-type")


async def test_a_bad_encoding_is_refused_even_when_nothing_would_be_encoded(s3: EmbeddedS3):
    assert (await refusal(s3("ListObjectsV2", Bucket="box", EncodingType="x", MaxKeys=0))).code == "InvalidArgument"


async def test_listing_needs_list_bucket(s3: EmbeddedS3):
    reader = await s3.role("reader", ["s3:GetObject", "s3:ListAllMyBuckets"], "*")
    for operation in ("ListObjectsV2", "ListObjects", "HeadBucket"):
        assert (await refusal(s3(operation, as_=reader, Bucket="box"))).code == "AccessDenied"


def listed(keys, *, prefix: str, delimiter: str, after: str) -> list[str]:
    """What S3 lists, naively."""
    shown = set()
    for key in keys:
        if key.startswith(prefix) and key.encode() > after.encode():
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            shown.add(key if end < 0 else key[: end + len(delimiter)])
    if delimiter and after.startswith(prefix) and after.find(delimiter, len(prefix)) == len(after) - len(delimiter):
        # To go on after a common prefix is to go on after all that is below it.
        shown.discard(after)
    return sorted(shown, key=str.encode)


TEXTS = st.text("ab/+é日", max_size=4)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    keys=st.sets(TEXTS.filter(bool), max_size=10),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "/", "a", "/b"]),
    after=st.just("") | TEXTS,
    limit=st.integers(1, 4),
    encoding=st.sampled_from([{}, {"EncodingType": "url"}]),
)
async def test_pages_of_either_version_are_what_a_naive_model_lists(keys, prefix, delimiter, after, limit, encoding):
    s3 = await make_s3()
    await s3.bucket("box")
    await fill(s3, *keys)
    expected = listed(keys, prefix=prefix, delimiter=delimiter, after=after)
    params = {"Prefix": prefix, "Delimiter": delimiter, "MaxKeys": limit}
    pages = await pages_v2(s3, StartAfter=after, **params, **encoding)
    assert [text for page in pages for text in found(page)] == expected
    assert all(page["KeyCount"] == limit for page in pages[:-1])
    assert [text for page in await pages_v1(s3, Marker=after, **params) for text in found(page)] == expected
    s3.close()
