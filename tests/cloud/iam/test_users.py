"""Users, to be looked at."""

import re

from tests.fakes.cloud import HUB
from tests.fakes.documents import allowing, trusting
from tests.fakes.identity import make_identities


async def test_the_administrator_sees_itself() -> None:
    house = await make_identities()

    user = (await house.iam("GetUser"))["User"]

    assert user == (await house.iam("GetUser", UserName="crossdock-admin"))["User"]
    assert user["Arn"] == f"arn:aws:iam::{HUB}:user/crossdock-admin"
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", user["UserId"])
    assert (await house.iam("ListUsers"))["Users"] == [user]
    assert (await house.iam("ListUsers", PathPrefix="/staff/"))["Users"] == []


async def test_a_user_that_is_not_there_is_not_found() -> None:
    refusal = await (await make_identities()).refused("iam", "GetUser", UserName="nobody")

    assert (refusal.code, refusal.message) == ("NoSuchEntity", "The user with name nobody cannot be found.")


async def test_a_role_session_must_say_which_user_it_means() -> None:
    house = await make_identities()
    role = await house.role("Reader", trusting({"AWS": HUB}))
    await house.iam("PutRolePolicy", RoleName="Reader", PolicyName="p", PolicyDocument=allowing("iam:*"))
    session = await house.session(role["Arn"])

    refusal = await house.refused("iam", "GetUser", by=session)

    assert (refusal.code, refusal.message) == (
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
    )
    assert (await house.iam("GetUser", by=session, UserName="crossdock-admin"))["User"]["UserName"]
