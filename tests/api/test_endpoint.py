"""The way of a request through the endpoint: where it goes, what it answers, how it fails."""

import json
import logging
from collections import UserDict
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.fakes.aws_models import model_of
from tests.fakes.http_client import ask, plain, signed
from tests.fakes.http_cloud import serve_cloud

from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.operations.operation import Operation, ServiceOperations
from crossdock.operations.streams import ObjectBody
from crossdock.settings import ApiSettings

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def service_of(name, operation, handler):
    """A service with one operation that needs no permission."""

    async def run(call):
        return await handler(call)

    row = Operation(handler=run, permissions=lambda call: ())
    return ServiceOperations(service=name, operations={operation: row})


def list_secrets(key, body=b"{}"):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.ListSecrets"}
    return signed(key, "secretsmanager", "POST", headers=headers, body=body)


# Where a request goes.


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("localhost", "/box/key"),
        ("127.0.0.1", "/box/key"),
        ("[::1]:4566", "/box/key"),
        ("box.localhost", "/key"),
        ("box.localhost:4566", "/key"),
        ("box.s3.localhost", "/key"),
        ("box.s3.eu-west-1.localhost", "/key"),
        ("box.s3.example.com", "/key"),
        ("box.objects.example.org", "/key"),
        ("anything.else", "/box/key"),
    ],
)
async def test_a_bucket_stands_in_the_path_or_in_the_host(host, target):
    settings = ApiSettings(virtual_hosts=("s3.example.com", "objects.example.org"))
    async with serve_cloud(settings=settings) as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        answer = await ask(cloud.port, signed(await cloud.key_of("hub"), "s3", "GET", target, host=host))
        assert (answer.status, answer.body) == (200, b"content")


async def test_a_client_of_a_proxy_may_write_the_host_into_the_target():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        request = signed(await cloud.key_of("hub"), "s3", "GET", "/box/key")
        answer = await ask(cloud.port, request.replace(b"GET /", b"GET http://localhost/", 1))
        assert answer.body == b"content"


async def test_odd_keys_arrive_as_they_were_meant():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        for target in ("a//b", "a/../b", "./x", "/lead", "a%20b", "%C3%BC", "tail/", "plus%2Bplus", "per%25cent"):
            answer = await ask(cloud.port, signed(key, "s3", "PUT", f"/box/{target}", body=b"x"))
            assert (answer.status, target) == (200, target)
        assert await cloud.s3.keys("box") == sorted(
            ["a//b", "a/../b", "./x", "/lead", "a b", "ü", "tail/", "plus+plus", "per%cent"]
        )


async def test_a_service_that_is_not_here_is_named():
    async with serve_cloud() as cloud:
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
        request = signed(await cloud.key_of("hub"), "dynamodb", "POST", headers=headers, body=b"{}")
        answer = await ask(cloud.port, request)
        assert (answer.status, answer.code) == (501, "UnknownOperationException")
        assert "dynamodb" in answer.message


@pytest.mark.parametrize(
    ("service", "request_parts", "expected"),
    [
        ("s3", ("GET", "/box/key?torrent", {}, b""), (501, "NotImplemented")),
        ("s3", ("PATCH", "/box/key", {}, b""), (405, "MethodNotAllowed")),
        ("sts", ("POST", "/", FORM, b"Action=GetSessionToken&Version=2011-06-15"), (501, "UnknownOperationException")),
        ("lambda", ("GET", "/2015-03-31/functions/", {}, b""), (501, "UnknownOperationException")),
    ],
)
async def test_an_operation_that_is_not_here_is_not_implemented(service, request_parts, expected):
    method, target, headers, body = request_parts
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        request = signed(await cloud.key_of("hub"), service, method, target, headers=headers, body=body)
        answer = await ask(cloud.port, request)
        assert (answer.status, answer.code) == expected


class NotedModels(UserDict):
    """Which were looked at."""

    def __init__(self):
        super().__init__({name: model_of(name) for name in ("s3", "sts", "ec2")})
        self.seen = []

    def __getitem__(self, name):
        self.seen.append(name)
        return super().__getitem__(name)


async def test_a_large_model_is_looked_at_only_for_who_has_proven_who_they_are():
    async def describe(call):
        return {"Vpcs": []}

    models, form = NotedModels(), b"Action=DescribeVpcs&Version=2016-11-15"
    async with serve_cloud(service_of("ec2", "DescribeVpcs", describe), models=models) as cloud:
        key = await cloud.key_of("hub")
        wrong = replace(key, secret_access_key="x" * 40)
        unknown = replace(key, access_key_id="AKIAUNKNOWNUNKNOWN00")
        for request, code in (
            (plain("POST", "/", FORM, form), "MissingAuthenticationToken"),
            (signed(unknown, "ec2", "POST", headers=FORM, body=form), "AuthFailure"),
            (signed(wrong, "ec2", "POST", headers=FORM, body=form), "SignatureDoesNotMatch"),
            (signed(wrong, "ec2", "GET", f"/?{form.decode()}"), "SignatureDoesNotMatch"),
        ):
            answer = await ask(cloud.port, request)
            assert answer.code == code
            assert b"<Errors><Error>" in answer.body
        assert "ec2" not in models.seen
        assert (await ask(cloud.port, signed(key, "ec2", "POST", headers=FORM, body=form))).status == 200
    assert "ec2" in models.seen


# An unsigned request does nothing unless a bucket's policy lets everybody.


@pytest.mark.parametrize(
    "request_",
    [
        plain("GET", "/"),
        plain("PUT", "/newbucket"),
        plain("PUT", "/box/key", body=b"x"),
        plain("DELETE", "/box/key"),
        plain("GET", "/box"),
        plain("GET", "/box/key"),
        plain("PUT", "/box?policy", {}, b"{}"),
        plain("GET", "/box/key", {"Host": "evil.example"}),
        plain("GET", "/box/key", {"Authorization": "Bearer token"}),
        plain("GET", "/box/key", {"Authorization": ""}),
        plain("POST", "/", FORM, b"Action=CreateRole&RoleName=r&Version=2010-05-08"),
        plain("POST", "/", {"X-Amz-Target": "TransferService.CreateServer"}, b"{}"),
        plain("POST", "/2015-03-31/functions/f/invocations", {}, b"{}"),
        plain("OPTIONS", "/box/key", {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}),
        plain("OPTIONS", "*"),
        plain("TRACE", "/box/key"),
    ],
)
async def test_an_unsigned_request_does_nothing(request_):
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        answer = await ask(cloud.port, request_)
        assert answer.status in (400, 403, 404, 405)
        assert answer.body != b"content"
        assert answer.request_id
        assert not any(name.startswith("access-control") for name in answer.headers)
        assert await cloud.s3.keys("box") == ["key"]


async def test_an_unsigned_deletion_of_many_deletes_none():
    """S3 answers such a call with a list of what became of each key."""
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        document = b"<Delete><Object><Key>key</Key></Object></Delete>"
        answer = await ask(cloud.port, plain("POST", "/box?delete", {}, document))
        assert (answer.status, answer.code) == (200, "AccessDenied")
        assert await cloud.s3.keys("box") == ["key"]


async def test_everybody_may_read_what_a_policy_opens_to_everybody():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
        await cloud.s3.policy("box", everybody)
        assert (await ask(cloud.port, plain("GET", "/box/key"))).body == b"content"
        assert (await ask(cloud.port, plain("HEAD", "/box/key"), "HEAD")).headers["content-length"] == "7"
        assert (await ask(cloud.port, plain("DELETE", "/box/key"))).status == 403


@pytest.mark.parametrize("is_secure", [True, False])
async def test_transport_over_loopback_is_secure_by_the_setting(is_secure):
    async with serve_cloud(settings=ApiSettings(loopback_is_secure=is_secure)) as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        everybody = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::box/*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
        }
        await cloud.s3.policy("box", everybody)
        assert (await ask(cloud.port, plain("GET", "/box/key"))).status == (200 if is_secure else 403)


# Presigned URLs.


def presigned(key, method, target, *, expires=60, headers=None, token=None):
    request = AWSRequest(method=method, url=f"http://localhost{target}", headers=dict(headers or {}))
    credentials = Credentials(key.access_key_id, key.secret_access_key, token)
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=expires).add_auth(request)
    return request.url.removeprefix("http://localhost")


async def test_a_presigned_url_reads_and_writes():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        assert (await ask(cloud.port, plain("PUT", presigned(key, "PUT", "/box/key"), body=b"content"))).status == 200
        assert (await ask(cloud.port, plain("GET", presigned(key, "GET", "/box/key")))).body == b"content"
        session = await cloud.session_of(await cloud.role("reader", ["s3:GetObject"], ["arn:aws:s3:::box/*"]))
        url = presigned(session, "GET", "/box/key", token=session.session_token)
        assert (await ask(cloud.port, plain("GET", url))).body == b"content"


async def test_a_presigned_url_ends_and_is_for_its_method_and_key_alone():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        url = presigned(await cloud.key_of("hub"), "GET", "/box/key")
        for request in (plain("DELETE", url), plain("GET", url.replace("/key", "/other")), plain("GET", url + "&x=y")):
            answer = await ask(cloud.port, request)
            assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
        cloud.s3.parts.clock.advance(timedelta(minutes=2).total_seconds())
        answer = await ask(cloud.port, plain("GET", url))
        assert (answer.status, answer.code, answer.message) == (403, "AccessDenied", "Request has expired")


async def test_an_upload_to_a_presigned_url_may_name_the_hash_of_its_body():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        key = await cloud.key_of("hub")
        headers = {"X-Amz-Content-Sha256": "0" * 64}
        url = presigned(key, "PUT", "/box/key")
        answer = await ask(cloud.port, plain("PUT", url, headers, b"content"))
        assert (answer.status, answer.code) == (403, "AccessDenied")
        assert await cloud.s3.keys("box") == []


async def test_both_kinds_of_signature_in_one_request_are_refused():
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        answer = await ask(cloud.port, signed(key, "s3", "GET", presigned(key, "GET", "/box/key")))
        assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_an_old_signature_is_refused_with_a_word_about_the_new():
    async with serve_cloud() as cloud:
        for request in (
            plain("GET", "/box/key", {"Authorization": "AWS AKIA:abc="}),
            plain("GET", "/box/key?AWSAccessKeyId=AKIA&Signature=abc&Expires=9999999999"),
        ):
            answer = await ask(cloud.port, request)
            assert (answer.status, answer.code) == (400, "InvalidRequest")
            assert "AWS4-HMAC-SHA256" in answer.message


# How it fails.


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LookupError("a secret detail"), (500, "InternalFailure")),
        (OutOfSpace("/var/lib/secret is full"), (503, "ServiceUnavailableException")),
        (Unavailable("/var/lib/secret is gone"), (503, "ServiceUnavailableException")),
    ],
)
async def test_what_nobody_foresaw_is_logged_and_told_to_nobody(error, expected, caplog):
    async def fail(call):
        raise error

    caplog.set_level(logging.INFO)
    async with serve_cloud(service_of("secretsmanager", "ListSecrets", fail)) as cloud:
        answer = await ask(cloud.port, list_secrets(await cloud.key_of("hub")))
    assert (answer.status, answer.code) == expected
    if expected[0] == 500:
        assert b"secret" not in answer.body
        assert "LookupError" not in json.dumps([answer.body.decode(), dict(answer.headers)])
        (record,) = [record for record in caplog.records if record.name == "crossdock.api.endpoint"]
        assert record.exc_info is not None
        assert record.exc_info[1] is error
        assert record.request_id == answer.request_id


@pytest.mark.parametrize("error", [OutOfSpace("full"), Unavailable("gone"), LookupError("what")])
async def test_a_disk_that_fails_before_anybody_is_known_is_a_503(error, caplog):
    class FailingKeys:
        async def find(self, access_key_id, session_token=""):
            raise error

    async with serve_cloud() as cloud:
        cloud.endpoint._keys = FailingKeys()
        answer = await ask(cloud.port, signed(await cloud.key_of("hub"), "s3", "GET", "/"))
        kept = (500, "InternalError") if isinstance(error, LookupError) else (503, "ServiceUnavailable")
        assert (answer.status, answer.code) == kept
    assert [record.levelname for record in caplog.records if record.name == "crossdock.api.endpoint"] == ["ERROR"]


async def test_an_answer_that_does_not_fit_its_model_is_a_500_and_its_object_is_closed(caplog):
    class Reader:
        is_closed = False

        async def close(self):
            self.is_closed = True

    reader = Reader()

    async def wrong(call):
        return {"Body": ObjectBody(reader=reader, offset=0, size=1), "NoSuchMember": 1}

    async with serve_cloud(service_of("s3", "GetObject", wrong)) as cloud:
        answer = await ask(cloud.port, signed(await cloud.key_of("hub"), "s3", "GET", "/box/key"))
        assert (answer.status, answer.code) == (500, "InternalError")
    assert reader.is_closed
    assert "request failed" in caplog.text


async def test_bytes_of_a_streaming_answer_are_sent_as_they_are():
    async def invoke(call):
        return {"StatusCode": 200, "Payload": b'{"said": "' + bytes(call.params["Payload"]) + b'"}'}

    async with serve_cloud(service_of("lambda", "Invoke", invoke)) as cloud:
        request = signed(
            await cloud.key_of("hub"), "lambda", "POST", "/2015-03-31/functions/f/invocations", body=b"hello"
        )
        answer = await ask(cloud.port, request)
        assert (answer.status, answer.body) == (200, b'{"said": "hello"}')


async def test_every_answer_has_an_id_of_its_own():
    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")
        answers = [
            await ask(cloud.port, request)
            for request in (
                signed(key, "s3", "GET", "/"),
                signed(key, "s3", "GET", "/nothing"),
                signed(key, "sts", "POST", headers=FORM, body=b"Action=GetCallerIdentity&Version=2011-06-15"),
                list_secrets(key),
                list_secrets(replace(key, secret_access_key="x")),
                plain("GET", "/"),
                b"garbage\r\n\r\n",
            )
        ]
        assert len({answer.request_id for answer in answers} - {""}) == len(answers)


async def test_a_range_is_answered_in_part():
    async with serve_cloud() as cloud:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"0123456789")
        key = await cloud.key_of("hub")
        answer = await ask(cloud.port, signed(key, "s3", "GET", "/box/key", headers={"Range": "bytes=2-5"}))
        assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"2345", "bytes 2-5/10")
        answer = await ask(cloud.port, signed(key, "s3", "GET", "/box/key", headers={"Range": "bytes=10-"}))
        assert (answer.status, answer.code) == (416, "InvalidRange")
        etag = (await ask(cloud.port, signed(key, "s3", "HEAD", "/box/key"), "HEAD")).headers["etag"]
        answer = await ask(cloud.port, signed(key, "s3", "GET", "/box/key", headers={"If-None-Match": etag}))
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
