"""DeleteObject and DeleteObjects."""

import pytest
from tests.fakes.s3 import ANYBODY, HUB, PARTNER, EmbeddedS3, refusal

from crossdock.core.errors import OutOfSpace, Unavailable

BOX = "arn:aws:s3:::box"


@pytest.fixture(autouse=True)
async def box(s3: EmbeddedS3) -> None:
    await s3.bucket("box")


async def delete(s3: EmbeddedS3, *keys: str, as_=None, **more):
    return await s3("DeleteObjects", as_=as_, Bucket="box", Delete={"Objects": [{"Key": key} for key in keys], **more})


async def test_an_object_and_its_bytes_go(s3: EmbeddedS3):
    await s3.put("box", "key", b"content")
    assert await s3("DeleteObject", Bucket="box", Key="key") == {}
    assert await s3.keys("box") == []
    assert s3.blobs.blob_ids == frozenset()


async def test_deleting_what_is_not_there_succeeds(s3: EmbeddedS3):
    assert await s3("DeleteObject", Bucket="box", Key="missing") == {}
    assert await delete(s3, "missing", "missing") == {"Deleted": [{"Key": "missing"}, {"Key": "missing"}]}


async def test_only_this_very_key_goes(s3: EmbeddedS3):
    for key in ("a", "a/", "a//b", "a/b"):
        await s3.put("box", key, key.encode())
    await s3("DeleteObject", Bucket="box", Key="a/")
    assert await s3.keys("box") == ["a", "a//b", "a/b"]


async def test_the_only_version_is_called_null(s3: EmbeddedS3):
    await s3.put("box", "key")
    error = await refusal(s3("DeleteObject", Bucket="box", Key="key", VersionId="abc"))
    assert (error.code, error.status) == ("NoSuchVersion", 404)
    assert await s3("DeleteObject", Bucket="box", Key="key", VersionId="null") == {}
    assert await s3.keys("box") == []


async def test_deleting_a_version_needs_a_permission_of_its_own(s3: EmbeddedS3):
    cleaner = await s3.role("cleaner", "s3:DeleteObject", f"{BOX}/*")
    await s3.put("box", "key")
    assert (await refusal(s3("DeleteObject", as_=cleaner, Bucket="box", Key="key", VersionId="null"))).status == 403
    one = {"Objects": [{"Key": "key", "VersionId": "null"}]}
    answer = await s3("DeleteObjects", as_=cleaner, Bucket="box", Delete=one)
    assert [(item["Key"], item["VersionId"], item["Code"]) for item in answer["Errors"]] == [
        ("key", "null", "AccessDenied")
    ]
    await s3("DeleteObject", as_=cleaner, Bucket="box", Key="key")


@pytest.mark.parametrize("params", [{"IfMatch": "*"}, {"IfMatchSize": 3}])
async def test_an_unknown_condition_is_refused_rather_than_done_without_the_condition(s3: EmbeddedS3, params):
    await s3.put("box", "key")
    error = await refusal(s3("DeleteObject", Bucket="box", Key="key", **params))
    assert (error.code, error.status) == ("NotImplemented", 501)
    answer = await s3("DeleteObjects", Bucket="box", Delete={"Objects": [{"Key": "key", "Size": 3}]})
    assert answer["Errors"][0]["Code"] == "NotImplemented"
    assert await s3.keys("box") == ["key"]


async def test_only_the_object_of_the_etag_is_deleted(s3: EmbeddedS3):
    error = await refusal(s3("DeleteObject", Bucket="box", Key="key", IfMatch='"0"'))
    assert (error.code, error.status) == ("NoSuchKey", 404)
    etag = (await s3.put("box", "key", b"content"))["ETag"]
    error = await refusal(s3("DeleteObject", Bucket="box", Key="key", IfMatch='"0"'))
    assert (error.code, error.status, error.members["Condition"]) == ("PreconditionFailed", 412, "If-Match")
    assert await s3.read("box", "key") == b"content"
    assert await s3("DeleteObject", Bucket="box", Key="key", IfMatch=etag) == {}
    assert await s3.keys("box") == []
    assert s3.blobs.blob_ids == frozenset()


async def test_an_object_that_is_replaced_in_that_moment_is_not_deleted(s3: EmbeddedS3):
    etag = (await s3.put("box", "key", b"old"))["ETag"]
    s3.steps.before("objects.delete", lambda: s3.put("box", "key", b"new"))
    error = await refusal(s3("DeleteObject", Bucket="box", Key="key", IfMatch=etag))
    assert error.code == "PreconditionFailed"
    assert await s3.read("box", "key") == b"new"


async def test_many_are_deleted_at_once_and_told_in_their_order(s3: EmbeddedS3):
    keys = [f"key{number:04}" for number in range(100)]
    for key in keys[::2]:
        await s3.put("box", key, b"x")
    assert await delete(s3, *keys) == {"Deleted": [{"Key": key} for key in keys]}
    assert await s3.keys("box") == []


async def test_a_quiet_answer_tells_only_of_failures(s3: EmbeddedS3):
    await s3.put("box", "key")
    assert await delete(s3, "key", Quiet=True) == {}
    answer = await delete(s3, "x" * 1025, "key", Quiet=True)
    assert [item["Code"] for item in answer["Errors"]] == ["KeyTooLongError"]
    assert "Deleted" not in answer


async def test_each_key_is_authorised_for_itself(s3: EmbeddedS3):
    for key in ("own/a", "other/b", "own/c"):
        await s3.put("box", key)
    cleaner = await s3.role("cleaner", "s3:DeleteObject", f"{BOX}/own/*")
    answer = await delete(s3, "own/a", "other/b", "own/c", as_=cleaner)
    assert answer["Deleted"] == [{"Key": "own/a"}, {"Key": "own/c"}]
    (failed,) = answer["Errors"]
    assert (failed["Key"], failed["Code"]) == ("other/b", "AccessDenied")
    assert "s3:DeleteObject" in failed["Message"]
    assert await s3.keys("box") == ["other/b"]


async def test_who_may_delete_nothing_deletes_nothing(s3: EmbeddedS3):
    await s3.put("box", "key")
    for caller in (s3.partner, ANYBODY, await s3.user(HUB, "nobody"), await s3.user(PARTNER, "nobody")):
        answer = await delete(s3, "key", "missing", as_=caller)
        assert {item["Code"] for item in answer["Errors"]} == {"AccessDenied"}
        assert answer["Deleted"] == []
        assert (await refusal(s3("DeleteObject", as_=caller, Bucket="box", Key="key"))).code == "AccessDenied"
    assert await s3.keys("box") == ["key"]


@pytest.mark.parametrize("count", [0, 1001])
async def test_one_to_a_thousand_keys_may_be_named(s3: EmbeddedS3, count):
    error = await refusal(delete(s3, *["key"] * count))
    assert (error.code, error.status) == ("MalformedXML", 400)


async def test_an_unknown_version_is_told_key_by_key(s3: EmbeddedS3):
    answer = await s3("DeleteObjects", Bucket="box", Delete={"Objects": [{"Key": "key", "VersionId": "abc"}]})
    assert [(item["VersionId"], item["Code"]) for item in answer["Errors"]] == [("abc", "NoSuchVersion")]


async def test_an_unknown_bucket_is_told_for_all(s3: EmbeddedS3):
    error = await refusal(s3("DeleteObjects", Bucket="nowhere", Delete={"Objects": [{"Key": "key"}]}))
    assert error.code == "NoSuchBucket"


@pytest.mark.parametrize("failure", [OutOfSpace("full"), Unavailable("bad disk")])
async def test_a_disk_that_fails_one_deletion_does_not_hide_the_others(s3: EmbeddedS3, failure):
    for key in ("a", "b", "c"):
        await s3.put("box", key, b"x")
    s3.steps.fail("objects.delete", failure)
    answer = await delete(s3, "a", "b", "c")
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [("a", "ServiceUnavailable")]
    assert answer["Deleted"] == [{"Key": "b"}, {"Key": "c"}]
    assert await s3.keys("box") == ["a"]
    s3.steps.fail("objects.delete", failure)
    error = await refusal(s3("DeleteObject", Bucket="box", Key="a"))
    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert await s3.read("box", "a") == b"x"
