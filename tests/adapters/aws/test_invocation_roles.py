"""The invocation role of an identity provider, assumed by the gateway's own identity, of an STS over HTTP: our own."""

import pytest
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.provider_gateway import gateway_server
from tests.fakes.s3 import document

from crossdock.adapters.aws.invocation_roles import AwsInvocationRoles
from crossdock.adapters.aws.role_assumer import AwsRoleIssuer
from crossdock.core.principals import AssumedRole
from crossdock.ports.authority import AssumeRefused

TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"sts:ExternalId": "dock"}},
}


async def test_the_role_is_assumed_under_the_servers_name_if_it_trusts_the_gateway():
    server = gateway_server("https://x")
    async with serve_cloud() as cloud, clients_of(cloud) as clients:
        roles = AwsInvocationRoles(AwsRoleIssuer(clients=clients, external_id="dock"))
        with pytest.raises(AssumeRefused, match="AccessDenied"):
            await roles.credentials(server)
        await cloud.s3.iam("CreateRole", RoleName="invocation", AssumeRolePolicyDocument=document(TRUST))
        found = await roles.credentials(server)
        key = await cloud.s3.parts.access_keys.find(found.access_key_id, found.session_token)
        assert key is not None
        assert isinstance(key.caller.principal, AssumedRole)
        assert key.caller.principal.session_name == f"identity-provider@{server.server_id}"
        with pytest.raises(AssumeRefused, match="trust policy must admit this gateway's own identity"):
            await AwsInvocationRoles(AwsRoleIssuer(clients=clients)).credentials(server)
