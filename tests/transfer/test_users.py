"""Service-managed users."""

import pytest
from tests.fakes.public_keys import ed25519_line
from tests.fakes.transfer import FUNCTION, HUB, REGION, SERVICE_MANAGED, make_transfer_api

from crossdock.transfer.user_records import COUNTS, USERS, UserCount
from crossdock.transfer.user_rules import MAX_USERS

ROLE = f"arn:aws:iam::{HUB}:role/transfer-users"
MAPPINGS = [{"Entry": "/in", "Target": "/bucket/in"}]
LOGICAL = {"HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": MAPPINGS}
TAGS = [{"Key": "team", "Value": "red"}]


@pytest.fixture
def api():
    return make_transfer_api()


@pytest.fixture
async def server_id(api):
    return (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]


async def make_user(api, server_id, name="anna", **settings):
    return await api.call("CreateUser", **{"ServerId": server_id, "UserName": name, "Role": ROLE, **settings})


async def described(api, server_id, name="anna"):
    return (await api.call("DescribeUser", ServerId=server_id, UserName=name))["User"]


async def test_a_user_is_described_as_it_was_made(api, server_id):
    settings = {
        "HomeDirectory": "/bucket",
        "Policy": "{}",
        "PosixProfile": {"Uid": 1, "Gid": 2, "SecondaryGids": [3]},
        "Tags": TAGS,
    }
    made = await make_user(api, server_id, **settings, SshPublicKeyBody=f"{ed25519_line(comment='anna at home')}\n")
    assert made == {"ServerId": server_id, "UserName": "anna"}
    answer = await api.call("DescribeUser", ServerId=server_id, UserName="anna")
    assert answer["ServerId"] == server_id
    (key,) = answer["User"].pop("SshPublicKeys")
    assert answer["User"] == {
        **settings,
        "Arn": f"arn:aws:transfer:{REGION}:{HUB}:user/{server_id}/anna",
        "HomeDirectoryType": "PATH",
        "Role": ROLE,
        "UserName": "anna",
    }
    assert key["SshPublicKeyBody"] == ed25519_line(comment="anna at home")
    assert key["SshPublicKeyId"].startswith("key-")
    assert len(key["SshPublicKeyId"]) == 21


async def test_a_user_is_listed_without_what_only_the_description_tells(api, server_id):
    await make_user(api, server_id, HomeDirectory="/bucket", Policy="{}", SshPublicKeyBody=ed25519_line())
    (listed,) = (await api.call("ListUsers", ServerId=server_id))["Users"]
    assert listed == {
        "Arn": f"arn:aws:transfer:{REGION}:{HUB}:user/{server_id}/anna",
        "HomeDirectory": "/bucket",
        "HomeDirectoryType": "PATH",
        "Role": ROLE,
        "SshPublicKeyCount": 1,
        "UserName": "anna",
    }


async def test_a_user_may_come_without_a_key(api, server_id):
    await make_user(api, server_id, SshPublicKeyBody="")
    assert (await described(api, server_id))["SshPublicKeys"] == []


async def test_a_user_with_a_key_that_is_none_is_not_made(api, server_id):
    error = await api.refused("CreateUser", ServerId=server_id, UserName="anna", Role=ROLE, SshPublicKeyBody="ssh-x A")
    assert error.code == "InvalidRequestException"
    assert error.message.startswith("Unsupported or invalid SSH public key format")
    assert (await api.described(server_id))["UserCount"] == 0


async def test_a_user_is_changed_and_deleted(api, server_id):
    await make_user(api, server_id)
    answer = await api.call("UpdateUser", ServerId=server_id, UserName="anna", **LOGICAL)
    assert answer == {"ServerId": server_id, "UserName": "anna"}
    assert (await described(api, server_id))["HomeDirectoryMappings"] == MAPPINGS
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", HomeDirectoryType="PATH")
    assert "HomeDirectoryMappings" not in await described(api, server_id)
    await api.call("DeleteUser", ServerId=server_id, UserName="anna")
    for operation in ("DescribeUser", "UpdateUser", "DeleteUser"):
        error = await api.refused(operation, ServerId=server_id, UserName="anna")
        assert (error.code, error.message) == ("ResourceNotFoundException", "Unknown user")
        assert error.members["ResourceType"] == "User"


async def test_a_change_leaves_what_it_does_not_name_and_the_keys_and_the_tags(api, server_id):
    await make_user(api, server_id, HomeDirectory="/bucket", SshPublicKeyBody=ed25519_line(), Tags=TAGS)
    before = await described(api, server_id)
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", Policy='{"Version": "2012-10-17"}')
    assert await described(api, server_id) == {**before, "Policy": '{"Version": "2012-10-17"}'}


async def test_an_empty_text_takes_a_policy_and_a_home_away(api, server_id):
    await make_user(api, server_id, HomeDirectory="/bucket", Policy="{}")
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", HomeDirectory="", Policy="")
    assert not {"HomeDirectory", "Policy"} & (await described(api, server_id)).keys()


async def test_a_logical_home_may_say_where_it_begins_and_new_mappings_replace_all_old_ones(api, server_id):
    await make_user(api, server_id, **LOGICAL, HomeDirectory="/in")
    other = [{"Entry": "/out", "Target": "/bucket/out", "Type": "FILE"}]
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", HomeDirectoryMappings=other)
    found = await described(api, server_id)
    assert (found["HomeDirectoryMappings"], found["HomeDirectory"]) == (other, "/in")


async def test_a_name_can_be_taken_once_on_a_server_and_again_on_another(api, server_id):
    await make_user(api, server_id)
    error = await api.refused("CreateUser", ServerId=server_id, UserName="anna", Role=ROLE)
    assert (error.code, error.members["Resource"]) == ("ResourceExistsException", "anna")
    assert (await api.described(server_id))["UserCount"] == 1
    other = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    await make_user(api, other)
    await make_user(api, server_id, "Anna")
    assert (await api.described(server_id))["UserCount"] == 2


async def test_users_belong_to_service_managed_servers_only(api):
    custom = await api.server()
    error = await api.refused("CreateUser", ServerId=custom, UserName="anna", Role=ROLE)
    assert "SERVICE_MANAGED" in error.message
    error = await api.refused("CreateUser", ServerId="s-00000000000000000", UserName="anna", Role=ROLE)
    assert error.message == "Unknown server"


async def test_users_outlast_a_time_with_another_identity_provider(api, server_id):
    await make_user(api, server_id)
    lambda_ = {"IdentityProviderType": "AWS_LAMBDA", "IdentityProviderDetails": {"Function": FUNCTION}}
    await api.call("UpdateServer", ServerId=server_id, **lambda_)
    assert (await api.refused("CreateUser", ServerId=server_id, UserName="bert", Role=ROLE)).code == (
        "InvalidRequestException"
    )
    await api.call("UpdateServer", ServerId=server_id, IdentityProviderType="SERVICE_MANAGED")
    assert (await described(api, server_id))["UserName"] == "anna"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"HomeDirectoryMappings": MAPPINGS}, "only be used with HomeDirectoryType LOGICAL"),
        ({"HomeDirectoryType": "LOGICAL"}, "is required"),
        ({**LOGICAL, "HomeDirectoryMappings": [{"Entry": "/", "Target": "/b/"}]}, "must not end"),
        ({**LOGICAL, "HomeDirectoryMappings": [{"Entry": "/", "Target": "/b/../c"}]}, "Target must not contain"),
        ({**LOGICAL, "HomeDirectoryMappings": [{"Entry": "/../a", "Target": "/b"}]}, "Entry must not contain"),
        (
            {**LOGICAL, "HomeDirectoryMappings": [{"Entry": f"/{n}", "Target": "/b"} for n in range(2001)]},
            "more than 2000 entries",
        ),
        ({"HomeDirectory": "bucket"}, "must start with '/'"),
        ({"Role": f"arn:aws:iam::{HUB}:user/role/x"}, "Role must be the ARN of an IAM role"),
        ({"Role": "arn:role/xxxxxxxxxxxxxxx"}, "Role must be the ARN of an IAM role"),
    ],
)
async def test_a_user_that_could_not_log_in_is_not_made(api, server_id, settings, sentence):
    user = {"ServerId": server_id, "UserName": "anna", "Role": ROLE}
    assert sentence in (await api.refused("CreateUser", **{**user, **settings})).message
    await api.call("CreateUser", **user)
    before = await described(api, server_id)
    assert sentence in (await api.refused("UpdateUser", **{**user, **settings})).message
    assert await described(api, server_id) == before


async def test_a_name_that_could_not_log_in_is_refused(api, server_id):
    assert "UserName" in (await api.refused("CreateUser", ServerId=server_id, UserName="an\u00e9", Role=ROLE)).message


async def test_users_are_listed_page_by_page(api, server_id):
    for name in ("ada", "bob", "cyd"):
        await make_user(api, server_id, name)
    first = await api.call("ListUsers", ServerId=server_id, MaxResults=2)
    rest = await api.call("ListUsers", ServerId=server_id, MaxResults=2, NextToken=first["NextToken"])
    assert [u["UserName"] for u in first["Users"] + rest["Users"]] == ["ada", "bob", "cyd"]
    assert "NextToken" not in rest
    assert (await api.refused("ListUsers", ServerId=server_id, NextToken="x")).code == "InvalidNextTokenException"


async def test_a_server_has_a_number_of_users_and_no_more(api, server_id):
    await make_user(api, server_id)
    state = api.operations.house.state
    async with state.transaction() as tx:
        await COUNTS.put(tx, UserCount(users=MAX_USERS), HUB, REGION, server_id)
    error = await api.refused("CreateUser", ServerId=server_id, UserName="bert", Role=ROLE)
    assert "at most 10000 users" in error.message
    assert (await api.refused("CreateUser", ServerId=server_id, UserName="anna", Role=ROLE)).code == (
        "ResourceExistsException"
    )
    await api.call("DeleteUser", ServerId=server_id, UserName="anna")
    await make_user(api, server_id, "bert")


async def test_users_that_were_never_counted_are_counted(api, server_id):
    await make_user(api, server_id)
    async with api.operations.house.state.transaction() as tx:
        await COUNTS.delete(tx, HUB, REGION, server_id)
    assert (await api.described(server_id))["UserCount"] == 1
    await make_user(api, server_id, "bert")
    (listed,) = (await api.call("ListServers"))["Servers"]
    assert listed["UserCount"] == 2


async def test_nothing_stays_of_the_users_of_a_server_that_is_deleted(api, server_id):
    await make_user(api, server_id)
    other = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    await make_user(api, other)
    await api.call("DeleteServer", ServerId=server_id)
    async with api.operations.house.state.reading() as tx:
        assert await USERS.everything(tx, HUB, REGION, server_id) == []
        assert await COUNTS.get(tx, HUB, REGION, server_id) is None
    assert (await api.described(other))["UserCount"] == 1


async def test_a_users_tags_are_given_taken_and_listed(api, server_id):
    await make_user(api, server_id, Tags=TAGS)
    arn = (await described(api, server_id))["Arn"]
    await api.call("TagResource", Arn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    assert (await described(api, server_id))["Tags"] == [*TAGS, {"Key": "stage", "Value": "test"}]
    await api.call("UntagResource", Arn=arn, TagKeys=["team"])
    assert (await api.call("ListTagsForResource", Arn=arn))["Tags"] == [{"Key": "stage", "Value": "test"}]
    error = await api.refused(
        "CreateUser", ServerId=server_id, UserName="bert", Role=ROLE, Tags=[{"Key": "aws:x", "Value": ""}]
    )
    assert "reserved for AWS" in error.message


async def test_the_users_role_must_be_passable(api, server_id):
    await make_user(api, server_id)
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", Policy="{}")
    asked = [(one.action, one.resource) for one in api.authorizer.asked]
    assert asked.count(("iam:PassRole", ROLE)) == 1
    await api.call("UpdateUser", ServerId=server_id, UserName="anna", Role=ROLE)
    assert [one.action for one in api.authorizer.asked].count("iam:PassRole") == 2


async def test_users_are_asked_for_on_the_user_and_new_ones_on_the_server(api, server_id):
    await make_user(api, server_id)
    await api.call("ListUsers", ServerId=server_id)
    await api.call("UpdateUser", ServerId=server_id, UserName="anna")
    await described(api, server_id)
    await api.call("DeleteUser", ServerId=server_id, UserName="anna")
    asked = {one.action: one.resource for one in api.authorizer.asked}
    server = f"arn:aws:transfer:{REGION}:{HUB}:server/{server_id}"
    user = f"arn:aws:transfer:{REGION}:{HUB}:user/{server_id}/anna"
    assert (asked["transfer:CreateUser"], asked["transfer:ListUsers"]) == (server, server)
    assert {asked[f"transfer:{verb}User"] for verb in ("Describe", "Update", "Delete")} == {user}
