"""Whose access key is it?"""

from typing import Any

import pytest
from tests.fakes.cloud import HUB, make_parts
from tests.fakes.documents import allowing, trusting
from tests.fakes.house import PlainSealer
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.accounts import AccountCredentials, credentials_of
from crossdock.cloud.iam.records import ACCESS_KEYS, USERS
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.session_tokens import InvalidSessionToken
from crossdock.core.principals import AssumedRole, IamUser


@pytest.fixture
async def house() -> Identities:
    return await make_identities()


async def admin_key(house: Identities) -> AccountCredentials:
    return await credentials_of(house.parts.state, house.parts.sealer, house.parts.accounts, "hub")


async def session_key(house: Identities, **params: Any) -> dict[str, str]:
    role = await house.role("Upload", trusting({"AWS": HUB}))
    answer = await house.sts("AssumeRole", RoleArn=role["Arn"], RoleSessionName="alice", **params)
    return dict(answer["Credentials"])


async def test_a_long_lived_key_is_its_user_s(house: Identities) -> None:
    admin = await admin_key(house)

    key = await house.parts.access_keys.find(admin.access_key_id)

    assert key is not None
    assert key.secret == admin.secret_access_key
    assert isinstance(key.caller.principal, IamUser)
    assert key.caller.principal.arn == f"arn:aws:iam::{HUB}:user/crossdock-admin"
    assert key.caller.access_key_id == admin.access_key_id
    assert key.caller.expires_at is None


async def test_an_unknown_key_is_nobody_s(house: Identities) -> None:
    assert await house.parts.access_keys.find("AKIAUNKNOWN000000000") is None


async def test_a_known_key_costs_no_read(house: Identities) -> None:
    admin = await admin_key(house)
    temporary = await session_key(house, Policy=allowing("s3:*"))
    keys = house.parts.access_keys
    await keys.find(admin.access_key_id)
    await keys.find(temporary["AccessKeyId"], temporary["SessionToken"])
    reads = house.parts.state.reads

    for _ in range(5):
        first = await keys.find(admin.access_key_id)
        second = await keys.find(temporary["AccessKeyId"], temporary["SessionToken"])
        assert first is not None
        assert second is not None

    assert house.parts.state.reads == reads


async def test_the_memory_of_keys_is_bounded() -> None:
    house = await make_identities()
    parts = house.parts
    keys = AccessKeys(
        state=parts.state,
        sealer=parts.sealer,
        tokens=parts.tokens,
        library=parts.library,
        epoch=parts.epoch,
        capacity=1,
    )
    ids = [
        (await credentials_of(parts.state, parts.sealer, parts.accounts, account)).access_key_id
        for account in ("hub", "partner")
    ]
    reads = parts.state.reads

    for access_key_id in (ids[0], ids[0], ids[1], ids[0]):
        assert await keys.find(access_key_id) is not None

    assert parts.state.reads == reads + 3


async def test_a_temporary_key_is_its_session_s(house: Identities) -> None:
    temporary = await session_key(
        house,
        Policy=allowing("s3:*"),
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}],
        DurationSeconds=900,
    )

    key = await house.parts.access_keys.find(temporary["AccessKeyId"], temporary["SessionToken"])

    assert key is not None
    assert key.secret == temporary["SecretAccessKey"]
    assert isinstance(key.caller.principal, AssumedRole)
    assert key.caller.principal.session_name == "alice"
    assert key.caller.issued_at == house.parts.clock.now()
    assert key.caller.expires_at == temporary["Expiration"]
    assert [policy.name for policy in key.caller.session_policies] == [
        "session policy of alice",
        "session policy arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    ]


async def test_a_key_that_expired_is_still_found_so_that_the_edge_can_say_so(house: Identities) -> None:
    temporary = await session_key(house)
    house.parts.clock.advance(7200)

    key = await house.parts.access_keys.find(temporary["AccessKeyId"], temporary["SessionToken"])

    assert key is not None
    assert key.caller.expires_at is not None
    assert key.caller.expires_at < house.parts.clock.now()


async def test_keys_and_tokens_that_do_not_belong_together_are_refused(house: Identities) -> None:
    admin = await admin_key(house)
    temporary = await session_key(house)
    keys = house.parts.access_keys
    for access_key_id, token in (
        (temporary["AccessKeyId"], ""),
        (temporary["AccessKeyId"], temporary["SessionToken"] + "x"),
        (temporary["AccessKeyId"], "\udcff\x00"),
        ("ASIAANOTHERKEY000000", temporary["SessionToken"]),
        (admin.access_key_id, temporary["SessionToken"]),
    ):
        with pytest.raises(InvalidSessionToken):
            await keys.find(access_key_id, token)


async def test_a_session_policy_that_was_deleted_denies_everything(house: Identities) -> None:
    arn = f"arn:aws:iam::{HUB}:policy/Narrow"
    await house.iam("CreatePolicy", PolicyName="Narrow", PolicyDocument=allowing("iam:GetRole"))
    role = await house.role("Upload", trusting({"AWS": HUB}))
    await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="p", PolicyDocument=allowing("iam:*"))
    answer = await house.sts("AssumeRole", RoleArn=role["Arn"], RoleSessionName="alice", PolicyArns=[{"arn": arn}])
    credentials = answer["Credentials"]

    async def session() -> Any:
        key = await house.parts.access_keys.find(credentials["AccessKeyId"], credentials["SessionToken"])
        assert key is not None
        return key.caller

    await house.iam("GetRole", by=await session(), RoleName="Upload")
    await house.iam("DeletePolicy", PolicyArn=arn)

    refusal = await house.refused("iam", "GetRole", by=await session(), RoleName="Upload")
    assert "also depends on what could not be read (session policy)" in refusal.reason


async def test_a_key_whose_user_is_gone_is_nobody_s() -> None:
    house = await make_identities()
    admin = await admin_key(house)
    async with house.parts.state.transaction() as tx:
        await USERS.delete(tx, HUB, "crossdock-admin")

    assert await house.parts.access_keys.find(admin.access_key_id) is None


async def test_secrets_are_sealed_in_the_table_and_absent_from_texts(house: Identities) -> None:
    admin = await admin_key(house)
    async with house.parts.state.reading() as tx:
        record = await ACCESS_KEYS.get(tx, admin.access_key_id)
    assert record is not None
    key = await house.parts.access_keys.find(admin.access_key_id)

    assert admin.secret_access_key not in f"{record!r} {key!r} {admin!r}"
    unsealed = PlainSealer().unseal(record.sealed_secret, context=f"iam-access-key:{admin.access_key_id}")
    assert unsealed.decode() == admin.secret_access_key


async def test_nothing_is_known_before_the_accounts_are_made() -> None:
    assert await make_parts().access_keys.find("AKIA0000000000000000") is None
