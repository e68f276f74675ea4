"""What answers with success to everything, and is no S3: a web server, a captive proxy, another port of the S3."""

from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from tests.fakes.stub_s3 import CREDENTIALS, error, ok, stub_s3
from tests.fakes.worker_lines import MemoryLedger

from crossdock.adapters.aws.answers import UNKNOWN, Answer
from crossdock.adapters.aws.connection import BoundS3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.sending import S3Sender
from crossdock.adapters.aws.writing import AS_THE_BUCKET_SAYS, ObjectWriter
from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import OpenUpload
from crossdock.ports.upload_ledger import BegunUpload

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


async def remove(store: AwsObjectStore) -> None:
    await store.delete(PLACE)


async def remove_one(store: AwsObjectStore) -> None:
    await store.delete(PLACE, if_match="x")


async def abort(store: AwsObjectStore) -> None:
    await store.abort_upload(BegunUpload(place=PLACE, upload_id="u", role_arn=""))


async def resume(store: AwsObjectStore) -> None:
    await store.resume_multipart(OpenUpload(place=PLACE, upload_id="u", metadata={}, began_at=UNKNOWN))


@pytest.mark.parametrize("page", [ok(PAGE), ok(b"welcome"), ok(status=201, headers={"ETag": '"x"'})])
@pytest.mark.parametrize("act", [put, upload, rename, show, remove, remove_one, abort, resume])
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


@pytest.mark.parametrize(
    ("act", "answer", "is_gone"),
    [
        (remove, ok(status=204), True),
        (abort, ok(status=204), True),
        # Of Garage, and of SeaweedFS as it was.
        (abort, ok(), True),
        (abort, ok(b"<AbortMultipartUploadOutput/>", headers={"x-amz-request-id": "1"}), True),
        (remove, ok(headers={"x-amz-request-id": "1"}), True),
        (abort, error(404, "NoSuchUpload"), True),
        (remove, ok(), False),
        (remove, ok(status=202, headers={"x-amz-request-id": "1"}), False),
        (abort, ok(status=202), False),
        (abort, ok(PAGE), False),
    ],
)
async def test_what_is_gone_is_told_as_an_s3_tells_it(act, answer, is_gone):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(answer)
        if is_gone:
            await act(store)
        else:
            with pytest.raises(Unavailable, match="nothing is known to be deleted: is the endpoint an S3"):
                await act(store)
    assert stub.is_done


async def test_an_upload_whose_abort_a_page_answers_stays_noted():
    ledger = MemoryLedger("box")
    async with stub_s3() as stub, stub.store(ledger=ledger) as store:
        stub.then(BEGUN, ok(PAGE))
        upload = await store.start_multipart(PLACE, {})
        with pytest.raises(Unavailable):
            await upload.abort()
    assert [one.upload_id for one in ledger.noted][-1] == "u"


@pytest.mark.parametrize(
    ("operation", "body", "missing"),
    [
        (
            "ListParts",
            b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size></Part></ListPartsResult>",
            "ETag",
        ),
        (
            "ListObjectsV2",
            b"<ListBucketResult><Name>box</Name><Contents><Size>5</Size></Contents></ListBucketResult>",
            "Key",
        ),
        (
            "ListMultipartUploads",
            b"<ListMultipartUploadsResult><Upload><Key>k</Key></Upload></ListMultipartUploadsResult>",
            "UploadId",
        ),
    ],
)
async def test_what_a_listing_lists_has_what_names_it(operation, body, missing):
    of_an_upload = {"Key": "key", "UploadId": "u"} if operation == "ListParts" else {}
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(body))
        with pytest.raises(Unavailable, match=f"{operation} of box/.*: the answer tells no {missing}: "):
            await store.bound_s3.call(operation, Bucket="box", **of_an_upload)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("ListObjectsV2", ok(b"<ListBucketResult><Name>box</Name><MaxKeys>many</MaxKeys></ListBucketResult>")),
        ("HeadObject", ok(headers={"ETag": '"x"', "Last-Modified": "today, perhaps"})),
    ],
)
async def test_numbers_and_dates_that_are_none_are_no_answer(operation, answer):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(answer)
        with pytest.raises(Unavailable, match=r"(many|perhaps).*: is the endpoint an S3"):
            await store.bound_s3.call(operation, Bucket="box", **({"Key": "k"} if operation == "HeadObject" else {}))


async def test_what_is_wrong_with_a_request_is_not_asked_of_the_endpoint():
    async def head_object(**_params: object) -> Answer:
        raise ValueError("a line break in a header")

    bound = BoundS3(
        {"HeadObject": head_object},
        cast(S3Sender, None),
        CREDENTIALS,
        checksum=None,
        writer=ObjectWriter(AS_THE_BUCKET_SAYS, grants_across_accounts=False),
        principal=None,
    )
    with pytest.raises(ValueError, match=r"^a line break in a header$"):
        await bound.call("HeadObject", Bucket="box", Key="k")


async def test_a_completed_upload_may_have_no_etag():
    """As Ceph Pacific's."""
    body = b"<CompleteMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><ETag/></CompleteMultipartUploadResult>"
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(body), ok(body.replace(b"<ETag/>", b"")))
        for _ in range(2):
            told = await store.bound_s3.call("CompleteMultipartUpload", Bucket="box", Key="k", UploadId="u")
            assert (told["Key"], told.get("ETag", "")) == ("k", "")
