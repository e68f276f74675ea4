"""botocore's whole clients against the whole wire layer, joined where the socket would be.

Endpoint rules, checksums, retries, handlers and signers of the real client run; only sending is replaced.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from tests.fakes.aws_models import as_request, model_of
from tests.fakes.signatures import ACCESS_KEY_ID, SECRET_KEY

from crossdock.core.errors import ServiceError
from crossdock.wire.aws_chunked import open_decoder
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.parsed import ParsedRequest
from crossdock.wire.protocols import format_error, format_response, parse_request, streaming_output
from crossdock.wire.routing import route
from crossdock.wire.sigv4 import check_payload, flavour_of, parse_authorization, verify
from crossdock.wire.validation import validate_params

NOW = datetime(2024, 1, 1, tzinfo=UTC)


class _Raw(BytesIO):
    """What urllib3 would give as the body."""

    def stream(self, **_: Any):
        yield self.read()


@lru_cache
def session_with(token: str | None) -> Session:
    session = Session()
    session.set_credentials(ACCESS_KEY_ID, SECRET_KEY, token)
    return session


class FakeService:
    """Answers one client: verifies, parses, validates, then asks the test for a result."""

    def __init__(self, service: str, endpoint: str, answer: Callable[[ParsedRequest], Any], **config: Any) -> None:
        self.requests: list[HttpRequest] = []
        self.bodies: list[bytes] = []
        self._service = service
        self._answer = answer
        self.client = session_with(config.pop("token", None)).create_client(
            service,
            "us-east-1",
            endpoint_url=endpoint,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )
        self.client.meta.events.register("before-send", self._send)

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body = request.body.read() if hasattr(request.body, "read") else request.body
        received = as_request(AWSPreparedRequest(request.method, request.url, request.headers, body, False))
        model, headers, payload = model_of(self._service), {}, b""
        self.requests.append(received)
        try:
            operation, result, payload = self._serve(received)
            response = format_response(model, operation, result, request_id="rid")
        except ServiceError as error:
            response = format_error(model, error, request_id="rid")
        headers = dict(response.headers)
        return AWSResponse(request.url, response.status, headers, _Raw(response.body or payload))

    def _serve(self, request: HttpRequest) -> tuple[str, dict[str, Any], bytes]:
        routed = route(request, virtual_hosts=())
        assert routed.service == self._service
        flavour = flavour_of(routed.service)
        claim = parse_authorization(request, flavour=flavour)
        assert claim is not None
        verified = verify(claim, request, SECRET_KEY, now=datetime.now(UTC), flavour=flavour)
        decoder = open_decoder(request.headers, claim.payload_hash, verified)
        body = request.body
        if decoder is not None:
            body = b"".join(bytes(piece) for piece in decoder.feed(request.body))
            decoder.check_finished()
            assert decoder.trailers
        elif flavour == "s3":
            check_payload(claim, sha256(body).hexdigest())
        self.bodies.append(body)
        model = model_of(self._service)
        parsed = parse_request(model, routed.request)
        validate_params(model, parsed.operation, parsed.params)
        result = dict(self._answer(parsed))
        payload = result.pop(streaming_output(model, parsed.operation) or "", b"")
        return parsed.operation, result, payload


CASES = [
    ("transfer", "describe_server", {"ServerId": "s-" + "0" * 17}, {"Server": {"Arn": "arn", "State": "ONLINE"}}),
    (
        "secretsmanager",
        "get_secret_value",
        {"SecretId": "a"},
        {"Name": "a", "SecretBinary": b"\0\1", "CreatedDate": NOW},
    ),
    ("logs", "filter_log_events", {"logGroupName": "/aws/lambda/a"}, {"events": [{"message": "m", "timestamp": 5}]}),
    ("iam", "get_role", {"RoleName": "r"}, {"Role": {"RoleName": "r", "CreateDate": NOW, "Tags": []}}),
    ("sts", "get_caller_identity", {}, {"Account": "111111111111", "Arn": "a", "UserId": "u"}),
    (
        "cloudformation",
        "create_stack",
        {"StackName": "a", "TemplateBody": "{}", "Parameters": [{"ParameterKey": "k", "ParameterValue": "true"}]},
        {"StackId": "arn"},
    ),
    ("ec2", "describe_vpcs", {"VpcIds": ["vpc-1"]}, {"Vpcs": [{"VpcId": "vpc-1"}]}),
    ("s3", "list_buckets", {}, {"Buckets": [{"Name": "b", "CreationDate": NOW}], "Owner": {"ID": "o"}}),
    ("s3", "get_bucket_location", {"Bucket": "bucket"}, {"LocationConstraint": "eu-west-1"}),
    ("s3", "get_bucket_policy", {"Bucket": "bucket"}, {"Policy": "{}"}),
    ("s3", "head_object", {"Bucket": "bucket", "Key": "a b/ä+"}, {"ContentLength": 0, "Metadata": {"a": "b"}}),
    ("s3", "delete_objects", {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "a"}]}}, {"Deleted": [{"Key": "a"}]}),
    ("s3", "copy_object", {"Bucket": "bucket", "Key": "k", "CopySource": "b/k"}, {"CopyObjectResult": {"ETag": "e"}}),
    ("s3", "create_multipart_upload", {"Bucket": "bucket", "Key": "k"}, {"UploadId": "u", "Bucket": "bucket"}),
]


@pytest.mark.parametrize(("service", "method", "params", "result"), CASES)
def test_clients_get_what_the_operation_answers(service, method, params, result):
    seen: list[ParsedRequest] = []

    def answer(parsed):
        seen.append(parsed)
        return result

    fake = FakeService(service, "http://localhost:4566", answer, token="session/token+=")
    got = getattr(fake.client, method)(**params)
    got.pop("ResponseMetadata")
    assert {name: got[name] for name in result} == result
    assert seen[0].operation == fake.client.meta.method_to_api_mapping[method]


def test_invocation_of_a_function_answers_its_payload():
    fake = FakeService(
        "lambda", "http://localhost:4566", lambda parsed: {"StatusCode": 200, "Payload": b'{"got": true}'}
    )
    answer = fake.client.invoke(FunctionName="arn:aws:lambda:us-east-1:111111111111:function:f", Payload=b"{}")
    assert answer["Payload"].read() == b'{"got": true}'


@pytest.mark.parametrize("endpoint", ["http://localhost:4566", "https://localhost:4566"])
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_object_arrives_whole_in_every_form_that_clients_send(endpoint, style, size):
    seen: list[ParsedRequest] = []

    def answer(parsed):
        seen.append(parsed)
        return {"ETag": '"e"'}

    fake = FakeService("s3", endpoint, answer, s3={"addressing_style": style})
    fake.client.put_object(Bucket="my-bucket", Key="a/b c", Body=BytesIO(b"x" * size), Metadata={"user": "me"})
    assert fake.bodies == [b"x" * size]
    assert seen[0].params["Bucket"] == "my-bucket"
    assert seen[0].params["Key"] == "a/b c"
    assert seen[0].params["Metadata"] == {"user": "me"}
    assert fake.requests[0].path == ("/my-bucket/a/b%20c" if style == "path" else "/a/b%20c")
    # Over TLS the client leaves the signature of the body to a checksum behind it.
    form = fake.requests[0].headers.get("x-amz-content-sha256", "")
    assert form == "STREAMING-UNSIGNED-PAYLOAD-TRAILER" if endpoint.startswith("https") else len(form) == 64


def test_presigned_url_of_a_client_is_verified():
    fake = FakeService("s3", "http://localhost:4566", lambda parsed: {}, signature_version="s3v4", token="t/o+k=")
    url = urlsplit(fake.client.generate_presigned_url("get_object", {"Bucket": "my-bucket", "Key": "a b"}, 60))
    request = HttpRequest(method="GET", path=url.path, query=url.query, headers=Headers([("Host", url.netloc)]))
    claim = parse_authorization(request, flavour="s3")
    assert claim is not None
    verify(claim, request, SECRET_KEY, now=datetime.now(UTC), flavour="s3")
    routed = route(request, virtual_hosts=())
    parsed = parse_request(model_of("s3"), routed.request)
    assert (parsed.operation, parsed.params) == ("GetObject", {"Bucket": "my-bucket", "Key": "a b"})


def test_object_is_read_back_with_its_headers():
    result = {"ContentLength": 4, "ETag": '"e"', "LastModified": NOW, "Metadata": {"a": "b"}, "Body": b"data"}
    fake = FakeService("s3", "http://localhost:4566", lambda parsed: result)
    got = fake.client.get_object(Bucket="bucket", Key="k", Range="bytes=0-3")
    assert got["Body"].read() == b"data"
    assert (got["LastModified"], got["Metadata"], got["ETag"]) == (NOW, {"a": "b"}, '"e"')


def test_listing_of_odd_keys_comes_through():
    keys = ["a b", "<&>", "ä/😀", "+%2B", "\t\n"]

    def answer(parsed):
        assert parsed.params["EncodingType"] == "url"
        return {"Contents": [{"Key": key} for key in keys], "IsTruncated": False}

    fake = FakeService("s3", "http://localhost:4566", answer)
    assert [item["Key"] for item in fake.client.list_objects_v2(Bucket="bucket")["Contents"]] == keys


@pytest.mark.parametrize(
    ("service", "method", "params", "error", "status"),
    [
        (
            "transfer",
            "delete_server",
            {"ServerId": "s-" + "0" * 17},
            ServiceError("ResourceNotFoundException", "m"),
            400,
        ),
        ("iam", "get_role", {"RoleName": "r"}, ServiceError("NoSuchEntity", "m"), 404),
        ("lambda", "get_function", {"FunctionName": "f"}, ServiceError("ResourceNotFoundException", "m"), 404),
        ("s3", "get_object", {"Bucket": "bucket", "Key": "k"}, ServiceError("NoSuchKey", "m"), 404),
        ("ec2", "describe_vpcs", {}, ServiceError("InvalidVpcID.NotFound", "m"), 400),
    ],
)
def test_clients_raise_what_the_operation_refuses(service, method, params, error, status):
    def answer(parsed):
        raise error

    fake = FakeService(service, "http://localhost:4566", answer)
    with pytest.raises(ClientError) as raised:
        getattr(fake.client, method)(**params)
    assert raised.value.response["Error"]["Code"] == error.code
    assert raised.value.response["Error"]["Message"] == "m"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_client_hears_what_is_wrong_with_its_parameters():
    fake = FakeService("transfer", "http://localhost:4566", lambda parsed: {}, parameter_validation=False)
    with pytest.raises(ClientError, match="Value 's-1' at 'serverId' failed to satisfy constraint"):
        fake.client.describe_server(ServerId="s-1")
