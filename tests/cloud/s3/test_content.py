"""Objects so small that they lie in the index: no blob is made of them, and all else is as with any object."""

from collections.abc import AsyncIterator
from hashlib import md5

import pytest
from tests.fakes.s3 import EmbeddedS3, make_s3, refusal

from crossdock.cloud.s3.content import ContentReader
from crossdock.cloud.s3.storage import INDEXED_BYTES
from crossdock.core.errors import OutOfSpace

SMALL = b"small object"


@pytest.fixture
async def s3() -> AsyncIterator[EmbeddedS3]:
    made = await make_s3(indexed_bytes=INDEXED_BYTES)
    await made.bucket("box")
    yield made
    made.close()
    await made.check_tidy()


async def test_up_to_the_limit_no_blob_is_made(s3: EmbeddedS3):
    for size, blobs in ((0, 0), (1, 0), (INDEXED_BYTES, 0), (INDEXED_BYTES + 1, 1)):
        content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        answer = await s3.put("box", "key", content)
        assert answer["ETag"] == f'"{md5(content).hexdigest()}"'
        assert await s3.read("box", "key") == content
        assert len(s3.blobs.blob_ids) == blobs
    assert await s3.put("box", "key", SMALL)
    assert s3.blobs.blob_ids == frozenset()


async def test_ranges_are_of_its_bytes(s3: EmbeddedS3):
    await s3.put("box", "key", SMALL)
    for header, wanted in (
        ("bytes=0-0", b"s"),
        ("bytes=6-", b"object"),
        ("bytes=-3", b"ect"),
        ("bytes=2-99", SMALL[2:]),
    ):
        assert await s3.read("box", "key", Range=header) == wanted


async def test_it_is_copied_whole_and_as_a_part(s3: EmbeddedS3):
    await s3.put("box", "key", SMALL)
    await s3("CopyObject", Bucket="box", Key="copy", CopySource="box/key")
    upload = await s3.upload("box", "joined")
    copied = await s3("UploadPartCopy", Bucket="box", Key="joined", UploadId=upload, PartNumber=1, CopySource="box/key")
    part = {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}
    await s3("DeleteObject", Bucket="box", Key="key")
    await s3.complete("box", "joined", upload, [part])
    assert await s3.read("box", "copy") == await s3.read("box", "joined") == SMALL


async def test_a_checksum_that_it_does_not_have_is_computed_when_it_is_copied(s3: EmbeddedS3):
    await s3.put("box", "key", SMALL)
    answer = await s3("CopyObject", Bucket="box", Key="copy", CopySource="box/key", ChecksumAlgorithm="SHA1")
    assert answer["CopyObjectResult"]["ChecksumSHA1"] == "YZBGcDb8M6xaxACADeZ21TpP3b4="


async def test_what_could_not_be_committed_is_not_there(s3: EmbeddedS3):
    s3.steps.fail("objects.put", OutOfSpace("full"))
    assert (await refusal(s3.put("box", "key", SMALL))).code == "ServiceUnavailable"
    assert await s3.keys("box") == []


async def test_its_reader_has_no_file():
    reader = ContentReader(SMALL)
    assert reader.size == len(SMALL)
    assert await reader.region(0) is None
    assert await reader.read(6, 3) == b"obj"
    assert await reader.read(len(SMALL), 3) == b""
    reader.close()
