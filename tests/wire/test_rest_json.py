import json

import pytest
from botocore.model import ServiceModel
from tests.fakes.aws_models import model_of, parse_error_members, parse_response, request_of

from crossdock.core.errors import ServiceError
from crossdock.wire import rest_json
from crossdock.wire.http import HttpRequest
from crossdock.wire.protocols import format_error, format_response

LAMBDA = model_of("lambda")
PIPES = ServiceModel(
    {
        "metadata": {"protocol": "rest-json"},
        "operations": {
            "Put": {
                "name": "Put",
                "http": {"method": "PUT", "requestUri": "/pipe"},
                "input": {"shape": "Text"},
                "output": {"shape": "Text"},
            },
            "Get": {
                "name": "Get",
                "http": {"method": "GET", "requestUri": "/pipe"},
                "output": {"shape": "HeadersOnly"},
            },
            "Count": {"name": "Count", "http": {"method": "POST", "requestUri": "/pipe"}},
        },
        "shapes": {
            "String": {"type": "string"},
            "Text": {"type": "structure", "payload": "Text", "members": {"Text": {"shape": "String"}}},
            "HeadersOnly": {
                "type": "structure",
                "members": {"Kind": {"shape": "String", "location": "header", "locationName": "Content-Type"}},
            },
        },
    }
)


def refusal(request, model=LAMBDA):
    with pytest.raises(ServiceError) as refused:
        rest_json.parse_request(model, request)
    return refused.value


def test_blob_payload_is_the_body_itself():
    params = {"FunctionName": "f", "InvocationType": "Event", "Payload": b'{"a": 1}'}
    assert rest_json.parse_request(LAMBDA, request_of(LAMBDA, "Invoke", params)).params == params
    without = {"FunctionName": "f"}
    assert rest_json.parse_request(LAMBDA, request_of(LAMBDA, "Invoke", without)).params == without


def test_body_cannot_set_what_stands_in_the_path():
    path = "/2015-03-31/functions/mine/code"
    request = HttpRequest(method="PUT", path=path, body=b'{"FunctionName": "yours", "DryRun": true}')
    assert rest_json.parse_request(LAMBDA, request).params == {"FunctionName": "mine", "DryRun": True}


def test_text_payload_is_the_body_itself():
    request = HttpRequest(method="PUT", path="/pipe", body="é".encode())
    assert rest_json.parse_request(PIPES, request).params == {"Text": "é"}
    response = format_response(PIPES, "Put", {"Text": "é"}, request_id="rid")
    assert response.body == "é".encode()
    assert refusal(HttpRequest(method="PUT", path="/pipe", body=b"\xff"), PIPES).code == "SerializationException"


def test_operation_without_an_input_has_no_parameters():
    request = HttpRequest(method="POST", path="/pipe", body=b"whatever")
    assert rest_json.parse_request(PIPES, request).params == {}


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("POST", "/2015-03-31/functions", "", b"{"),
        ("POST", "/2015-03-31/functions", "", b"[]"),
        ("POST", "/2015-03-31/functions", "", b'{"Timeout": "3"}'),
        ("GET", "/2015-03-31/functions", "MaxItems=many", b""),
        ("GET", "/2015-03-31/functions", "MaxItems=1&MaxItems=2", b""),
        ("GET", "/2015-03-31/functions", "Marker=%ff", b""),
        ("GET", "/2015-03-31/functions/%ff", "", b""),
    ],
)
def test_requests_that_cannot_be_read_are_refused(method, path, query, body):
    error = refusal(HttpRequest(method=method, path=path, query=query, body=body))
    assert (error.code, error.status) == ("SerializationException", 400)


def test_unknown_path_is_an_unknown_operation():
    error = refusal(HttpRequest(method="GET", path="/2015-03-31/nothing"))
    assert (error.code, error.status) == ("UnknownOperationException", 404)


def test_status_is_the_members_or_the_models():
    response = format_response(LAMBDA, "Invoke", {"StatusCode": 202}, request_id="rid")
    assert (response.status, response.body) == (202, b"")
    assert format_response(LAMBDA, "CreateFunction", {"FunctionName": "f"}, request_id="rid").status == 201
    assert format_response(LAMBDA, "Invoke", {"Payload": b"{}"}, request_id="rid").status == 200


def test_invocation_answers_payload_and_headers():
    result = {"StatusCode": 200, "FunctionError": "Unhandled", "ExecutedVersion": "$LATEST", "Payload": b'{"a":1}'}
    response = format_response(LAMBDA, "Invoke", result, request_id="rid")
    assert response.body == b'{"a":1}'
    assert ("X-Amz-Function-Error", "Unhandled") in response.headers
    assert ("Content-Type", "application/json") in response.headers
    parsed = parse_response(LAMBDA, "Invoke", response)
    assert parsed["StatusCode"] == 200
    assert parsed["ExecutedVersion"] == "$LATEST"


def test_operation_without_an_output_answers_status_alone():
    response = format_response(LAMBDA, "DeleteAlias", {}, request_id="rid")
    assert (response.status, response.body) == (204, b"")


def test_output_of_headers_alone_has_no_body_and_its_own_content_type():
    response = format_response(PIPES, "Get", {"Kind": "text/plain"}, request_id="rid")
    assert (response.body, response.headers) == (b"", (("x-amzn-RequestId", "rid"), ("Content-Type", "text/plain")))


def test_payload_of_another_type_or_an_unknown_member_is_a_mistake():
    with pytest.raises(TypeError):
        format_response(LAMBDA, "Invoke", {"Payload": "text"}, request_id="rid")
    with pytest.raises(TypeError):
        format_response(PIPES, "Put", {"Text": b"bytes"}, request_id="rid")
    with pytest.raises(TypeError):
        format_response(LAMBDA, "Invoke", {"Paylaod": b""}, request_id="rid")


def test_structure_payload_is_a_json_document():
    model = ServiceModel(
        {
            "metadata": {"protocol": "rest-json"},
            "operations": {
                "Get": {"name": "Get", "http": {"method": "GET", "requestUri": "/"}, "output": {"shape": "Output"}}
            },
            "shapes": {
                "Output": {"type": "structure", "payload": "Thing", "members": {"Thing": {"shape": "Thing"}}},
                "Thing": {"type": "structure", "members": {"Name": {"shape": "String"}}},
                "String": {"type": "string"},
            },
        }
    )
    assert format_response(model, "Get", {"Thing": {"Name": "n"}}, request_id="rid").body == b'{"Name":"n"}'


def test_error_names_itself_in_a_header():
    response = format_error(
        LAMBDA, ServiceError("ResourceNotFoundException", "Function not found: f"), request_id="rid"
    )
    assert response.status == 404
    assert json.loads(response.body) == {"Type": "User", "Message": "Function not found: f"}
    assert ("x-amzn-errortype", "ResourceNotFoundException") in response.headers
    assert parse_response(LAMBDA, "GetFunction", response)["Error"]["Code"] == "ResourceNotFoundException"


def test_error_members_in_headers_are_read_back():
    error = ServiceError("TooManyRequestsException", "m", members={"retryAfterSeconds": "3"})
    response = format_error(LAMBDA, error, request_id="rid")
    parsed = parse_error_members(LAMBDA, "TooManyRequestsException", response)
    assert parsed["retryAfterSeconds"] == "3"
