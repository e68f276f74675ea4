"""The identity provider's function on AWS: our own Lambda, over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.logins import SERVER, make_attempt

from crossdock.adapters.aws.provider_functions import AwsProviderFunctions
from crossdock.core.errors import ServiceError
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.ports.authority import FunctionUnreachable

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:idp"


class Functions:
    """A Lambda service whose one function answers what the test says."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | ServiceError = {"Payload": b"{}", "StatusCode": 200}
        self.seen: list[Any] = []

    async def invoke(self, call: Any) -> Any:
        self.seen.append((call.params["FunctionName"], json.loads(call.params["Payload"])))
        if isinstance(self.answer, ServiceError):
            raise self.answer
        return self.answer


@pytest.fixture
def lambda_() -> Functions:
    return Functions()


@pytest.fixture
async def functions(lambda_: Functions) -> AsyncIterator[AwsProviderFunctions]:
    operation = Operation(handler=lambda_.invoke, permissions=needs_nothing)
    async with (
        serve_cloud(ServiceOperations(service="lambda", operations={"Invoke": operation})) as cloud,
        clients_of(cloud) as clients,
    ):
        yield AwsProviderFunctions(clients)


async def ask(functions: AwsProviderFunctions, function_arn: str = FUNCTION) -> Any:
    return await functions.invoke(SERVER, make_attempt(), function_arn=function_arn, event=b'{"username": "user1"}')


async def test_it_gets_the_event_and_its_payload_comes_back(functions, lambda_):
    lambda_.answer = {"Payload": b'{"Role": "r"}', "StatusCode": 200}
    answer = await ask(functions)
    assert (answer.payload, answer.error) == (b'{"Role": "r"}', "")
    assert lambda_.seen == [(FUNCTION, {"username": "user1"})]


async def test_a_function_that_failed_says_so(functions, lambda_):
    lambda_.answer = {"Payload": b'{"errorMessage": "no"}', "FunctionError": "Unhandled", "StatusCode": 200}
    assert (await ask(functions)).error == "Unhandled"


async def test_one_that_cannot_be_invoked_is_named_with_what_to_change(functions, lambda_):
    lambda_.answer = ServiceError(
        "AccessDeniedException", "not authorized to perform: lambda:InvokeFunction", status=403
    )
    with pytest.raises(FunctionUnreachable, match="AccessDeniedException: not authorized") as refused:
        await ask(functions)
    assert (
        refused.value.remedy == f"allow lambda:InvokeFunction on {FUNCTION} to the identity that this gateway runs as"
    )
    assert not refused.value.is_silent
    with pytest.raises(FunctionUnreachable, match="ARN"):
        await ask(functions, function_arn="idp")


async def test_a_lambda_without_room_is_silent(functions, lambda_):
    lambda_.answer = ServiceError("TooManyRequestsException", "Rate Exceeded.", status=429)
    with pytest.raises(FunctionUnreachable) as refused:
        await ask(functions)
    assert refused.value.is_silent


class Unreached:
    """Implements `adapters.aws.clients.ServiceClients`."""

    async def client(self, service: str, region: str) -> Any:
        raise EndpointConnectionError(endpoint_url=f"https://{service}.{region}.amazonaws.com")


async def test_a_lambda_that_is_not_reached_is_silent():
    with pytest.raises(FunctionUnreachable) as refused:
        await ask(AwsProviderFunctions(Unreached()))
    assert refused.value.is_silent
