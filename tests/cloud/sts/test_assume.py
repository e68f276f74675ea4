"""Assuming a role from inside the house."""

from dataclasses import replace

import pytest
from tests.fakes.cloud import HUB, ORIGIN, REGION
from tests.fakes.documents import allowing, trusting
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.sts.assume import assume_role, caller_of
from crossdock.cloud.sts.session_tokens import InvalidSessionToken
from crossdock.core.errors import ServiceError
from crossdock.core.principals import AssumedRole, ServicePrincipal
from crossdock.operations.audit import AUDIT
from crossdock.operations.caller import Caller
from crossdock.ports.functions import TemporaryCredentials

TRANSFER = Caller(
    principal=ServicePrincipal(name="transfer.amazonaws.com"),
    source_arn=f"arn:aws:transfer:{REGION}:{HUB}:server/s-1",
    source_account=HUB,
)


async def assume(
    house: Identities, role_arn: str, *, session_policy: str | None = None
) -> tuple[TemporaryCredentials, Caller]:
    return await assume_role(
        house.operations,
        house.parts.access_keys,
        caller=TRANSFER,
        account_id=HUB,
        region=REGION,
        origin=ORIGIN,
        role_arn=role_arn,
        session_name="user1.0123@s-1",
        session_policy=session_policy,
        duration_s=1800,
    )


async def test_a_service_of_the_house_gets_credentials_and_the_caller_that_they_make() -> None:
    house = await make_identities()
    role = await house.role("Upload", trusting({"Service": "transfer.amazonaws.com"}))

    credentials, caller = await assume(house, role["Arn"], session_policy=allowing("s3:*"))

    assert isinstance(caller.principal, AssumedRole)
    assert caller.principal.user_id == f"{role['RoleId']}:user1.0123@s-1"
    assert [policy.name for policy in caller.session_policies] == ["session policy of user1.0123@s-1"]
    assert caller.expires_at == credentials.expires_at
    assert (credentials.expires_at - house.parts.clock.now()).total_seconds() == 1800
    assert caller == await caller_of(house.parts.access_keys, credentials)
    assert credentials.secret_access_key not in repr(credentials)


async def test_a_refusal_is_sts_s_own_and_audited_in_the_account_of_the_service() -> None:
    house = await make_identities()
    role = await house.role("Upload", trusting({"Service": "lambda.amazonaws.com"}))

    with pytest.raises(ServiceError) as refused:
        await assume(house, role["Arn"])

    assert refused.value.code == "AccessDenied"
    async with house.parts.state.reading() as tx:
        rows = await tx.table(AUDIT).page((HUB,))
    (record,) = [row.value for row in rows if row.value["eventName"] == "AssumeRole"]
    assert (record["errorCode"], record["principal"]) == ("AccessDenied", "transfer.amazonaws.com")


async def test_credentials_that_were_not_issued_here_are_nobody_s() -> None:
    house = await make_identities()
    role = await house.role("Upload", trusting({"Service": "transfer.amazonaws.com"}))
    credentials, _ = await assume(house, role["Arn"])

    with pytest.raises(InvalidSessionToken):
        await caller_of(house.parts.access_keys, replace(credentials, session_token="other"))
    with pytest.raises(ServiceError, match="InvalidClientTokenId"):
        await caller_of(
            house.parts.access_keys, replace(credentials, access_key_id="AKIA0000000000000000", session_token="")
        )
