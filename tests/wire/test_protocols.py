"""Every operation of our services, there and back: botocore writes what we read, and reads what we write."""

from datetime import UTC, datetime

import pytest
from botocore.model import ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.aws_models import Values, as_request, model_of, outcome, parse_response, request_of, serialize

from crossdock.core.errors import Fault, ServiceError
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.protocols import (
    Protocol,
    find_operation,
    format_error,
    format_response,
    parse_request,
    protocol_of,
    streaming_input,
    streaming_output,
)

SERVICES = {
    "transfer": Protocol.JSON,
    "secretsmanager": Protocol.JSON,
    "logs": Protocol.JSON,
    "acm": Protocol.JSON,
    "organizations": Protocol.JSON,
    "ssm": Protocol.JSON,
    "sts": Protocol.QUERY,
    "iam": Protocol.QUERY,
    "cloudformation": Protocol.QUERY,
    "ec2": Protocol.EC2,
    "lambda": Protocol.REST_JSON,
    "s3": Protocol.REST_XML,
}

# Two names of the model for one request, of which the newer is the answer; and one that only its host name tells.
SAME_REQUEST = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "ListDirectoryBuckets": "ListBuckets",
}
# Members that botocore's bare parser does not give back as they are: its client does that in handlers.
CHANGED_BY_HANDLERS = {
    "GetBucketLocation": {"LocationConstraint"},
    "GetBucketNotification": {"TopicConfiguration", "QueueConfiguration", "CloudFunctionConfiguration"},
    "GetObject": {"Expires", "ExpiresString"},
    "HeadObject": {"Expires", "ExpiresString"},
    "Invoke": {"Payload"},
}


@pytest.mark.parametrize(("service", "protocol"), SERVICES.items())
def test_protocol_is_the_one_that_botocore_speaks(service, protocol):
    assert protocol_of(model_of(service)) is protocol


def test_unspoken_protocol_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="smithy-rpc-v2-cbor"):
        protocol_of(ServiceModel({"metadata": {"protocol": "smithy-rpc-v2-cbor"}}))


@pytest.mark.parametrize("service", SERVICES)
def test_parameters_that_botocore_serializes_are_read_back(service):
    model = model_of(service)
    for name in model.operation_names:
        params = Values((service, name)).params(model.operation_model(name))
        if name == "WriteGetObjectResponse":
            params["RequestRoute"] = "route"
        request = request_of(model, name, params)
        assert find_operation(model, request) == SAME_REQUEST.get(name, name)
        if name not in SAME_REQUEST:
            parsed = parse_request(model, request)
            # botocore counts the body itself.
            params.pop("ContentLength", None)
            parsed.params.pop("ContentLength", None)
            assert (parsed.operation, parsed.params) == (name, params)


@pytest.mark.parametrize("service", SERVICES)
def test_results_that_we_format_are_read_back_by_botocore(service):
    model = model_of(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.has_event_stream_output:
            continue
        result = Values((service, name)).result(operation)
        for member in CHANGED_BY_HANDLERS.get(name, ()):
            result.pop(member, None)
        response = format_response(model, name, result, request_id="a-request-id")
        parsed = parse_response(model, name, response)
        metadata = parsed.pop("ResponseMetadata")
        parsed.pop(streaming_output(model, name), None)
        for member in CHANGED_BY_HANDLERS.get(name, ()):
            parsed.pop(member, None)
        # An answer without a payload reads as an empty structure.
        assert {key: value for key, value in parsed.items() if value != {}} == result, name
        assert metadata["RequestId"] == "a-request-id"


@pytest.mark.parametrize("service", SERVICES)
def test_errors_are_read_by_botocore_with_code_message_and_status(service):
    model = model_of(service)
    error = ServiceError("SomethingWrong", "a <sentence> & more", status=409, headers={"x-more": "1"})
    response = format_error(model, error, request_id="rid")
    parsed = parse_response(model, model.operation_names[0], response)
    assert parsed["Error"]["Code"] == "SomethingWrong"
    assert parsed["Error"]["Message"] == "a <sentence> & more"
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert parsed["ResponseMetadata"]["RequestId"] == "rid"
    assert ("x-more", "1") in response.headers


@pytest.mark.parametrize(("service", "status"), [(service, 500) for service in SERVICES])
def test_our_own_fault_is_a_500(service, status):
    error = ServiceError("InternalFailure", "we are sorry", fault=Fault.RECEIVER)
    assert format_error(model_of(service), error, request_id="rid").status == status


def test_streams_are_named_and_never_read_or_written():
    s3 = model_of("s3")
    assert streaming_input(s3, "PutObject") == "Body"
    assert streaming_output(s3, "GetObject") == "Body"
    assert streaming_input(s3, "PutBucketPolicy") is None
    assert streaming_output(s3, "GetBucketPolicy") is None
    assert streaming_input(model_of("lambda"), "Invoke") is None
    assert streaming_output(model_of("transfer"), "DeleteServer") is None
    assert streaming_input(model_of("iam"), "GetAccountSummary") is None
    parsed = parse_request(s3, request_of(s3, "PutObject", {"Bucket": "b", "Key": "k", "Body": b"bytes"}))
    assert parsed.params == {"Bucket": "b", "Key": "k", "ContentLength": 5}
    response = format_response(s3, "GetObject", {"ContentLength": 5, "Body": object()}, request_id="rid")
    assert response.body == b""
    assert ("Content-Length", "5") in response.headers


def test_parameters_do_not_show_in_a_repr():
    params = {"Name": "a", "SecretString": "hunter2"}
    request = request_of(model_of("secretsmanager"), "CreateSecret", params)
    parsed = parse_request(model_of("secretsmanager"), request)
    assert parsed.params == params
    assert "hunter2" not in repr(parsed) + repr(request)


def test_rest_operations_are_found_before_the_body_is_read():
    request = HttpRequest(method="PUT", path="/b/k")
    assert find_operation(model_of("s3"), request) == "PutObject"
    request = HttpRequest(method="POST", path="/2015-03-31/functions/")
    assert find_operation(model_of("lambda"), request) == "CreateFunction"


SAMPLES = {
    "transfer": ("CreateUser", {"ServerId": "s-1", "UserName": "u", "Role": "r", "Tags": [{"Key": "a", "Value": "b"}]}),
    "iam": ("CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "a", "Value": "b"}]}),
    "ec2": ("DescribeVpcs", {"VpcIds": ["vpc-1"], "Filters": [{"Name": "n", "Values": ["a", "b"]}]}),
    "lambda": ("CreateFunction", {"FunctionName": "f", "Role": "r", "Code": {"ZipFile": b"zip"}, "Timeout": 3}),
    "s3": (
        "CompleteMultipartUpload",
        {"Bucket": "b", "Key": "k", "UploadId": "u", "MultipartUpload": {"Parts": [{"ETag": '"e"', "PartNumber": 1}]}},
    ),
    "s3 ": (
        "GetObject",
        {"Bucket": "b", "Key": "k", "IfModifiedSince": datetime(2024, 1, 1, tzinfo=UTC), "PartNumber": 2},
    ),
}


def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """A few bytes changed, removed, doubled or inserted."""
    found = bytearray(data)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(found)))
        end = min(len(found), at + draw(st.integers(0, 6)))
        found[at:end] = draw(
            st.one_of(
                st.binary(max_size=6), st.just(bytes(found[at:end] * 2)), st.sampled_from([b"<!DOCTYPE a>", b"[" * 80])
            )
        )
    return bytes(found)


@st.composite
def mutated_requests(draw):
    service = draw(st.sampled_from(list(SAMPLES)))
    operation, params = SAMPLES[service]
    model = model_of(service.strip())
    request = as_request(serialize(model, operation, params))
    text = st.text(st.characters(max_codepoint=0xFFFF), max_size=8)
    headers = [(name, draw(text) if draw(st.integers(0, 9)) == 0 else value) for name, value in request.headers]
    return model, HttpRequest(
        method=draw(st.sampled_from([request.method] * 9 + ["GET", "DELETE", "HEAD", ""])),
        path=mutated(draw, request.path.encode()).decode("utf-8", "surrogateescape"),
        query=mutated(draw, request.query.encode()).decode("utf-8", "surrogateescape"),
        headers=Headers(headers),
        body=mutated(draw, request.body),
    )


@settings(max_examples=400, deadline=None)
@given(mutated_requests())
def test_mutated_requests_are_parsed_or_refused_in_the_protocols_words(case):
    model, request = case
    found = outcome(lambda: parse_request(model, request))
    if isinstance(found, ServiceError):
        assert 400 <= found.status <= 501
        assert format_error(model, found, request_id="rid").status == found.status
    else:
        assert found.operation in model.operation_names


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(SAMPLES)), st.binary(max_size=200))
def test_arbitrary_bodies_are_parsed_or_refused(service, body):
    model = model_of(service.strip())
    operation, params = SAMPLES[service]
    request = as_request(serialize(model, operation, params))
    request = HttpRequest(
        method=request.method, path=request.path, query=request.query, headers=request.headers, body=body
    )
    found = outcome(lambda: parse_request(model, request))
    assert found.status == 400 if isinstance(found, ServiceError) else found.operation == operation
