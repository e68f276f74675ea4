"""AWS::Transfer::User: its SSH public keys made, exchanged, and put back.

Source: CloudFormation Template Reference, AWS::Transfer::User: SshPublicKeys, "Update requires: No interruption".
"""

from typing import Any

import pytest
from tests.fakes.public_keys import ed25519_line
from tests.fakes.stacks import EmbeddedStacks
from tests.fakes.templates import get_att, resource, role, trusting

A, B, C = (ed25519_line(name, f"{name} at home") for name in "abc")
LOGINS = role(RoleName="logins", AssumeRolePolicyDocument=trusting({"Service": "transfer.amazonaws.com"}))


def user(*keys: str, **properties: Any) -> dict[str, Any]:
    plain = {"ServerId": get_att("Server", "ServerId"), "UserName": "user1", "Role": get_att("Logins", "Arn")}
    given = {"SshPublicKeys": list(keys)} if keys else {}
    return {
        "Logins": LOGINS,
        "Server": resource("Transfer::Server"),
        "User": resource("Transfer::User", **{**plain, **given, **properties}),
    }


async def named(cloud: EmbeddedStacks) -> dict[str, str]:
    return {"ServerId": (await cloud.physical("Server")).rsplit("/", 1)[-1], "UserName": "user1"}


async def keys(cloud: EmbeddedStacks) -> dict[str, str]:
    """Bodies and ids, the oldest first."""
    found = await cloud.call("transfer", "DescribeUser", **await named(cloud))
    return {key["SshPublicKeyBody"]: key["SshPublicKeyId"] for key in found["User"]["SshPublicKeys"]}


async def test_a_user_is_made_with_all_its_keys_in_their_order(cloud: EmbeddedStacks):
    assert (await cloud.create(user(A, B, C)))["StackStatus"] == "CREATE_COMPLETE", await cloud.failures("User")
    assert list(await keys(cloud)) == [A, B, C]


async def test_keys_come_and_go_in_place_and_those_that_stay_are_not_touched(cloud: EmbeddedStacks):
    await cloud.create(user(A, B))
    before = await keys(cloud)
    assert (await cloud.update(user(B, C)))["StackStatus"] == "UPDATE_COMPLETE", await cloud.failures("User")
    after = await keys(cloud)
    assert list(after) == [B, C]
    assert after[B] == before[B]
    assert (await cloud.update(user()))["StackStatus"] == "UPDATE_COMPLETE"
    assert await keys(cloud) == {}
    assert (await cloud.update(user(A)))["StackStatus"] == "UPDATE_COMPLETE"
    assert list(await keys(cloud)) == [A]
    assert cloud.flaws.calls.count("transfer:CreateUser") == 1
    assert cloud.flaws.calls.count("transfer:UpdateUser") == 0


async def test_the_user_can_always_log_in_while_keys_are_exchanged(cloud: EmbeddedStacks):
    await cloud.create(user(A))
    await cloud.update(user(B))
    exchanged = [call for call in cloud.flaws.calls if call.endswith("SshPublicKey")]
    assert exchanged == ["transfer:ImportSshPublicKey", "transfer:DeleteSshPublicKey"]


async def test_a_key_with_another_comment_is_the_same_key(cloud: EmbeddedStacks):
    await cloud.create(user(A))
    before = await keys(cloud)
    await cloud.update(user(ed25519_line("a", "at work"), Tags=[{"Key": "a", "Value": "1"}]))
    assert await keys(cloud) == before


async def test_keys_that_came_past_the_stack_stay(cloud: EmbeddedStacks):
    await cloud.create(user(A))
    await cloud.call("transfer", "ImportSshPublicKey", **await named(cloud), SshPublicKeyBody=C)
    await cloud.update(user(B))
    assert list(await keys(cloud)) == [C, B]


@pytest.mark.parametrize("wrong", ["ssh-ed25519 AAAA", "ssh-dss AAAA"])
async def test_a_key_that_is_none_puts_the_old_ones_back(cloud: EmbeddedStacks, wrong: str):
    await cloud.create(user(A))
    before = await keys(cloud)
    assert (await cloud.update(user(B, wrong)))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Unsupported or invalid SSH public key format" in (await cloud.failures("User"))[0]
    assert await keys(cloud) == before


async def test_a_key_that_could_not_be_deleted_puts_the_old_ones_back(cloud: EmbeddedStacks):
    await cloud.create(user(A))
    before = await keys(cloud)
    cloud.flaws.fail("transfer", "DeleteSshPublicKey")
    assert (await cloud.update(user(B)))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert await keys(cloud) == before


@pytest.mark.parametrize("given", [("ssh-ed25519 AAAA",), (A, "ssh-ed25519 AAAA"), (A, A)])
async def test_a_user_whose_keys_cannot_be_is_not_left_behind(cloud: EmbeddedStacks, given: tuple[str, ...]):
    assert (await cloud.create(user(*given)))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "SSH public key" in (await cloud.failures("User"))[0]
    assert (await cloud.call("transfer", "ListServers"))["Servers"] == []
    assert cloud.flaws.calls.count("transfer:DeleteUser") == (len(given) > 1)
