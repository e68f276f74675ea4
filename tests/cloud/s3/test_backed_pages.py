"""An attached bucket behind which a page answers with success: nobody is told that something is done or not there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from tests.fakes.backed_cloud import attach, backed_cloud
from tests.fakes.s3 import EmbeddedS3
from tests.fakes.stub_s3 import StubS3, error, ok, stub_s3

from crossdock.core.errors import ServiceError

PAGE = ok(b"<html><body>down for maintenance</body></html>")
OF_AN_UPLOAD = {"Key": "k", "UploadId": "u"}


@pytest.fixture
async def stub() -> AsyncIterator[StubS3]:
    async with stub_s3() as stub:
        yield stub


@pytest.fixture
async def s3(tmp_path, stub: StubS3) -> AsyncIterator[EmbeddedS3]:
    """With the bucket `box`, behind which the stub is."""
    async with backed_cloud(tmp_path) as backed:
        await attach(backed.cloud, "box", replace(backed.backing(), endpoint_url=stub.url))
        yield backed.cloud.s3


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("AbortMultipartUpload", OF_AN_UPLOAD),
        ("CompleteMultipartUpload", {**OF_AN_UPLOAD, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "e"}]}}),
        ("CopyObject", {"Key": "k", "CopySource": "box/j"}),
        ("CreateMultipartUpload", {"Key": "k"}),
        ("DeleteObject", {"Key": "k"}),
        ("GetObject", {"Key": "k"}),
        ("GetObjectAttributes", {"Key": "k", "ObjectAttributes": ["ETag"]}),
        ("HeadObject", {"Key": "k"}),
        ("ListMultipartUploads", {}),
        ("ListObjects", {}),
        ("ListObjectsV2", {}),
        ("ListParts", OF_AN_UPLOAD),
        ("PutObject", {"Key": "k"}),
        ("UploadPart", {**OF_AN_UPLOAD, "PartNumber": 1}),
        ("UploadPartCopy", {**OF_AN_UPLOAD, "PartNumber": 1, "CopySource": "box/j"}),
    ],
)
async def test_a_page_is_no_answer_of_a_bucket(s3: EmbeddedS3, stub: StubS3, operation: str, params: dict[str, Any]):
    stub.then(PAGE)
    with pytest.raises(ServiceError) as raised:
        await s3(operation, Bucket="box", **params)
    assert (raised.value.code, raised.value.status) == ("ServiceUnavailable", 503)
    assert stub.is_done


async def test_of_many_to_delete_none_is_told_deleted(s3: EmbeddedS3, stub: StubS3):
    stub.then(PAGE, PAGE)
    told = await s3("DeleteObjects", Bucket="box", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    assert [(one["Key"], one["Code"]) for one in told["Errors"]] == [(key, "ServiceUnavailable") for key in "ab"]
    assert not told.get("Deleted")


async def test_a_page_in_place_of_what_an_unchanged_object_is_told_by(s3: EmbeddedS3, stub: StubS3):
    stub.then(error(304, "NotModified"), PAGE)
    with pytest.raises(ServiceError) as raised:
        await s3("GetObject", Bucket="box", Key="k", IfNoneMatch='"x"')
    assert raised.value.code == "ServiceUnavailable"


async def test_an_s3_without_a_clock_has_objects_without_a_date(s3: EmbeddedS3, stub: StubS3):
    async def undated(request: web.BaseRequest) -> web.Response:
        return web.Response(headers={"ETag": '"x"', "Content-Length": "3"})

    stub.then(undated, error(304, "NotModified"), undated)
    told = await s3("GetObjectAttributes", Bucket="box", Key="k", ObjectAttributes=["ETag", "ObjectSize"])
    assert told == {"ETag": "x", "ObjectSize": 3}
    with pytest.raises(ServiceError) as raised:
        await s3("GetObject", Bucket="box", Key="k", IfNoneMatch='"x"')
    assert (raised.value.code, raised.value.headers) == ("NotModified", {"ETag": '"x"'})
