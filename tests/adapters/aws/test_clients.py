"""Clients of AWS's services: made once, and what they fail with in words."""

from botocore.exceptions import ClientError, EndpointConnectionError
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import serve_cloud

from crossdock.adapters.aws.clients import code_of, in_words


async def test_one_client_for_each_service_and_region():
    async with serve_cloud() as cloud, clients_of(cloud) as clients:
        sts = await clients.client("sts", "us-east-1")
        assert await clients.client("sts", "us-east-1") is sts
        assert await clients.client("sts", "eu-central-1") is not sts
        assert (await sts.get_caller_identity())["Account"] == "111111111111"


def test_aws_s_own_words_with_the_request():
    told = {"Error": {"Code": "Throttling", "Message": "Rate exceeded"}, "ResponseMetadata": {"RequestId": "r-1"}}
    error = ClientError(told, "AssumeRole")
    assert in_words(error) == "Throttling: Rate exceeded (request r-1)"
    assert code_of(error) == "Throttling"
    assert in_words(ClientError({}, "AssumeRole")) == "an error: without a message"
    assert "http://127.0.0.1:1" in in_words(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))
    assert in_words(ClientError({"Error": {"Code": "X", "Message": None}}, "AssumeRole")) == "X: without a message"
