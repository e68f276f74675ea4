"""What answers with success to everything, and is no S3: a web server, a captive proxy, another port of the S3."""

from collections.abc import Awaitable, Callable

import pytest
from tests.fakes.stub_s3 import ok, stub_s3

from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import ObjectPlace

PLACE, OTHER = ObjectPlace(bucket="box", key="key"), ObjectPlace(bucket="box", key="other")
PAGE = b"<html><body>welcome</body></html>"
BEGUN = ok(b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
PART = ok(headers={"ETag": '"0123456789abcdef0123456789abcdef"'})


async def put(store: AwsObjectStore) -> None:
    await store.put(PLACE, [b"x"], {})


async def upload(store: AwsObjectStore) -> None:
    begun = await store.start_multipart(PLACE, {})
    await begun.upload_part(1, [b"x"])
    await begun.complete()


async def look(store: AwsObjectStore) -> None:
    await store.head(PLACE)


async def read(store: AwsObjectStore) -> None:
    await store.read(PLACE)


async def rename(store: AwsObjectStore) -> None:
    await store.copy(PLACE, OTHER)


async def show(store: AwsObjectStore) -> None:
    await store.list("box", "")


@pytest.mark.parametrize("page", [ok(PAGE), ok(b"welcome"), ok(status=201, headers={"ETag": '"x"'})])
@pytest.mark.parametrize("act", [put, upload, rename, show])
async def test_success_of_what_is_no_s3_is_none(act: Callable[[AwsObjectStore], Awaitable[None]], page):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*[page] * 6)
        with pytest.raises(FileError):
            await act(store)


@pytest.mark.parametrize("act", [look, read])
async def test_no_object_is_told_by_a_page(act: Callable[[AwsObjectStore], Awaitable[None]]):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(PAGE))
        with pytest.raises(Unavailable, match="ETag"):
            await act(store)


@pytest.mark.parametrize("answers", [[BEGUN, ok(PAGE)], [BEGUN, PART, ok(PAGE), ok(PAGE)]])
async def test_an_upload_that_is_answered_by_a_page_in_the_middle_is_no_success(answers):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*answers, *[ok(PAGE)] * 4)
        with pytest.raises(Unavailable):
            await upload(store)
