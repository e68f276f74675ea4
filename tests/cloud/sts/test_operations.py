"""GetCallerIdentity."""

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.documents import denying, trusting
from tests.fakes.identity import Identities, make_identities

from crossdock.core.principals import AccountRoot
from crossdock.operations.caller import Caller


@pytest.fixture
async def house() -> Identities:
    return await make_identities()


async def test_a_user_hears_who_it_is(house: Identities) -> None:
    user = (await house.iam("GetUser"))["User"]

    assert await house.sts("GetCallerIdentity") == {"UserId": user["UserId"], "Account": HUB, "Arn": user["Arn"]}


async def test_a_role_session_hears_who_it_is_even_when_every_policy_denies(house: Identities) -> None:
    role = await house.role("Upload", trusting({"AWS": HUB}))
    await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="p", PolicyDocument=denying("*"))
    session = await house.session(role["Arn"], name="alice")

    assert await house.sts("GetCallerIdentity", by=session) == {
        "UserId": f"{role['RoleId']}:alice",
        "Account": HUB,
        "Arn": f"arn:aws:sts::{HUB}:assumed-role/Upload/alice",
    }


async def test_the_account_itself_is_its_own_user(house: Identities) -> None:
    answer = await house.sts("GetCallerIdentity", by=Caller(principal=AccountRoot(account_id=HUB)))

    assert answer == {"UserId": HUB, "Account": HUB, "Arn": f"arn:aws:iam::{HUB}:root"}


async def test_a_session_whose_role_is_gone_or_whose_time_is_over_is_told_so(house: Identities) -> None:
    role = await house.role("Upload", trusting({"AWS": HUB}))
    session = await house.session(role["Arn"])
    await house.iam("DeleteRole", RoleName="Upload")
    assert (await house.refused("sts", "GetCallerIdentity", by=session)).code == "InvalidClientTokenId"

    house.parts.clock.advance(3600)
    assert (await house.refused("sts", "GetCallerIdentity", by=session)).code == "ExpiredToken"
