"""Roles assumed as the Transfer service assumes them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.logins import SERVER
from tests.fakes.s3 import PARTNER, EmbeddedS3, document

from crossdock.adapters.embedded.assumer import ORIGIN, EmbeddedRoleAssumer
from crossdock.cloud.sts.assume import assume_role
from crossdock.core.errors import Denied, ServiceError
from crossdock.core.homes import ObjectPlace
from crossdock.ports.authority import AssumeRefused, RoleRequest

KEY = ObjectPlace(bucket="box", key="home/key")
SESSION = "user1.0123456789abcdef@s-1"


def trusting(**conditions):
    trust = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return document({**trust, "Condition": conditions} if conditions else trust)


async def assume(assumer: EmbeddedRoleAssumer, role: str, **changes):
    asked = RoleRequest(server=SERVER, username="user1", role_arn=role, session_name=SESSION, session_policy=None)
    return await assumer.assume(replace(asked, **changes))


async def test_a_session_is_the_roles_for_an_hour(s3: EmbeddedS3, assumer: EmbeddedRoleAssumer, role: str):
    session = await assume(assumer, role)
    assert session.principal.arn == f"arn:aws:sts::111111111111:assumed-role/files/{SESSION}"
    assert session.principal.user_id.endswith(f":{SESSION}")
    assert session.expires_at == s3.parts.clock.now() + timedelta(hours=1)
    await session.store.put(KEY, [b"content"], {})
    assert await s3.read("box", "home/key") == b"content"


async def test_the_trust_policy_sees_the_user_and_the_account_that_transfer_acts_for(
    s3: EmbeddedS3, assumer: EmbeddedRoleAssumer, role: str
):
    conditions = {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {"aws:SourceArn": f"arn:aws:transfer:us-east-1:111111111111:user/{SERVER.server_id}/user1"},
    }
    await s3.iam("UpdateAssumeRolePolicy", RoleName="files", PolicyDocument=trusting(**conditions))
    await assume(assumer, role)
    with pytest.raises(AssumeRefused, match="trust policy of role files"):
        await assume(assumer, role, username="user2")
    other = {"StringEquals": {"aws:SourceAccount": PARTNER}}
    await s3.iam("UpdateAssumeRolePolicy", RoleName="files", PolicyDocument=trusting(**other))
    with pytest.raises(AssumeRefused, match="trust policy of role files"):
        await assume(assumer, role)


async def test_a_role_that_does_not_trust_transfer_is_refused(s3: EmbeddedS3, assumer: EmbeddedRoleAssumer, role: str):
    lambda_only = document(
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )
    await s3.iam("UpdateAssumeRolePolicy", RoleName="files", PolicyDocument=lambda_only)
    with pytest.raises(AssumeRefused) as refused:
        await assume(assumer, role)
    # The operator's log hears which role, and why.
    assert role in str(refused.value)
    assert "trust policy" in str(refused.value)


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::111111111111:role/absent", "arn:aws:iam::999999999999:role/files", "nonsense", ""]
)
async def test_a_role_that_is_none_is_refused(assumer: EmbeddedRoleAssumer, role: str, arn: str):
    with pytest.raises(AssumeRefused):
        await assume(assumer, arn)


async def test_the_operator_hears_that_a_role_does_not_exist(assumer: EmbeddedRoleAssumer, role: str):
    for name in ("absent", "a/path/files"):
        with pytest.raises(AssumeRefused) as refused:
            await assume(assumer, f"arn:aws:iam::111111111111:role/{name}")
        assert str(refused.value) == f"there is no role {name} in account 111111111111"


async def test_who_calls_sts_does_not_hear_whether_a_role_exists(s3: EmbeddedS3, role: str):
    heard = []
    for name in ("files", "absnt"):
        with pytest.raises(ServiceError) as refused:
            await assume_role(
                s3.operations,
                s3.parts.access_keys,
                caller=s3.hub,
                account_id="111111111111",
                region=SERVER.region,
                origin=ORIGIN,
                role_arn=f"arn:aws:iam::111111111111:role/{name}",
                session_name="session",
            )
        heard.append((refused.value.code, refused.value.message.replace(name, "NAME").partition(": statement")[0]))
    assert heard[0] == heard[1]


@pytest.mark.parametrize("policy", ["nonsense", "{}", '{"Version":"2012-10-17","Statement":[]}', "x" * 2049])
async def test_a_session_policy_that_is_none_is_refused(assumer: EmbeddedRoleAssumer, role: str, policy: str):
    with pytest.raises(AssumeRefused):
        await assume(assumer, role, session_policy=policy)


async def test_a_session_policy_narrows_what_the_role_may_do(s3: EmbeddedS3, assumer: EmbeddedRoleAssumer, role: str):
    own = document({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/home/*"})
    store = (await assume(assumer, role, session_policy=own)).store
    await store.put(KEY, [b"content"], {})
    with pytest.raises(Denied, match="session policy"):
        await store.put(ObjectPlace(bucket="box", key="else/key"), [b"content"], {})
    with pytest.raises(Denied):
        await store.read(KEY)


async def test_a_session_ends_by_its_time_and_with_its_role(s3: EmbeddedS3, assumer: EmbeddedRoleAssumer, role: str):
    first = (await assume(assumer, role)).store
    await first.put(KEY, [b"content"], {})
    s3.parts.clock.advance(3600)
    with pytest.raises(Denied, match="expired"):
        await first.head(KEY)
    second = (await assume(assumer, role)).store
    await second.head(KEY)
    await s3.iam("DeleteRolePolicy", RoleName="files", PolicyName="what")
    await s3.iam("DeleteRole", RoleName="files")
    with pytest.raises(Denied):
        await second.head(KEY)


async def test_transfers_calls_come_from_no_address_and_are_secure(
    s3: EmbeddedS3, assumer: EmbeddedRoleAssumer, role: str
):
    store = (await assume(assumer, role)).store
    box = ["arn:aws:s3:::box", "arn:aws:s3:::box/*"]
    only = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": box[1]}
    await s3.policy("box", {**only, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    await store.put(KEY, [b"content"], {})
    await s3.policy("box", {**only, "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}})
    with pytest.raises(Denied):
        await store.put(KEY, [b"content"], {})


async def test_the_services_log_tells_a_missing_role_as_that(
    assumer: EmbeddedRoleAssumer, role: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    with pytest.raises(AssumeRefused):
        await assume(assumer, "arn:aws:iam::111111111111:role/absent")
    (denied,) = [record for record in caplog.records if record.message == "denied"]
    assert vars(denied)["reason"] == "there is no role absent in account 111111111111"
