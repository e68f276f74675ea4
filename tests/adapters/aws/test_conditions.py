"""What is asked of S3 so that nobody's object is replaced or deleted unseen, also of stores that know no conditions."""

import os
from hashlib import md5

import pytest
from tests.contract.object_stores import connect
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.stub_s3 import error, hangs_up, ok, stub_s3

from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.cloud.s3.etags import multipart_etag
from crossdock.core.errors import Exists, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace

SOURCE = ObjectPlace(bucket="box", key="source")
TARGET = ObjectPlace(bucket="box", key="target")
PART = 5 << 20
HEAD = ok(headers={"ETag": '"x"', "Content-Length": "25"})
OTHER = ok(headers={"ETag": '"y"', "Content-Length": "25"})
NOTHING = ok(status=404)
DONE = ok(status=204)
MADE = ok(
    b"<CopyObjectResult><ETag>&quot;x&quot;</ETag><LastModified>2026-03-15T00:47:00Z</LastModified></CopyObjectResult>"
)
BEGUN = ok(b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
FAILED = error(412, "PreconditionFailed")
CONFLICT = error(409, "ConditionalRequestConflict")
UNKNOWN = error(501, "NotImplemented")
# What finds a connection closed that was used before, aiohttp sends again.
UNHEARD = pytest.mark.parametrize("refusal", [(FAILED,), (CONFLICT,), (hangs_up, hangs_up)])


def methods(stub) -> list[str]:
    return [seen.method for seen in stub.seen]


# Copies that replace nothing.


async def test_a_copy_asks_for_a_target_without_an_object():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, MADE)
        copied = await store.copy(SOURCE, TARGET, if_none_match=True)
        stub.then(HEAD, MADE)
        await store.copy(SOURCE, TARGET)
    assert (copied.source.etag, copied.target.etag) == ("x", "x")
    assert stub.seen[1].headers["if-none-match"] == "*"
    assert stub.seen[1].headers["x-amz-copy-source-if-match"] == '"x"'
    assert "if-none-match" not in stub.seen[3].headers


@UNHEARD
async def test_a_copy_to_what_somebody_else_put_there_is_refused(refusal):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, *refusal, OTHER)
        with pytest.raises(Exists):
            await store.copy(SOURCE, TARGET, if_none_match=True)
    assert stub.is_done


@UNHEARD
async def test_a_copy_that_was_made_unheard_is_made(refusal):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, *refusal, HEAD)
        assert (await store.copy(SOURCE, TARGET, if_none_match=True)).target.place == TARGET


async def test_a_copy_that_fails_with_nothing_at_the_target_fails_as_it_did():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, FAILED, NOTHING)
        with pytest.raises(Unavailable, match="PreconditionFailed"):
            await store.copy(SOURCE, TARGET, if_none_match=True)


async def test_where_conditions_are_refused_the_target_is_looked_at():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, UNKNOWN, NOTHING, MADE)
        await store.copy(SOURCE, TARGET, if_none_match=True)
        assert methods(stub) == ["HEAD", "PUT", "HEAD", "PUT"]
        assert "if-none-match" not in stub.seen[3].headers
        stub.then(HEAD, UNKNOWN, OTHER, OTHER)
        with pytest.raises(Exists):
            await store.copy(SOURCE, TARGET, if_none_match=True)
        stub.then(HEAD, UNKNOWN)
        with pytest.raises(Unavailable, match="NotImplemented"):
            await store.copy(SOURCE, TARGET)
    assert stub.is_done


async def test_a_copy_in_parts_replaces_nothing_either():
    content = os.urandom(2 * PART)
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "source", content)
        arn = await cloud.role("role", ["s3:*"], ["arn:aws:s3:::box", "arn:aws:s3:::box/*"])
        store = AwsObjectStore(connection, await cloud.session_of(arn), max_copy=PART)
        cloud.s3.steps.before("uploads.complete", lambda: cloud.s3.put("box", "target", b"somebody else's"))
        with pytest.raises(Exists):
            await store.copy(SOURCE, TARGET, if_none_match=True)
        assert await cloud.s3.read("box", "target") == b"somebody else's"
        assert (await cloud.s3("ListMultipartUploads", Bucket="box"))["Uploads"] == []
        await cloud.s3("DeleteObject", Bucket="box", Key="target")
        await store.copy(SOURCE, TARGET, if_none_match=True)
        assert await cloud.s3.read("box", "target") == content


# Uploads that replace nothing.


async def test_an_upload_asks_for_a_key_without_an_object():
    part = md5(b"new").hexdigest()
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, ok(headers={"ETag": f'"{part}"'}), FAILED, OTHER)
        upload = await store.start_multipart(TARGET, {}, if_none_match=True)
        await upload.upload_part(1, [b"new"])
        with pytest.raises(Exists):
            await upload.complete()
        assert stub.seen[2].headers["if-none-match"] == "*"
        stub.then(FAILED, ok(headers={"ETag": f'"{multipart_etag([part])}"', "Content-Length": "3"}), DONE)
        assert (await upload.complete()).etag == multipart_etag([part])
    assert stub.is_done


@pytest.mark.parametrize(("there", "kind"), [(OTHER, Unavailable), (NOTHING, NotFound)])
async def test_where_conditions_are_refused_the_object_that_is_replaced_is_looked_at(there, kind):
    completed = ok(b"<CompleteMultipartUploadResult><ETag>&quot;t-1&quot;</ETag></CompleteMultipartUploadResult>")
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, ok(headers={"ETag": '"p"'}))
        upload = await store.start_multipart(TARGET, {}, if_match="x")
        await upload.upload_part(1, [b"new"])
        stub.then(UNKNOWN, there, there)
        with pytest.raises(kind):
            await upload.complete()
        stub.then(UNKNOWN, HEAD, completed)
        assert (await upload.complete()).etag == "t-1"
    assert stub.is_done


# Deletions of one version.


async def test_a_deletion_looks_and_asks_for_the_same_version():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, DONE)
        await store.delete(SOURCE, if_match="x")
    assert methods(stub) == ["HEAD", "DELETE"]
    assert stub.seen[1].headers["if-match"] == '"x"'


@pytest.mark.parametrize("there", [OTHER, NOTHING])
async def test_another_version_is_not_deleted_by_stores_that_overlook_the_condition(there):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(there)
        await store.delete(SOURCE, if_match="x")
    assert methods(stub) == ["HEAD"]


@pytest.mark.parametrize("there", [OTHER, NOTHING])
@pytest.mark.parametrize("refusal", [FAILED, CONFLICT, error(404, "NoSuchKey")])
async def test_a_version_that_was_replaced_meanwhile_is_gone(refusal, there):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, refusal, there)
        await store.delete(SOURCE, if_match="x")
    assert stub.is_done


@pytest.mark.parametrize("refusal", [(CONFLICT, HEAD), (error(503, "SlowDown"),)])
async def test_a_version_that_is_still_there_was_not_deleted(refusal):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, *refusal)
        with pytest.raises(Unavailable):
            await store.delete(SOURCE, if_match="x")
    assert stub.is_done


async def test_where_conditions_are_refused_what_was_looked_at_is_deleted():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(HEAD, UNKNOWN, DONE)
        await store.delete(SOURCE, if_match="x")
    assert methods(stub) == ["HEAD", "DELETE", "DELETE"]
    assert "if-match" not in stub.seen[2].headers
