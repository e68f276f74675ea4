"""Code on its way in: from the request, from a bucket, and what of it is refused."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from tests.fakes.functions import MemoryFunctionCode, archive
from tests.fakes.lambda_ import ZIP, EmbeddedLambda, make_lambda

from crossdock.adapters.memory.blobs import MemoryBlobs
from crossdock.adapters.memory.object_index import MemoryObjectIndex, MemoryObjects, MemoryUploadIndex
from crossdock.cloud.lambda_ import package
from crossdock.cloud.lambda_.package import sweep_packages
from crossdock.cloud.s3.bucket_directory import BucketDirectory
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.table import s3_operations
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.operations.streams import BytesBody

INVALID = "InvalidParameterValueException"
NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def bomb() -> bytes:
    content = BytesIO()
    info = ZipInfo("zeros")
    info.compress_type = ZIP_DEFLATED
    with ZipFile(content, "w") as file, file.open(info, "w", force_zip64=True) as member:
        for _ in range(251):
            member.write(bytes(1 << 20))
    return content.getvalue()


def damaged() -> bytes:
    found = bytearray(archive({"index.py": "x = 1" * 100}))
    found[40] ^= 0xFF
    return bytes(found)


@pytest.mark.parametrize(
    ("zipped", "words"),
    [
        (b"no zip", NOT_A_ZIP),
        (b"", "Uploaded file must be a non-empty zip"),
        (archive({}), "Uploaded file must be a non-empty zip"),
        (archive({"../outside.py": ""}), "unusable name"),
        (archive({"/etc/passwd": ""}), "unusable name"),
        (damaged(), "damaged"),
    ],
)
async def test_what_is_no_good_archive_is_refused(cloud: EmbeddedLambda, zipped: bytes, words: str):
    for operation, params in (
        ("CreateFunction", cloud.function("g", Code={"ZipFile": zipped})),
        ("UpdateFunctionCode", {"FunctionName": "f", "ZipFile": zipped}),
    ):
        if operation == "UpdateFunctionCode":
            await cloud.make("f")
        code, message = await cloud.refusal(operation, **params)
        assert code == INVALID
        assert words in message
    assert list(cloud.code.archives.values()) == [ZIP]


async def test_a_zip_bomb_is_refused_by_what_it_would_become(cloud: EmbeddedLambda):
    code, message = await cloud.refusal("CreateFunction", **cloud.function("f", Code={"ZipFile": bomb()}))
    assert (code, message) == (INVALID, "Unzipped size must be smaller than 262144000 bytes")


async def test_an_archive_beyond_the_limit_is_refused(cloud: EmbeddedLambda, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(package, "MAX_ZIPPED", len(ZIP) - 1)
    code, message = await cloud.refusal("CreateFunction", **cloud.function("f"))
    assert code == INVALID
    assert "too large" in message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ({}, "Please provide a source for function code."),
        ({"S3Bucket": "box"}, "Please provide a source for function code."),
        ({"ZipFile": ZIP, "S3Bucket": "box"}, "Please do not provide other FunctionCode parameters"),
        ({"ImageUri": "registry/image"}, "runs no container images"),
    ],
)
async def test_there_is_one_source_of_code(cloud: EmbeddedLambda, code: dict, words: str):
    found, message = await cloud.refusal("CreateFunction", **cloud.function("f", Code=code))
    assert found == INVALID
    assert words in message


@pytest.fixture
async def with_s3():
    objects = MemoryObjects()
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="digests")
    yield lambda parts: s3_operations(
        Storage(
            buckets=BucketDirectory(state=parts.state, epoch=parts.epoch),
            objects=MemoryObjectIndex(objects),
            uploads=MemoryUploadIndex(objects),
            blobs=MemoryBlobs(),
            epoch=parts.epoch,
            executor=executor,
        )
    )
    executor.shutdown()


@pytest.fixture
async def store(with_s3) -> EmbeddedLambda:
    """A Lambda beside an S3 with code in a bucket."""
    cloud = await make_lambda()
    cloud.operations.add(with_s3(cloud.parts))
    await cloud.call("s3", "CreateBucket", Bucket="box")
    await cloud.call("s3", "PutObject", Bucket="box", Key="code.zip", Body=BytesBody(content=ZIP))
    return cloud


async def test_code_may_lie_in_a_bucket(store: EmbeddedLambda):
    made = await store.make("f", Code={"S3Bucket": "box", "S3Key": "code.zip"})
    assert made["CodeSize"] == len(ZIP)
    other = archive({"index.py": "def handler(event, context): return 2"})
    await store.call("s3", "PutObject", Bucket="box", Key="code.zip", Body=BytesBody(content=other))
    updated = await store("UpdateFunctionCode", FunctionName="f", S3Bucket="box", S3Key="code.zip")
    assert updated["CodeSha256"] != made["CodeSha256"]
    assert list(store.code.archives.values()) == [other]


async def test_code_that_is_not_in_the_bucket_is_told_in_the_words_of_s3(store: EmbeddedLambda):
    for bucket, code in (("box", "NoSuchKey"), ("none", "NoSuchBucket")):
        source = {"S3Bucket": bucket, "S3Key": "absent.zip"}
        found, message = await store.refusal("CreateFunction", **store.function("f", Code=source))
        assert found == INVALID
        assert message.startswith(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: ")


async def test_code_is_read_with_the_permissions_of_who_brings_it(store: EmbeddedLambda):
    visitor = await store.role_session("visitor", ["lambda:*", "iam:PassRole"], "*")
    params = store.function("f", Code={"S3Bucket": "box", "S3Key": "code.zip"})
    code, message = await store.refusal("CreateFunction", as_=visitor, **params)
    assert code == "AccessDeniedException"
    assert "please make sure your request credentials have permission to GetObject for box/code.zip" in message
    assert store.code.archives == {}


async def test_an_object_beyond_the_limit_is_not_even_read(store: EmbeddedLambda, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(package, "MAX_ZIPPED", len(ZIP) - 1)
    source = {"S3Bucket": "box", "S3Key": "code.zip"}
    code, message = await store.refusal("CreateFunction", **store.function("f", Code=source))
    assert code == INVALID
    assert "too large" in message


async def test_a_version_of_an_object_is_asked_for_as_such():
    asked = []

    async def get_object(call: Call):
        asked.append(dict(call.params))
        raise ServiceError("ServiceUnavailable", "The service's disk is full.", status=503)

    s3 = ServiceOperations(
        service="s3", operations={"GetObject": Operation(handler=get_object, permissions=needs_nothing)}
    )
    cloud = await make_lambda(None, None, s3)
    source = {"S3Bucket": "box", "S3Key": "k", "S3ObjectVersion": "v1"}
    assert (await cloud.refusal("CreateFunction", **cloud.function("f", Code=source)))[0] == "ServiceUnavailable"
    assert asked == [{"Bucket": "box", "Key": "k", "VersionId": "v1"}]


async def test_an_answer_without_a_body_is_a_mistake_of_ours():
    async def get_object(_call: Call):
        return {"Body": b"bytes"}

    s3 = ServiceOperations(
        service="s3", operations={"GetObject": Operation(handler=get_object, permissions=needs_nothing)}
    )
    cloud = await make_lambda(None, None, s3)
    with pytest.raises(TypeError):
        await cloud.make("f", Code={"S3Bucket": "box", "S3Key": "k"})


async def test_archives_that_nobody_refers_to_are_swept_at_start(cloud: EmbeddedLambda):
    await cloud.make("f")
    await cloud.code.put(b"of a service that was killed")
    assert await sweep_packages(cloud.parts.state, cloud.code) == 1
    assert list(cloud.code.archives.values()) == [ZIP]
    assert (await cloud("Invoke", FunctionName="f"))["StatusCode"] == 200
    assert await sweep_packages(cloud.parts.state, cloud.code) == 0


class StuckCode(MemoryFunctionCode):
    """Deletes nothing."""

    async def delete(self, archive_id: str) -> None:
        raise Unavailable("the disk does not answer")


async def test_an_archive_that_cannot_be_removed_is_no_failure_of_the_change(caplog: pytest.LogCaptureFixture):
    cloud = await make_lambda(None, StuckCode())
    await cloud.make("f")
    assert await cloud("DeleteFunction", FunctionName="f") == {"StatusCode": 204}
    assert [record.message for record in caplog.records] == ["a function's code cannot be removed yet"]
