"""ImportSshPublicKey and DeleteSshPublicKey."""

import pytest
from tests.fakes.public_keys import ed25519_line, true_line
from tests.fakes.transfer import HUB, REGION, SERVICE_MANAGED, make_transfer_api

from crossdock.core.ssh_public_keys import KEY_TYPES

ROLE = f"arn:aws:iam::{HUB}:role/transfer-users"


@pytest.fixture
def api():
    return make_transfer_api()


@pytest.fixture
async def user(api):
    """What names the user in every call."""
    server_id = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    await api.call("CreateUser", ServerId=server_id, UserName="anna", Role=ROLE)
    return {"ServerId": server_id, "UserName": "anna"}


async def keys(api, user):
    # The model allows five keys, the quota fifty.
    return (await api.ask("DescribeUser", **user))["User"]["SshPublicKeys"]


async def test_keys_of_every_type_join_those_that_are_there_and_have_ids_of_their_own(api, user):
    imported = [
        await api.call("ImportSshPublicKey", **user, SshPublicKeyBody=f"{true_line(kind)}\n") for kind in KEY_TYPES
    ]
    assert imported[0].keys() == {"ServerId", "UserName", "SshPublicKeyId"}
    found = await keys(api, user)
    assert [key["SshPublicKeyBody"] for key in found] == [true_line(kind) for kind in KEY_TYPES]
    assert [key["SshPublicKeyId"] for key in found] == [answer["SshPublicKeyId"] for answer in imported]
    assert len({key["SshPublicKeyId"] for key in found}) == len(KEY_TYPES)


async def test_a_key_is_kept_once_whatever_its_comment(api, user):
    first = await api.call("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line(comment="at home"))
    error = await api.refused("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line(comment="at work"))
    assert (error.code, error.members["ResourceType"]) == ("ResourceExistsException", "SshPublicKey")
    assert error.members["Resource"] == first["SshPublicKeyId"]
    assert len(await keys(api, user)) == 1


async def test_two_users_may_have_one_key(api, user):
    await api.call("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line())
    await api.call("CreateUser", **{**user, "UserName": "bert"}, Role=ROLE, SshPublicKeyBody=ed25519_line())
    assert len(await keys(api, {**user, "UserName": "bert"})) == 1


async def test_a_deleted_key_is_gone_and_may_come_again(api, user):
    first, second = [
        (await api.call("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line(name)))["SshPublicKeyId"]
        for name in ("first", "second")
    ]
    assert await api.call("DeleteSshPublicKey", **user, SshPublicKeyId=first) == {}
    assert [key["SshPublicKeyId"] for key in await keys(api, user)] == [second]
    error = await api.refused("DeleteSshPublicKey", **user, SshPublicKeyId=first)
    assert (error.code, error.members["ResourceType"]) == ("ResourceNotFoundException", "SshPublicKey")
    await api.call("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line("first"))
    assert [key["SshPublicKeyBody"] for key in await keys(api, user)] == [ed25519_line("second"), ed25519_line("first")]


@pytest.mark.parametrize("body", ["", "ssh-ed25519 AAAA", "ssh-dss AAAA", "---- BEGIN SSH2 PUBLIC KEY ----"])
async def test_what_is_no_key_is_refused_in_aws_words(api, user, body):
    error = await api.refused("ImportSshPublicKey", **user, SshPublicKeyBody=body)
    assert error.code == "InvalidRequestException"
    assert error.message.startswith("Unsupported or invalid SSH public key format")


async def test_a_user_has_fifty_keys_and_no_more(api, user):
    for number in range(50):
        await api.call("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line(str(number)))
    error = await api.refused("ImportSshPublicKey", **user, SshPublicKeyBody=ed25519_line("one more"))
    assert "at most 50" in error.message
    assert len(await keys(api, user)) == 50


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("ImportSshPublicKey", {"SshPublicKeyBody": ed25519_line()}),
        ("DeleteSshPublicKey", {"SshPublicKeyId": "key-00000000000000000"}),
    ],
)
async def test_keys_belong_to_users_that_are_there_and_are_asked_for_on_them(api, user, operation, params):
    error = await api.refused(operation, **{**user, "UserName": "bert"}, **params)
    assert error.message == "Unknown user"
    error = await api.refused(operation, **{**user, "ServerId": "s-00000000000000000"}, **params)
    assert error.message == "Unknown server"
    asked = [one.resource for one in api.authorizer.asked if one.action == f"transfer:{operation}"]
    assert asked[0] == f"arn:aws:transfer:{REGION}:{HUB}:user/{user['ServerId']}/bert"
