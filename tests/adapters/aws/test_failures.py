"""What S3 and the network answer, in the words of file protocols."""

import pytest
from tests.fakes.stub_s3 import CREDENTIALS, error, hangs_up, ok, says_nothing, stub_s3

from crossdock.adapters.aws.failures import ACTIONS, BY_CODE, BY_STATUS
from crossdock.core.errors import Denied, FileError, InvalidName, NotFound, OutOfSpace, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace

PLACE = ObjectPlace(bucket="box", key="in/key")


@pytest.mark.parametrize("code", BY_CODE)
async def test_every_code_has_its_meaning_whatever_its_status(code):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(400, code, "in S3's words"))
        with pytest.raises(BY_CODE[code]) as caught:
            await store.put(PLACE, [b"content"], {})
    assert type(caught.value) is BY_CODE[code]
    assert f"{code}: in S3's words (request R1)" in str(caught.value)
    assert "box/in/key" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [*BY_STATUS.items(), (400, Unsupported), (405, Unsupported), (500, Unavailable), (503, Unavailable)],
)
async def test_a_code_that_nobody_knows_is_read_by_its_status(status, kind):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(status, "VendorsOwn"), ok(status=status))
        with pytest.raises(kind) as listed:
            await store.list("box", "")
        # HeadObject's errors have no body.
        with pytest.raises(kind) as looked:
            await store.head(PLACE)
    assert type(listed.value) is type(looked.value) is kind


async def test_a_denial_names_the_action_that_was_missing_and_no_secret():
    async with stub_s3() as stub, stub.store() as store:
        upload_answer = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        calls = {
            "s3:GetObject": [lambda: store.head(PLACE), lambda: store.read(PLACE), lambda: store.read(PLACE, offset=1)],
            "s3:PutObject": [lambda: store.put(PLACE, [b"x"], {}), lambda: store.start_multipart(PLACE, {})],
            "s3:DeleteObject": [lambda: store.delete(PLACE)],
            "s3:ListBucket": [lambda: store.list("box", "in/")],
        }
        for action, attempts in calls.items():
            for attempt in attempts:
                stub.then(error(403, "AccessDenied"))
                with pytest.raises(Denied) as caught:
                    await attempt()
                assert action in str(caught.value)
                assert "box/in/" in str(caught.value)
                for secret in (CREDENTIALS.secret_access_key, CREDENTIALS.session_token):
                    assert secret not in str(caught.value)
        stub.then(ok(upload_answer))
        upload = await store.start_multipart(PLACE, {})
        stub.then(error(403, "AccessDenied"), error(403, "AccessDenied"), error(403, "AccessDenied"))
        with pytest.raises(Denied, match="s3:PutObject"):
            await upload.upload_part(1, [b"x"])
        with pytest.raises(Denied, match="s3:PutObject"):
            await upload.complete()
        with pytest.raises(Denied, match="s3:AbortMultipartUpload"):
            await upload.abort()
    assert stub.is_done


def test_every_call_has_the_action_that_it_needs():
    from crossdock.adapters.aws.connection import S3Api

    methods = {name.replace("_", "") for name in S3Api.__annotations__}
    assert methods == {operation.lower() for operation in ACTIONS}


@pytest.mark.parametrize("say", [hangs_up, says_nothing, ok(b"<no end", status=200), ok(b"\xff", status=500)])
async def test_a_network_that_fails_is_unavailable(say):
    async with stub_s3() as stub, stub.store(read_timeout_s=0.3) as store:
        stub.then(say)
        with pytest.raises(Unavailable, match="ListObjectsV2 of box/"):
            await store.list("box", "")


async def test_a_store_that_is_not_there_is_unavailable():
    async with stub_s3() as stub:
        port = stub.port
    stub.port = port
    async with stub.store() as store:
        with pytest.raises(Unavailable, match="PutObject of box/in/key"):
            await store.put(PLACE, [b"x"], {})


@pytest.mark.parametrize("place", [ObjectPlace(bucket="box", key=""), ObjectPlace(bucket="no/bucket", key="key")])
async def test_a_name_that_botocore_refuses_is_invalid(place):
    async with stub_s3() as stub, stub.store() as store:
        with pytest.raises(InvalidName):
            await store.head(place)
    assert stub.seen == []


async def test_a_store_that_is_busy_is_asked_again_with_the_whole_body():
    async with stub_s3() as stub, stub.store(attempts=3) as store:
        stub.then(error(503, "SlowDown"), hangs_up, ok(headers={"ETag": '"x"'}))
        info = await store.put(PLACE, [b"one ", b"two"], {})
        assert (info.size, info.etag) == (7, "x")
    assert [seen.body for seen in stub.seen] == [b"one two"] * 3


async def test_a_store_that_stays_busy_is_unavailable():
    async with stub_s3() as stub, stub.store(attempts=2) as store:
        stub.then(error(503, "SlowDown"), error(503, "SlowDown"))
        with pytest.raises(Unavailable, match="SlowDown"):
            await store.put(PLACE, [b"x"], {})
    assert len(stub.seen) == 2


def test_the_table_means_file_errors():
    kinds = {*BY_CODE.values(), *BY_STATUS.values()}
    assert kinds == {Denied, NotFound, InvalidName, OutOfSpace, Unavailable}
    assert all(issubclass(kind, FileError) for kind in kinds)
