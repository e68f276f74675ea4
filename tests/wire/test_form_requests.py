"""What query and ec2 share is tested through both; here is that neither looks at a body that it cannot need."""

from tests.fakes.aws_models import model_of

from crossdock.wire import ec2, query
from crossdock.wire.http import HttpRequest


def test_operations_without_an_input_ignore_every_field():
    request = HttpRequest(method="POST", path="/", body=b"Action=GetAccountSummary&What=ever&What.ever=1")
    assert query.parse_request(model_of("iam"), request).params == {}


def test_operation_may_have_all_of_its_fields_in_the_query_string():
    request = HttpRequest(method="GET", path="/", query="Action=DescribeVpcs&VpcId.1=vpc-1")
    assert ec2.parse_request(model_of("ec2"), request).params == {"VpcIds": ["vpc-1"]}
