"""Server-side encryption that is asked for: refused, or noted and answered where a setting says so."""

import pytest
from tests.fakes.s3 import EmbeddedS3, content_of, make_s3, refusal

from crossdock.cloud.s3.encryption import HEADERS, asked_encryption, encryption_members
from crossdock.core.errors import ServiceError

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = f"arn:aws:kms:us-east-1:111111111111:key/{KEY_ID}"
FOREIGN = f"arn:aws:kms:us-east-1:222222222222:key/{KEY_ID}"
AES = {"ServerSideEncryption": "AES256"}
BY_KMS = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY, "BucketKeyEnabled": True}


def members(answer):
    return {
        name: answer[name] for name in ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled") if name in answer
    }


@pytest.fixture
async def noting():
    s3 = await make_s3(notes_encryption=True)
    await s3.bucket("box")
    yield s3
    await s3.check_tidy()
    s3.close()


@pytest.mark.parametrize("asked", [AES, BY_KMS])
async def test_what_is_asked_for_is_answered_by_every_operation_that_tells_it(noting: EmbeddedS3, asked):
    s3 = noting
    assert members(await s3.put("box", "k", b"content", **asked)) == asked
    assert members(await s3("HeadObject", Bucket="box", Key="k")) == asked
    got = await s3("GetObject", Bucket="box", Key="k")
    assert members(got) == asked
    assert await content_of(got["Body"]) == b"content"
    begun = await s3("CreateMultipartUpload", Bucket="box", Key="parts", **asked)
    assert members(begun) == asked
    named = {"Bucket": "box", "Key": "parts", "UploadId": begun["UploadId"]}
    sent = await s3("UploadPart", **named, PartNumber=1, Body=b"x" * (5 << 20))
    assert members(sent) == asked
    copied = await s3("UploadPartCopy", **named, PartNumber=2, CopySource="box/k")
    assert members(copied) == asked
    parts = [{"PartNumber": 1, "ETag": sent["ETag"]}, {"PartNumber": 2, "ETag": copied["CopyPartResult"]["ETag"]}]
    assert members(await s3("CompleteMultipartUpload", **named, MultipartUpload={"Parts": parts})) == asked
    assert members(await s3("HeadObject", Bucket="box", Key="parts")) == asked


async def test_a_copy_is_encrypted_as_it_is_asked_for_and_not_as_its_source(noting: EmbeddedS3):
    s3 = noting
    await s3.put("box", "k", **BY_KMS)
    assert members(await s3("CopyObject", Bucket="box", Key="plain", CopySource="box/k")) == {}
    assert members(await s3("CopyObject", Bucket="box", Key="aes", CopySource="box/k", **AES)) == AES
    # Onto itself too, for that changes it.
    assert members(await s3("CopyObject", Bucket="box", Key="k", CopySource="box/k", **AES)) == AES
    assert members(await s3("HeadObject", Bucket="box", Key="k")) == AES


@pytest.mark.parametrize("params", [AES, BY_KMS, {"SSEKMSKeyId": KEY}, {"BucketKeyEnabled": True}])
async def test_without_the_setting_nobody_is_told_that_anything_is_encrypted(s3: EmbeddedS3, params):
    await s3.bucket("box")
    await s3.put("box", "source")
    for operation, further in (
        ("PutObject", {}),
        ("CreateMultipartUpload", {}),
        ("CopyObject", {"CopySource": "box/source"}),
    ):
        error = await refusal(s3(operation, Bucket="box", Key="k", **further, **params))
        assert error.code == "NotImplemented"
        assert "encrypt its disk" in error.message


def asked(**params):
    return asked_encryption(params, is_noted=True, account_id="111111111111", region="us-east-1")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (KEY_ID, KEY),
        (FOREIGN, FOREIGN),
        ("alias/files", "arn:aws:kms:us-east-1:111111111111:alias/files"),
        (None, "arn:aws:kms:us-east-1:111111111111:alias/aws/s3"),
    ],
)
def test_a_key_is_told_by_its_arn(named, told):
    for algorithm in ("aws:kms", "aws:kms:dsse"):
        noted = asked(ServerSideEncryption=algorithm, SSEKMSKeyId=named)
        assert encryption_members(noted) == {"ServerSideEncryption": algorithm, "SSEKMSKeyId": told}


def test_nothing_is_noted_of_a_write_that_asks_for_nothing():
    assert asked() == asked(BucketKeyEnabled=False) == {}
    assert encryption_members({}) == {}
    assert asked(**BY_KMS).keys() == {*HEADERS}


@pytest.mark.parametrize(
    "params",
    [
        {"ServerSideEncryption": "rot13"},
        {"SSEKMSKeyId": KEY},
        {"ServerSideEncryption": "AES256", "SSEKMSKeyId": KEY},
    ],
)
def test_what_does_not_go_together_is_refused(params):
    with pytest.raises(ServiceError, match="InvalidArgument"):
        asked(**params)
