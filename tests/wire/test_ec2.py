import pytest
from tests.fakes.aws_models import model_of, parse_response

from crossdock.core.errors import ServiceError
from crossdock.wire import ec2
from crossdock.wire.http import HttpRequest
from crossdock.wire.protocols import format_error, format_response

EC2 = model_of("ec2")


def post(body):
    return HttpRequest(method="POST", path="/", body=body.encode())


def test_fields_have_capitals_and_flat_lists():
    request = post(
        "Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1&VpcId.2=vpc-2&Filter.1.Name=tag:a&Filter.1.Value.1=b"
    )
    parsed = ec2.parse_request(EC2, request)
    assert parsed.operation == "DescribeVpcs"
    assert parsed.params == {"VpcIds": ["vpc-1", "vpc-2"], "Filters": [{"Name": "tag:a", "Values": ["b"]}]}


def test_another_version_of_the_api_is_served_all_the_same():
    assert ec2.find_operation(EC2, post("Action=DescribeVpcs&Version=2013-10-15")) == "DescribeVpcs"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "MissingAction"),
        ("Action=Fly", "InvalidAction"),
        ("Action=DescribeVpcs&MaxResults=many", "InvalidParameterValue"),
        ("Action=DescribeVpcs&DryRun=a&DryRun=b", "MalformedQueryString"),
    ],
)
def test_requests_that_cannot_be_read_are_refused(body, code):
    with pytest.raises(ServiceError) as refused:
        ec2.parse_request(EC2, post(body))
    assert refused.value.code == code


def test_answer_has_the_request_id_beside_the_members():
    result = {"Vpcs": [{"VpcId": "vpc-1", "Tags": [{"Key": "a", "Value": "b"}]}]}
    response = format_response(EC2, "DescribeVpcs", result, request_id="rid")
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>rid</requestId>'
        "<vpcSet><item><vpcId>vpc-1</vpcId><tagSet><item><key>a</key><value>b</value></item></tagSet></item></vpcSet>"
        "</DescribeVpcsResponse>"
    )


def test_operation_without_an_output_answers_true():
    response = format_response(EC2, "DeleteVpc", {}, request_id="rid")
    assert b"<return>true</return>" in response.body
    assert parse_response(EC2, "DeleteVpc", response)["ResponseMetadata"]["RequestId"] == "rid"


def test_error_stands_in_a_list_of_errors():
    response = format_error(
        EC2, ServiceError("InvalidVpcID.NotFound", "The vpc ID 'v' does not exist"), request_id="rid"
    )
    assert response.status == 400
    assert response.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>The vpc ID 'v' does not exist</Message>"
        "</Error></Errors><RequestID>rid</RequestID></Response>"
    )
