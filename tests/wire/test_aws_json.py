import json

import pytest
from botocore.model import ServiceModel
from tests.fakes.aws_models import model_of, parse_error_members, parse_response

from crossdock.core.errors import Fault, ServiceError
from crossdock.wire import aws_json
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.protocols import format_error, format_response

TRANSFER = model_of("transfer")
SECRETS = model_of("secretsmanager")


def post(body=b"{}", target="TransferService.DescribeServer", method="POST"):
    return HttpRequest(method=method, path="/", headers=Headers([("X-Amz-Target", target)]), body=body)


def refusal(request):
    with pytest.raises(ServiceError) as refused:
        aws_json.parse_request(TRANSFER, request)
    return refused.value


def test_operation_stands_in_the_target():
    parsed = aws_json.parse_request(TRANSFER, post(b'{"ServerId": "s-1", "Unknown": null}'))
    assert parsed.operation == "DescribeServer"
    assert parsed.params == {"ServerId": "s-1"}


def test_empty_body_is_an_empty_object():
    assert aws_json.parse_request(TRANSFER, post(b"", "TransferService.ListServers")).params == {}


@pytest.mark.parametrize(
    "request_",
    [
        post(target="TransferService.Fly"),
        post(target="SecretsManager.DescribeServer"),
        post(target="DescribeServer"),
        post(target=""),
        post(method="GET"),
        HttpRequest(method="POST", path="/"),
    ],
)
def test_unknown_targets_are_refused(request_):
    error = refusal(request_)
    assert (error.code, error.status) == ("UnknownOperationException", 400)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "START_ARRAY found where a structure was expected"),
        (b'{"ServerId": 5}', "NUMBER_VALUE can not be converted to a String"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100, "the body is nested deeper than 64 levels"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(body, message):
    error = refusal(post(body))
    assert (error.code, error.message, error.status) == ("SerializationException", message, 400)


def test_operation_without_an_input_still_needs_json():
    acm = model_of("acm")
    request = post(b"{}", "CertificateManager.GetAccountConfiguration")
    assert aws_json.parse_request(acm, request).params == {}
    with pytest.raises(ServiceError):
        aws_json.parse_request(acm, post(b"{", "CertificateManager.GetAccountConfiguration"))


def test_answer_is_json_with_its_version():
    response = format_response(TRANSFER, "CreateServer", {"ServerId": "s-1"}, request_id="rid")
    assert response.status == 200
    assert response.body == b'{"ServerId":"s-1"}'
    assert response.headers == (("x-amzn-RequestId", "rid"), ("Content-Type", "application/x-amz-json-1.1"))


def test_operation_without_an_output_answers_nothing():
    assert format_response(TRANSFER, "DeleteServer", {}, request_id="rid").body == b""


def test_result_that_the_model_has_not_is_a_mistake():
    with pytest.raises(TypeError, match="no member Serverid"):
        format_response(TRANSFER, "CreateServer", {"Serverid": "s-1"}, request_id="rid")


def test_error_names_itself_in_body_and_header_with_its_members():
    members = {"Resource": "s-1", "ResourceType": "Server"}
    error = ServiceError("ResourceNotFoundException", "Unknown server", members=members)
    response = format_error(TRANSFER, error, request_id="rid")
    assert response.status == 400
    assert json.loads(response.body) == {
        "__type": "ResourceNotFoundException",
        "Message": "Unknown server",
        "Resource": "s-1",
        "ResourceType": "Server",
    }
    assert ("x-amzn-errortype", "ResourceNotFoundException") in response.headers
    assert parse_error_members(TRANSFER, "ResourceNotFoundException", response) == {
        "Message": "Unknown server",
        **members,
    }


def test_error_that_the_model_has_not_still_reads_as_an_error():
    response = format_error(SECRETS, ServiceError("AccessDeniedException", "no", status=400), request_id="rid")
    assert json.loads(response.body) == {"__type": "AccessDeniedException", "message": "no"}
    assert parse_response(SECRETS, "GetSecretValue", response)["Error"]["Code"] == "AccessDeniedException"


def test_service_that_once_spoke_query_keeps_its_old_codes():
    queues = ServiceModel(
        {
            "metadata": {"protocol": "json", "jsonVersion": "1.0", "targetPrefix": "Q", "awsQueryCompatible": {}},
            "operations": {"Send": {"name": "Send", "http": {"method": "POST", "requestUri": "/"}}},
            "shapes": {
                "QueueDoesNotExist": {
                    "type": "structure",
                    "members": {},
                    "error": {"code": "AWS.SimpleQueueService.NonExistentQueue", "httpStatusCode": 400},
                    "exception": True,
                }
            },
        }
    )
    error = ServiceError("AWS.SimpleQueueService.NonExistentQueue", "no queue", fault=Fault.SENDER)
    response = format_error(queues, error, request_id="rid")
    assert json.loads(response.body)["__type"] == "QueueDoesNotExist"
    parsed = parse_response(queues, "Send", response)
    assert parsed["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert parsed["Error"]["QueryErrorCode"] == "QueueDoesNotExist"
    assert parsed["Error"]["Type"] == "Sender"
