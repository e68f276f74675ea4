"""What S3 and the network answer, in the words of file protocols."""

import pytest
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.stub_s3 import CREDENTIALS, WHEN, connect, error, hangs_up, ok, says_nothing, stub_s3

from crossdock.adapters.aws.connection import S3Api
from crossdock.adapters.aws.failures import ACTIONS, BY_CODE, BY_STATUS
from crossdock.adapters.aws.requests import (
    abort_upload,
    complete_upload,
    create_upload,
    get_range,
    put_object,
    upload_part,
)
from crossdock.core.errors import (
    Denied,
    Exists,
    FileError,
    InvalidName,
    NameTooLong,
    NotFound,
    OutOfSpace,
    Unavailable,
    Unsupported,
)
from crossdock.core.homes import ObjectPlace

PLACE = ObjectPlace(bucket="box", key="in/key")


@pytest.mark.parametrize("code", BY_CODE)
async def test_every_code_has_its_meaning_whatever_its_status(code):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(error(400, code, "in S3's words"))
        with pytest.raises(BY_CODE[code]) as caught:
            await store.put(PLACE, [b"content"], {})
    assert type(caught.value) is BY_CODE[code]
    assert f"{code}: in S3's words (role files of account 111111111111, request R1)" in str(caught.value)
    assert "box/in/key" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [*BY_STATUS.items(), (405, Unsupported), (500, Unavailable), (503, Unavailable)],
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
    methods = {name.replace("_", "") for name in S3Api.__annotations__}
    sent = [
        put_object(PLACE, [], {}, None),
        create_upload(PLACE, {}, {}, None),
        upload_part(PLACE, "u", 1, [], None),
        complete_upload(PLACE, "u", [], headers={}),
        abort_upload(PLACE, "u"),
        get_range(PLACE, 0, 1),
    ]
    assert methods | {request.operation.lower() for request in sent} == {operation.lower() for operation in ACTIONS}


@pytest.mark.parametrize("say", [hangs_up, says_nothing, ok(b"<no end", status=200), ok(b"\xff", status=500)])
async def test_a_network_that_fails_is_unavailable(say):
    async with stub_s3() as stub, stub.store(read_timeout_s=0.3) as store:
        stub.then(say)
        with pytest.raises(Unavailable, match="ListObjectsV2 of box/"):
            await store.list("box", "")


async def test_a_refusal_without_a_reason_is_no_fault_of_the_client():
    """HeadObject with expired credentials, for one."""
    async with stub_s3() as stub, stub.store() as store:
        # botocore is then asked, which asks for the bucket's region, and that is no answer either.
        stub.then(ok(status=400), ok(status=400), ok(status=400), error(400, "VendorsOwn"))
        with pytest.raises(Unavailable, match="expired credentials, another region or a wrong clock"):
            await store.head(PLACE)
        with pytest.raises(Unsupported):
            await store.list("box", "")


CALLS = {
    "PutObject": lambda store: store.put(PLACE, [b"x"], {}),
    "GetObject": lambda store: store.read(PLACE),
    "DeleteObject": lambda store: store.delete(PLACE),
}
"""Of the hot path and of botocore's: both tell the same."""


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error(403, "AccessDenied"), Denied, r"on box/in/key: AccessDenied: no \(role files"),
        (error(400, "ExpiredToken"), Denied, "credentials have expired; ExpiredToken"),
        (error(404, "NoSuchBucket"), NotFound, "of box/in/key: NoSuchBucket"),
        (error(404, "NoSuchKey"), NotFound, "of box/in/key: NoSuchKey"),
        (error(412, "PreconditionFailed"), Unavailable, "PreconditionFailed"),
        (error(503, "SlowDown"), Unavailable, "throttles the requests; SlowDown"),
        (error(403, "RequestTimeTooSkewed"), Unavailable, f"S3's clock says {WHEN}"),
        (error(301, "PermanentRedirect", region="eu-west-1"), Unavailable, "bucket is in region eu-west-1"),
        (error(403, "SignatureDoesNotMatch"), Denied, "the secret key is another one"),
    ],
)
async def test_the_sentence_says_what_is_wrong_and_who_asked(operation, answer, kind, words):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(answer, answer, answer)
        with pytest.raises(kind, match=words) as caught:
            await CALLS[operation](store)
    assert "role files of account 111111111111, request R1" in str(caught.value)


HEADS = {
    "of the hot path": lambda store: store.head(PLACE),
    "of botocore's": lambda store: store.copy(PLACE, ObjectPlace(bucket="box", key="to")),
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    ("status", "headers", "kind", "sentence"),
    [
        (
            403,
            {"x-amz-request-id": "R1"},
            Denied,
            "s3:GetObject on box/in/key: S3 gave no reason; expired credentials, a wrong clock and, to who lacks "
            "s3:ListBucket, an object that is not there are answered so too; AccessDenied (403)",
        ),
        (404, {"x-amz-id-2": "R1"}, NotFound, "HeadObject of box/in/key: NoSuchKey or NoSuchBucket (404)"),
        (
            503,
            {"x-amz-request-id": "R1", "x-amz-id-2": "another"},
            Unavailable,
            "HeadObject of box/in/key: SlowDown or ServiceUnavailable (503)",
        ),
        (
            301,
            {"x-amz-request-id": "R1", "x-amz-bucket-region": "eu-west-1"},
            Unavailable,
            "HeadObject of box/in/key: the bucket is in region eu-west-1; PermanentRedirect (301)",
        ),
    ],
)
async def test_an_answer_to_head_which_has_no_words_is_told_in_a_sentence_too(head, status, headers, kind, sentence):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(*[ok(status=status, headers=headers)] * 6)
        with pytest.raises(kind) as caught:
            await HEADS[head](store)
    assert str(caught.value) == f"{sentence} (role files of account 111111111111, request R1)"


@pytest.mark.parametrize("operation", CALLS)
async def test_a_name_that_cannot_be_found_is_told(operation):
    async with connect("http://nobody.invalid") as store:
        with pytest.raises(Unavailable, match=r"host name nobody\.invalid cannot be found.*account 111111111111"):
            await CALLS[operation](store)


@pytest.mark.parametrize("operation", CALLS)
async def test_a_certificate_of_an_unknown_authority_is_told(operation, tmp_path):
    async with stub_s3(tls=server_context(tmp_path)) as stub, connect(stub.url) as store:
        with pytest.raises(Unavailable, match=r"certificate of 127\.0\.0\.1 is not trusted"):
            await CALLS[operation](store)
    assert stub.seen == []


@pytest.mark.parametrize("operation", CALLS)
async def test_the_certificate_of_a_named_authority_is_believed(operation, tmp_path):
    bundle = tmp_path / "authorities.pem"
    bundle.write_text(self_signed().chain_pem)
    async with stub_s3(tls=server_context(tmp_path)) as stub:
        url = f"https://localhost:{stub.port}"
        stub.then(error(403, "AccessDenied"))
        async with connect(url, verify=str(bundle)) as store:
            with pytest.raises(Denied):
                await CALLS[operation](store)


@pytest.mark.parametrize("operation", CALLS)
async def test_a_store_that_speaks_no_tls_is_told(operation):
    async with stub_s3() as stub, connect(stub.url.replace("http:", "https:")) as store:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:[0-9]+ speaks no TLS: is the endpoint http:"):
            await CALLS[operation](store)


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
    assert kinds == {Denied, Exists, NotFound, InvalidName, NameTooLong, OutOfSpace, Unavailable, Unsupported}
    assert all(issubclass(kind, FileError) for kind in kinds)


@pytest.mark.parametrize("body", ["<Code>NoSuchBucket</Code>", "<Code>NoSuchBucket</Code><Message></Message>"])
async def test_an_s3_that_gives_no_reason_is_not_told_to_have_given_none(body):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(f"<Error>{body}</Error>".encode(), status=404))
        with pytest.raises(NotFound) as caught:
            await store.list("box", "")
    assert "NoSuchBucket" in str(caught.value)
    assert "None" not in str(caught.value)
    assert str(caught.value.__cause__) == "NoSuchBucket"
