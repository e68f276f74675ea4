"""Services that are not here are refused so that their clients can read it."""

import pytest
from tests.fakes.aws_models import model_of, parse_response, request_of

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.protocols import format_error
from crossdock.wire.strangers import stranger_model

REFUSAL = ServiceError("UnknownOperationException", "There is no <such> service.", status=501)
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "ListTables"),
        ("ssm", "ListDocuments"),
        ("sqs", "ListQueues"),
        ("sns", "ListTopics"),
        ("ec2", "DescribeVpcs"),
    ],
)
def test_botocore_reads_the_refusal_in_the_protocol_that_its_request_shows(service, operation):
    theirs = model_of(service)
    ours = stranger_model(service, request_of(theirs, operation, {}))
    assert ours is not None
    answer = format_error(ours, REFUSAL, request_id="r-1")
    read = parse_response(theirs, operation, answer)
    assert (read["Error"]["Code"], read["Error"]["Message"]) == (REFUSAL.code, REFUSAL.message)
    assert read["ResponseMetadata"]["RequestId"] == "r-1"


@pytest.mark.parametrize(
    ("headers", "content_type"),
    [
        ([("Content-Type", "application/x-amz-json-1.0")], "application/x-amz-json-1.0"),
        ([("Content-Type", "Application/X-Amz-Json-1.1; charset=utf-8")], "application/x-amz-json-1.1"),
        ([("X-Amz-Target", "DynamoDB_20120810.ListTables")], "application/x-amz-json-1.1"),
        ([FORM], "text/xml"),
    ],
)
def test_the_refusal_is_of_the_type_that_was_sent(headers, content_type):
    request = HttpRequest(method="POST", path="/", headers=Headers(headers))
    model = stranger_model("nobody", request)
    assert model is not None
    assert dict(format_error(model, REFUSAL, request_id="r-1").headers)["Content-Type"] == content_type


def test_what_ec2_asks_for_without_a_form_is_refused_in_its_protocol():
    model = stranger_model("ec2", HttpRequest(method="GET", path="/", query="Action=DescribeVpcs", headers=Headers([])))
    assert model is not None
    read = parse_response(model_of("ec2"), "DescribeVpcs", format_error(model, REFUSAL, request_id="r-1"))
    assert (read["Error"]["Code"], read["ResponseMetadata"]["RequestId"]) == (REFUSAL.code, "r-1")


@pytest.mark.parametrize("headers", [[], [("Content-Type", "application/json")], [("Content-Type", "text/plain")]])
def test_a_request_of_the_rest_protocols_shows_none(headers):
    assert stranger_model("eks", HttpRequest(method="GET", path="/clusters", headers=Headers(headers))) is None
