"""Clients of AWS's services: made once, and what they fail with in words."""

import pytest
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError, EndpointConnectionError, EndpointProviderError
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import serve_cloud

from crossdock.adapters.aws.clean_connections import CleanHttpSession
from crossdock.adapters.aws.clients import code_of, in_words, open_clients
from crossdock.adapters.aws.parsing import AWS_FAILURES


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


async def test_a_client_whose_url_has_no_port_is_not_kept_open(monkeypatch: pytest.MonkeyPatch):
    closed = list[object]()

    class Counting(CleanHttpSession):
        async def __aexit__(self, *raised: object) -> None:
            closed.append(self)
            await super().__aexit__(*raised)

    monkeypatch.setattr("crossdock.adapters.aws.clients.CleanHttpSession", Counting)
    session = AioSession()
    session.set_credentials("AKIA", "a secret of the tests")
    async with open_clients(read_timeout_s=10, endpoint_url="http://127.0.0.1:99999", session=session) as clients:
        for attempt in (1, 2):
            with pytest.raises(EndpointProviderError, match="the endpoint's URL of sts is none: Port out of range"):
                await clients.client("sts", "us-east-1")
            assert len(closed) == attempt


async def test_no_password_of_an_endpoints_url_is_told():
    session = AioSession()
    session.set_credentials("AKIA", "a secret of the tests")
    for url in ("http://me:open-sesame@127.0.0.1:1", "http://me:open-sesame@-", "http://me:open-sesame@s:99999"):
        async with open_clients(read_timeout_s=10, endpoint_url=url, session=session, attempts=1) as clients:
            with pytest.raises(AWS_FAILURES) as failed:
                await (await clients.client("sts", "us-east-1")).get_caller_identity()
            assert not any(
                secret in told for told in (in_words(failed.value), str(failed.value)) for secret in ("me:", "sesame")
            )
