"""Service-managed users."""

import pytest
from tests.fakes.transfer import HUB, SERVICE_MANAGED, make_transfer_api

ROLE = f"arn:aws:iam::{HUB}:role/transfer-users"
MAPPINGS = [{"Entry": "/in", "Target": "/bucket/in"}]


@pytest.fixture
def api():
    return make_transfer_api()


@pytest.fixture
async def server_id(api):
    return (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]


async def make_user(api, server_id, name="anna", **settings):
    return await api.call("CreateUser", ServerId=server_id, UserName=name, Role=ROLE, **settings)


async def test_a_user_is_described_as_it_was_made(api, server_id):
    await make_user(api, server_id, HomeDirectory="/bucket", SshPublicKeyBody="ssh-ed25519 AAAA\n")
    user = (await api.call("DescribeUser", ServerId=server_id, UserName="anna"))["User"]
    assert user["Arn"].endswith(f":user/{server_id}/anna")
    assert user["HomeDirectoryType"] == "PATH"
    (key,) = user["SshPublicKeys"]
    assert key["SshPublicKeyBody"] == "ssh-ed25519 AAAA"
    assert key["SshPublicKeyId"].startswith("key-")
    listed = await api.call("ListUsers", ServerId=server_id)
    assert [(u["UserName"], u["SshPublicKeyCount"]) for u in listed["Users"]] == [("anna", 1)]
    assert (await api.described(server_id))["UserCount"] == 1


async def test_a_user_is_changed_and_deleted(api, server_id):
    await make_user(api, server_id)
    await api.call(
        "UpdateUser",
        ServerId=server_id,
        UserName="anna",
        HomeDirectoryType="LOGICAL",
        HomeDirectoryMappings=MAPPINGS,
    )
    user = (await api.call("DescribeUser", ServerId=server_id, UserName="anna"))["User"]
    assert user["HomeDirectoryMappings"] == MAPPINGS
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", HomeDirectoryType="PATH")
    user = (await api.call("DescribeUser", ServerId=server_id, UserName="anna"))["User"]
    assert "HomeDirectoryMappings" not in user
    await api.call("DeleteUser", ServerId=server_id, UserName="anna")
    assert (await api.refused("DescribeUser", ServerId=server_id, UserName="anna")).message == "Unknown user"


async def test_a_name_can_be_taken_once(api, server_id):
    await make_user(api, server_id)
    with pytest.raises(Exception, match="ResourceExistsException"):
        await make_user(api, server_id)


async def test_users_belong_to_service_managed_servers_only(api):
    custom = await api.server()
    error = await api.refused("CreateUser", ServerId=custom, UserName="anna", Role=ROLE)
    assert "SERVICE_MANAGED" in error.message
    error = await api.refused("CreateUser", ServerId="s-00000000000000000", UserName="anna", Role=ROLE)
    assert error.message == "Unknown server"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"HomeDirectoryMappings": MAPPINGS}, "only be used with HomeDirectoryType LOGICAL"),
        ({"HomeDirectoryType": "LOGICAL"}, "is required"),
        (
            {"HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": [{"Entry": "/", "Target": "/b/"}]},
            "must not end",
        ),
    ],
)
async def test_homes_are_checked(api, server_id, settings, sentence):
    error = await api.refused("CreateUser", ServerId=server_id, UserName="anna", Role=ROLE, **settings)
    assert sentence in error.message


async def test_a_name_that_could_not_log_in_is_refused(api, server_id):
    assert "UserName" in (await api.refused("CreateUser", ServerId=server_id, UserName="an\u00e9", Role=ROLE)).message


async def test_users_are_listed_page_by_page(api, server_id):
    for name in ("ada", "bob", "cyd"):
        await make_user(api, server_id, name)
    first = await api.call("ListUsers", ServerId=server_id, MaxResults=2)
    rest = await api.call("ListUsers", ServerId=server_id, MaxResults=2, NextToken=first["NextToken"])
    assert [u["UserName"] for u in first["Users"] + rest["Users"]] == ["ada", "bob", "cyd"]
    assert "NextToken" not in rest


async def test_the_users_role_must_be_passable(api, server_id):
    await make_user(api, server_id)
    assert ("iam:PassRole", ROLE) in [(asked.action, asked.resource) for asked in api.authorizer.asked]
