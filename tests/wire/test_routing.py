import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.aws_models import model_of, request_of
from tests.fakes.signatures import S3SigV4QueryAuth, SigV4Auth, presigned_by_botocore, signed_by_botocore

from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.routing import bucket_in_host, route

SERVICES = ["sts", "iam", "s3", "secretsmanager", "lambda", "cloudformation", "logs", "transfer", "ec2", "acm", "ssm"]
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


def service_of(method="GET", path="/", query="", headers=(), body=b""):
    request = HttpRequest(method=method, path=path, query=query, headers=Headers(headers), body=body)
    return route(request, virtual_hosts=()).service


@pytest.mark.parametrize("service", SERVICES)
def test_signature_scope_chooses_the_service(service):
    request = signed_by_botocore(SigV4Auth, model_of(service).signing_name, method="POST", body=b"x")
    assert route(request, virtual_hosts=()).service == service
    assert route(request, virtual_hosts=()).request is request


def test_presigned_scope_chooses_the_service():
    url = "http://localhost:4566/b/k"
    assert route(presigned_by_botocore(S3SigV4QueryAuth, "s3", url=url), virtual_hosts=()).service == "s3"
    assert route(presigned_by_botocore(S3SigV4QueryAuth, "sts", url=url), virtual_hosts=()).service == "sts"
    assert service_of(query="X-Amz-Credential=AKID/20240101/us-east-1/lambda/aws4_request") == "lambda"


def test_signing_name_that_is_not_botocores_is_translated_and_unknown_ones_pass():
    assert service_of(headers=[("Authorization", "x Credential=A/20240101/r/monitoring/aws4_request")]) == "cloudwatch"
    assert service_of(headers=[("Authorization", "x Credential=A/20240101/r/dynamodb/aws4_request")]) == "dynamodb"
    assert service_of(headers=[("Authorization", "x Credential=A/20240101/r/No such/aws4_request")]) == "s3"


def test_s3_control_is_not_a_bucket():
    signed = ("Authorization", "AWS4-HMAC-SHA256 Credential=A/20240101/us-east-1/s3/aws4_request, x")
    assert service_of(path="/v20180820/jobs", headers=[signed, ("x-amz-account-id", "1")]) == "s3control"
    assert service_of(path="/v20180820/jobs", headers=[signed]) == "s3"


@pytest.mark.parametrize(
    "service", ["sts", "iam", "cloudformation", "ec2", "transfer", "secretsmanager", "logs", "lambda"]
)
def test_unsigned_requests_of_botocore_find_their_service(service):
    model = model_of(service)
    operation = {"lambda": "ListFunctions"}.get(service, model.operation_names[0])
    assert route(request_of(model, operation, {}), virtual_hosts=()).service == service


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        ({"query": "Action=GetCallerIdentity&Version=2011-06-15"}, "sts"),
        ({"method": "POST", "headers": [FORM], "body": b"Version=2010-05-08&Action=ListRoles"}, "iam"),
        ({"method": "POST", "headers": [FORM], "body": b"Action=ListRoles"}, "s3"),
        ({"method": "POST", "headers": [FORM], "body": b"Action=ListRoles&Version=1999-01-01"}, "s3"),
        ({"method": "POST", "headers": [FORM], "body": b"\xff=1"}, "s3"),
        ({"headers": [("X-Amz-Target", "TransferService.ListServers")]}, "transfer"),
        ({"headers": [("X-Amz-Target", "DynamoDB_20120810.ListTables")]}, "s3"),
        ({"method": "POST", "headers": [("X-Amz-Target", "DynamoDB_20120810.ListTables")]}, "DynamoDB_20120810"),
        ({"method": "POST", "headers": [("X-Amz-Target", "no such.ListTables")]}, "s3"),
        ({"method": "POST", "headers": [("X-Amz-Target", "ListTables")]}, "s3"),
        ({"headers": [("Host", "sts.amazonaws.com")]}, "sts"),
        ({"headers": [("Host", "iam.us-east-1.amazonaws.com:443")]}, "iam"),
        ({"headers": [("Host", "s3.us-east-1.amazonaws.com")]}, "s3"),
        ({"headers": [("Host", "sts.localhost")]}, "s3"),
        ({"path": "/2015-03-31/functions/f/invocations"}, "lambda"),
        ({"path": "/2015-03-31/functions"}, "lambda"),
        ({"path": "/2015-03-31/functions.txt"}, "s3"),
        ({"path": "/b/2015-03-31/functions"}, "s3"),
        ({}, "s3"),
    ],
)
def test_unsigned_requests_are_known_by_what_they_carry(request_, service):
    assert service_of(**request_) == service


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("localhost", None),
        ("127.0.0.1", None),
        ("[::1]", None),
        ("", None),
        ("bucket.localhost", "bucket"),
        ("my.dotted.bucket.localhost", "my.dotted.bucket"),
        ("s3.localhost", None),
        ("s3.us-east-1.localhost", None),
        ("s3.eu-central-1.localhost", None),
        ("bucket.s3.localhost", "bucket"),
        ("a.b.s3.localhost", "a.b"),
        ("bucket.s3.us-gov-west-1.localhost", "bucket"),
        ("bucket.s3-us-west-2.localhost", "bucket"),
        ("bucket.s3.amazonaws.com", "bucket"),
        ("bucket.s3.us-east-1.amazonaws.com", "bucket"),
        ("s3.amazonaws.com", None),
        ("sts.amazonaws.com", None),
        ("bucket.files.example.com", "bucket"),
        ("files.example.com", None),
        ("bucket.s3.files.example.com", "bucket"),
        ("bucket.example.com", None),
        ("notlocalhost", None),
        ("a/b.localhost", None),
    ],
)
def test_buckets_stand_in_front_of_base_domains(host, bucket):
    assert bucket_in_host(host, ["Files.example.com"]) == bucket


@pytest.mark.parametrize(
    ("host", "path", "rewritten"),
    [
        ("bucket.localhost:4566", "/a%20b//c", "/bucket/a%20b//c"),
        ("BUCKET.s3.localhost.", "/", "/bucket/"),
        ("bucket.localhost", "", "/bucket/"),
        ("localhost:4566", "/b/k", None),
    ],
)
def test_bucket_moves_into_the_path_and_the_original_stays(host, path, rewritten):
    request = HttpRequest(method="GET", path=path, query="acl", headers=Headers([("Host", host)]), body=b"x")
    routed = route(request, virtual_hosts=[])
    assert request.path == path
    if rewritten is None:
        assert (routed.bucket_in_host, routed.request) == (None, request)
    else:
        assert routed.bucket_in_host == "bucket"
        assert routed.request == HttpRequest(
            method="GET", path=rewritten, query="acl", headers=request.headers, body=b"x"
        )


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.binary(max_size=60))
def test_any_request_has_a_service(host, query, authorization, body):
    headers = [("Host", host), ("Authorization", authorization), FORM]
    assert service_of("POST", query=query, headers=headers, body=body)
