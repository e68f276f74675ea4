"""The invocation role of an identity provider, assumed as the Transfer service assumes it for a server."""

from datetime import timedelta

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.logins import SERVER, make_attempt
from tests.fakes.provider_gateway import INVOCATION_ROLE, gateway_server, provider_gateway
from tests.fakes.s3 import PARTNER, EmbeddedS3, document

from crossdock.adapters.embedded.invocation_roles import EmbeddedInvocationRoles
from crossdock.adapters.host.provider_api import open_provider_api
from crossdock.core.provider_urls import login_url
from crossdock.ports.authority import AssumeRefused

TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture
def roles(s3: EmbeddedS3) -> EmbeddedInvocationRoles:
    return EmbeddedInvocationRoles(operations=s3.operations, access_keys=s3.parts.access_keys)


async def trust(s3: EmbeddedS3, **conditions) -> None:
    statement = {**TRUST, "Condition": conditions} if conditions else TRUST
    await s3.iam("CreateRole", RoleName="invocation", AssumeRolePolicyDocument=document(statement))


async def test_what_is_signed_with_the_roles_credentials_is_the_roles(s3: EmbeddedS3, roles: EmbeddedInvocationRoles):
    await trust(
        s3,
        StringEquals={"aws:SourceAccount": SERVER.account_id},
        ArnLike={"aws:SourceArn": f"arn:aws:transfer:us-east-1:111111111111:server/{SERVER.server_id}"},
    )
    callers = []

    async def secrets(access_key_id: str, session_token: str) -> str | None:
        key = await s3.parts.access_keys.find(access_key_id, session_token)
        assert key is not None
        callers.append(key.caller.principal.arn)
        return key.secret

    async with (
        provider_gateway(secrets=secrets) as gateway,
        open_provider_api(roles, clock=FakeClock(s3.parts.clock.now()), timeout_s=20) as api,
    ):
        server = gateway_server(gateway.url)
        answer = await api.get(server, url=login_url(gateway.url, make_attempt()), headers={})
        assert (answer.status, gateway.refused) == (200, [])
    assert callers == [f"arn:aws:sts::111111111111:assumed-role/invocation/identity-provider@{SERVER.server_id}"]


async def test_credentials_are_short_lived(s3: EmbeddedS3, roles: EmbeddedInvocationRoles):
    await trust(s3)
    found = await roles.credentials(gateway_server("https://x"))
    assert found.expires_at == s3.parts.clock.now() + timedelta(minutes=15)


async def test_a_role_that_is_not_there_and_one_that_trusts_others_are_told_apart(
    s3: EmbeddedS3, roles: EmbeddedInvocationRoles
):
    with pytest.raises(AssumeRefused, match="there is no role invocation in account 111111111111"):
        await roles.credentials(gateway_server("https://x"))
    await trust(s3, StringEquals={"aws:SourceAccount": PARTNER})
    with pytest.raises(AssumeRefused, match="trust policy of role invocation") as refusal:
        await roles.credentials(gateway_server("https://x"))
    assert INVOCATION_ROLE in str(refusal.value)
