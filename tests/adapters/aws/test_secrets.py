"""Secrets that the gateway itself reads: of our own Secrets Manager, over HTTP."""

from typing import Any

import pytest
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import serve_cloud

from crossdock.adapters.aws.secrets import AwsSecrets
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing

KEPT = {"key": {"SecretString": "open sesame"}, "binary": {"SecretBinary": b"\x00"}}


async def get(call: Any) -> Any:
    if call.params["SecretId"] == "withheld":
        raise ServiceError("AccessDeniedException", "User: gateway is not authorized.")
    if call.params["SecretId"] not in KEPT:
        raise ServiceError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    return KEPT[call.params["SecretId"]]


async def test_a_text_is_read_and_what_is_none_is_said():
    operation = Operation(handler=get, permissions=needs_nothing)
    service = ServiceOperations(service="secretsmanager", operations={"GetSecretValue": operation})
    async with serve_cloud(service) as cloud, clients_of(cloud) as clients:
        secrets = AwsSecrets(clients)
        assert await secrets.text("hub", "us-east-1", "key") == "open sesame"
        with pytest.raises(Unavailable, match="the secret binary is binary"):
            await secrets.text("hub", "us-east-1", "binary")
        with pytest.raises(Unavailable, match="the secret x: ResourceNotFoundException: Secrets Manager can't find"):
            await secrets.text("hub", "us-east-1", "x")
        with pytest.raises(
            Unavailable, match=r"is not authorized.*request .*must be allowed secretsmanager:GetSecretV"
        ):
            await secrets.text("hub", "us-east-1", "withheld")
