import pytest
from tests.fakes.aws_models import model_of, parse_response, request_of

from crossdock.core.errors import Fault, ServiceError
from crossdock.wire import query
from crossdock.wire.http import HttpRequest
from crossdock.wire.protocols import format_error, format_response

STS = model_of("sts")
IAM = model_of("iam")


def post(body):
    return HttpRequest(method="POST", path="/", body=body.encode())


def refusal(body, model=IAM):
    with pytest.raises(ServiceError) as refused:
        query.parse_request(model, post(body))
    return refused.value


def test_operation_may_stand_in_the_query_string():
    request = HttpRequest(method="GET", path="/", query="Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60")
    assert query.find_operation(STS, request) == "GetCallerIdentity"
    assert query.parse_request(STS, request).params == {}


def test_operation_without_an_input_has_no_parameters():
    assert query.parse_request(IAM, post("Action=GetAccountSummary")).params == {}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("", "MissingAction", "The request must contain the parameter Action."),
        ("Action=Fly", "InvalidAction", "Could not find operation Fly for version 2010-05-08"),
        (
            "Action=GetRole&Version=1999-01-01",
            "InvalidAction",
            "Could not find operation GetRole for version 1999-01-01",
        ),
        ("Action=GetRole&Action=GetRole", "MalformedQueryString", "a parameter is given more than once"),
        ("Action=ListRoles&MaxItems=many", "ValidationError", "MaxItems: expected an integer"),
        ("Action=%ff", "MalformedQueryString", "the parameters are not UTF-8"),
    ],
)
def test_requests_that_cannot_be_read_are_refused(body, code, message):
    error = refusal(body)
    assert (error.code, error.message, error.status) == (code, message, 400)


def test_answer_looks_as_awss_does():
    result = {"UserId": "AIDA", "Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/a"}
    response = format_response(STS, "GetCallerIdentity", result, request_id="rid")
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        "<UserId>AIDA</UserId><Account>111111111111</Account><Arn>arn:aws:iam::111111111111:user/a</Arn>"
        "</GetCallerIdentityResult><ResponseMetadata><RequestId>rid</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    assert ("Content-Type", "text/xml") in response.headers
    assert ("x-amzn-RequestId", "rid") in response.headers


def test_operation_without_an_output_answers_metadata_alone():
    response = format_response(IAM, "DeleteRole", {}, request_id="rid")
    assert b"DeleteRoleResult" not in response.body
    assert parse_response(IAM, "DeleteRole", response)["ResponseMetadata"]["RequestId"] == "rid"


def test_error_looks_as_awss_does_with_the_models_status():
    error = ServiceError("NoSuchEntity", "The role <x> cannot be found.")
    response = format_error(IAM, error, request_id="rid")
    assert response.status == 404
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        "<Code>NoSuchEntity</Code><Message>The role &lt;x&gt; cannot be found.</Message></Error>"
        "<RequestId>rid</RequestId></ErrorResponse>"
    )


def test_members_of_an_error_stand_beside_its_message():
    error = ServiceError("NoSuchEntity", "m", fault=Fault.RECEIVER, members={"More": "a&b"})
    response = format_error(IAM, error, request_id="rid")
    assert b"<Type>Receiver</Type>" in response.body
    assert b"<More>a&amp;b</More>" in response.body


def test_model_without_a_namespace_has_none_in_its_answers():
    sdb = model_of("sdb")
    response = format_error(sdb, ServiceError("X", "y"), request_id="rid")
    assert response.status == 400
    assert parse_response(sdb, "ListDomains", response)["Error"]["Code"] == "X"


def test_policy_document_of_many_characters_survives():
    document = '{"Statement": [{"Condition": {"StringLike": {"aws:userId": "AROA:*"}}}]}\n\t+&=%'
    params = {"RoleName": "r", "PolicyName": "p", "PolicyDocument": document}
    assert query.parse_request(IAM, request_of(IAM, "PutRolePolicy", params)).params == params
