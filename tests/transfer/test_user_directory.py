"""The users of servers, as logins are told of them."""

import pytest
from tests.fakes.public_keys import ed25519_line
from tests.fakes.transfer import HUB, SERVICE_MANAGED, make_transfer_api

from crossdock.core.errors import Unavailable
from crossdock.core.homes import (
    HomeMapping,
    LogicalHome,
    MappingType,
    ObjectPlace,
    PathHome,
    initial_directory,
    is_given_directory,
    locate,
)
from crossdock.core.logins import PosixProfile
from crossdock.core.users import TransferUser
from crossdock.transfer.user_directory import StateUserDirectory, user_of
from crossdock.transfer.user_records import UserRecord

ROLE = f"arn:aws:iam::{HUB}:role/transfer-users"


@pytest.fixture
def api():
    return make_transfer_api()


@pytest.fixture
async def server(api):
    server_id = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    return await api.directory.server(server_id)


@pytest.fixture
def users(api):
    return StateUserDirectory(api.operations.house.state)


async def make_user(api, server, name="anna", **settings):
    await api.call("CreateUser", ServerId=server.server_id, UserName=name, Role=ROLE, **settings)


async def test_a_user_is_told_with_everything_that_was_configured(api, server, users):
    await make_user(
        api,
        server,
        HomeDirectory="/box/home/",
        Policy="{}",
        PosixProfile={"Uid": 1, "Gid": 2, "SecondaryGids": [3, 4]},
        SshPublicKeyBody=ed25519_line("first", "comment"),
    )
    await api.call(
        "ImportSshPublicKey", ServerId=server.server_id, UserName="anna", SshPublicKeyBody=ed25519_line("second")
    )
    assert await users.user(server, "anna") == TransferUser(
        username="anna",
        role_arn=ROLE,
        home=PathHome(root="/box/home"),
        session_policy="{}",
        public_keys=(ed25519_line("first", "comment"), ed25519_line("second")),
        posix=PosixProfile(uid=1, gid=2, secondary_gids=(3, 4)),
    )


async def test_a_user_with_nothing_configured_has_nothing(api, server, users):
    await make_user(api, server)
    assert await users.user(server, "anna") == TransferUser(username="anna", role_arn=ROLE)


async def test_names_are_told_apart_by_capitals_and_by_server(api, server, users):
    await make_user(api, server)
    other = await api.directory.server((await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"])
    assert await users.user(server, "Anna") is None
    assert await users.user(server, "ann") is None
    assert await users.user(other, "anna") is None


async def test_a_deleted_user_and_a_deleted_key_are_gone_at_the_next_login(api, server, users):
    await make_user(api, server, SshPublicKeyBody=ed25519_line())
    named = {"ServerId": server.server_id, "UserName": "anna"}
    (key,) = (await api.call("DescribeUser", **named))["User"]["SshPublicKeys"]
    await api.call("DeleteSshPublicKey", **named, SshPublicKeyId=key["SshPublicKeyId"])
    found = await users.user(server, "anna")
    assert found is not None
    assert found.public_keys == ()
    await api.call("DeleteUser", **named)
    assert await users.user(server, "anna") is None


async def test_a_logical_home_has_its_names_filled_and_files_told_from_directories(api, server, users):
    mappings = [
        {"Entry": "/in", "Target": "/box/${transfer:UserName}"},
        {"Entry": "/price.csv", "Target": "/box/lists/price.csv", "Type": "FILE"},
    ]
    await make_user(api, server, HomeDirectoryType="LOGICAL", HomeDirectoryMappings=mappings)
    home = (await users.user(server, "anna")).home
    assert home == LogicalHome(
        mappings=(
            HomeMapping(entry="/in", target="/box/anna"),
            HomeMapping(entry="/price.csv", target="/box/lists/price.csv", type=MappingType.FILE),
        )
    )
    assert locate(home, "/price.csv") == ObjectPlace(bucket="box", key="lists/price.csv")
    assert not is_given_directory(home, "/price.csv")


@pytest.mark.parametrize(
    ("wanted", "start"),
    [
        ({"HomeDirectory": "/in/new/"}, "/in/new"),
        ({"HomeDirectory": "/"}, "/"),
        ({"HomeDirectory": "/box/in"}, "/"),
        ({"HomeDirectory": "/price.csv"}, "/"),
        ({}, "/"),
    ],
)
async def test_a_session_begins_where_the_home_says_if_the_mappings_lead_there(api, server, users, wanted, start):
    mappings = [
        {"Entry": "/in", "Target": "/box/in"},
        {"Entry": "/price.csv", "Target": "/box/price.csv", "Type": "FILE"},
    ]
    await make_user(api, server, HomeDirectoryType="LOGICAL", HomeDirectoryMappings=mappings, **wanted)
    assert initial_directory((await users.user(server, "anna")).home) == start


def test_a_kept_home_that_none_can_have_is_no_home_at_all():
    settings = {"Role": ROLE, "HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": []}
    with pytest.raises(Unavailable, match="the user anna cannot be used"):
        user_of(UserRecord(user_name="anna", settings=settings, keys=()))
