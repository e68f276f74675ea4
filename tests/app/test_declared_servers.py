"""Declared servers: made where they are missing, and changed into what the file has where they are."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.declaring import ID, OTHER, PLACE, ROLE, declared, keys_of, make_declarer, user
from tests.fakes.host_keys import openssh_pem
from tests.fakes.models import service_model
from tests.fakes.public_keys import ed25519_line
from tests.fakes.transfer import FUNCTION, HUB, REGION, TransferApi, make_transfer_api

from crossdock.app.declared_servers import ServerDeclarer
from crossdock.app.declaring import CannotDeclare
from crossdock.cloud.accounts import UnknownAccount
from crossdock.core.ids import ServerId
from crossdock.settings.servers_file import DeclaredServer


@pytest.fixture
def api() -> TransferApi:
    return make_transfer_api()


@pytest.fixture
def declarer(api: TransferApi) -> ServerDeclarer:
    return make_declarer(api)


async def fingerprints(api: TransferApi) -> list[str]:
    listed = await api.ask("ListHostKeys", ServerId=ID)
    return [key["Fingerprint"] for key in listed["HostKeys"]]


async def test_a_missing_server_is_made_with_its_id_users_and_keys(api: TransferApi, declarer: ServerDeclarer):
    await declarer.apply(declared(user("user1", ed25519_line("one"), ed25519_line("two")) + user("user2")))
    described = await api.described(ID)
    assert described["Protocols"] == ["SFTP"]
    assert described["UserCount"] == 2
    mark = {"Key": "crossdock:declared", "Value": f"{ID} with users"}
    assert described["Tags"] == [{"Key": "crossdock:server-id", "Value": ID}, mark]
    assert await keys_of(api, "user1") == sorted([ed25519_line("one"), ed25519_line("two")])


async def test_applied_again_it_changes_nothing(api: TransferApi, declarer: ServerDeclarer):
    server = declared(user("user1", ed25519_line("one")))
    await declarer.apply(server)
    before = await api.described(ID), await api.call("DescribeUser", ServerId=ID, UserName="user1")
    keys = await fingerprints(api)
    await declarer.apply(server)
    assert (await api.described(ID), await api.call("DescribeUser", ServerId=ID, UserName="user1")) == before
    assert await fingerprints(api) == keys


async def test_what_is_there_becomes_what_the_file_has(api: TransferApi, declarer: ServerDeclarer):
    await declarer.apply(declared(user("user1", ed25519_line("one")) + user("user2")))
    await api.call("CreateUser", ServerId=ID, UserName="stranger", Role=ROLE)
    changed = declared(
        user("user1", f"{ed25519_line('two')} a comment", role=f"{ROLE}2") + user("user3"),
        settings='Protocols = ["SFTP"]\nPreAuthenticationLoginBanner = "Hello"',
    )
    await declarer.apply(changed)
    assert (await api.described(ID))["PreAuthenticationLoginBanner"] == "Hello"
    listed = await api.call("ListUsers", ServerId=ID)
    assert {found["UserName"]: found["Role"] for found in listed["Users"]} == {"user1": f"{ROLE}2", "user3": ROLE}
    (key,) = await keys_of(api, "user1")
    assert key.startswith(ed25519_line("two"))


async def test_users_that_the_file_does_not_speak_of_stay(api: TransferApi, declarer: ServerDeclarer):
    await declarer.apply(declared())
    await api.call("CreateUser", ServerId=ID, UserName="user1", Role=ROLE)
    await declarer.apply(declared())
    assert (await api.described(ID))["UserCount"] == 1


async def test_host_keys_are_those_of_the_files_and_secrets_alone(
    api: TransferApi, declarer: ServerDeclarer, tmp_path: Path
):
    (tmp_path / "rsa").write_bytes(openssh_pem("ssh-rsa", "in a file"))
    server = declared(head='host_keys = ["rsa", "secretsmanager:host-key"]', folder=tmp_path)
    await declarer.apply(server)
    first = await fingerprints(api)
    assert len(first) == 2
    # Another node with another state.
    other = make_transfer_api()

    async def do(
        account: str, region: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        return await other.ask(operation, **params)

    state = other.operations.house.state
    await ServerDeclarer(
        administrator=do, secrets=declarer.secrets, state=state, region=REGION, model=service_model("transfer")
    ).apply(server)
    assert sorted(await fingerprints(other)) == sorted(first)


async def test_what_the_file_says_no_more_goes_back_to_its_default(api: TransferApi, declarer: ServerDeclarer):
    plain = declared()
    await declarer.apply(plain)
    before = await api.described(ID)
    await declarer.apply(
        declared(
            settings=f"""
                Protocols = ["SFTP"]
                EndpointType = "VPC"
                EndpointDetails = {{ VpcId = "vpc-0a", SubnetIds = ["subnet-0a"] }}
                IdentityProviderType = "AWS_LAMBDA"
                IdentityProviderDetails = {{ Function = "{FUNCTION}" }}
                LoggingRole = "arn:aws:iam::111111111111:role/logs"
                PreAuthenticationLoginBanner = "Hello"
                SecurityPolicyName = "TransferSecurityPolicy-2024-01"
                ProtocolDetails = {{ SetStatOption = "ENABLE_NO_OP" }}
                S3StorageOptions = {{ DirectoryListingOptimization = "ENABLED" }}
                Tags = {{ "crossdock:interrupted-uploads" = "resume", "team" = "dock" }}
            """
        )
    )
    assert len((await api.described(ID))["Tags"]) == 4
    await declarer.apply(plain)
    after = await api.described(ID)
    assert after.pop("S3StorageOptions") == {"DirectoryListingOptimization": "DISABLED"}
    assert after.pop("EndpointDetails") == {}
    assert after == before


async def test_security_groups_that_the_file_says_no_more_go(api: TransferApi, declarer: ServerDeclarer):
    vpc = 'EndpointType = "VPC"\nEndpointDetails = {{ VpcId = "vpc-0a", SubnetIds = ["subnet-0a"]{} }}'
    await declarer.apply(declared(settings=vpc.format(', SecurityGroupIds = ["sg-00000000"]')))
    await declarer.apply(declared(settings=vpc.format("")))
    (server,) = await api.directory.servers()
    assert server.security_group_ids == ()


async def test_what_the_file_says_no_more_of_a_user_is_cleared(api: TransferApi, declarer: ServerDeclarer):
    plain = declared(user("user1"))
    await declarer.apply(plain)
    before = await api.call("DescribeUser", ServerId=ID, UserName="user1")
    more = """
        HomeDirectoryType = "LOGICAL"
        HomeDirectoryMappings = [{ Entry = "/", Target = "/bucket/user1" }]
        Policy = "{}"
        Tags = [{ Key = "team", Value = "dock" }]
    """
    full = declared(user("user1") + more)
    await declarer.apply(full)
    await declarer.apply(full)
    changed = (await api.call("DescribeUser", ServerId=ID, UserName="user1"))["User"]
    assert (changed["Policy"], changed["Tags"]) == ("{}", [{"Key": "team", "Value": "dock"}])
    await declarer.apply(plain)
    assert await api.call("DescribeUser", ServerId=ID, UserName="user1") == before


async def test_the_last_user_goes_with_its_lines_and_those_of_the_api_stay(api: TransferApi, declarer: ServerDeclarer):
    await declarer.apply(declared(user("user1")))
    await declarer.apply(declared())
    assert (await api.described(ID))["UserCount"] == 0
    await api.call("CreateUser", ServerId=ID, UserName="user2", Role=ROLE)
    await declarer.apply(declared())
    assert (await api.described(ID))["UserCount"] == 1


async def test_a_server_that_the_file_has_no_more_is_deleted_and_no_other(
    api: TransferApi, declarer: ServerDeclarer, caplog: pytest.LogCaptureFixture
):
    tags = [{"Key": "crossdock:declared", "Value": ID}, {"Key": "crossdock:server-id", "Value": OTHER}]
    taken_over = await api.server(Tags=tags)
    own = await api.server()
    await declarer.apply_all([declared(user("user1"))], await api.directory.servers())
    await declarer.apply_all([declared(user("user1"))], await api.directory.servers())
    assert {server.server_id for server in await api.directory.servers()} == {ID, taken_over, own}
    assert not caplog.records
    await declarer.apply_all([], await api.directory.servers())
    assert {server.server_id for server in await api.directory.servers()} == {taken_over, own}
    (record,) = caplog.records
    assert record.message == "deleted a server that is declared no more"
    assert record.__dict__["server_id"] == ID


async def test_a_server_whose_everything_is_in_the_file_moves_with_it(
    api: TransferApi, declarer: ServerDeclarer, caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    (tmp_path / "key").write_bytes(openssh_pem("ssh-rsa", "in a file"))
    server = declared(user("user1", ed25519_line("one")), head='host_keys = ["key"]', folder=tmp_path)
    await declarer.apply(server)
    keys = await fingerprints(api)
    moved = replace(server, region="eu-central-1")
    for _ in range(2):
        assert await declarer.apply_all([moved], await api.directory.servers()) == {}
        (found,) = await api.directory.servers()
        assert (found.server_id, found.region) == (ID, "eu-central-1")
    listed = await api.call("ListHostKeys", region="eu-central-1", ServerId=ID)
    assert [key["Fingerprint"] for key in listed["HostKeys"]] == keys
    assert (await api.call("DescribeUser", region="eu-central-1", ServerId=ID, UserName="user1"))["User"][
        "Role"
    ] == ROLE
    (record,) = caplog.records
    assert (record.levelname, record.__dict__["region"]) == ("WARNING", REGION)


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (declared(user("user1")), r"would lose its host keys \(host_keys\): write them into the file, or delete"),
        (declared(), r"would lose its host keys \(host_keys\) and its users \(\[\[server\.users\]\]\): write"),
    ],
    ids=["host keys", "users"],
)
async def test_one_that_would_lose_something_stays_where_it_was(
    api: TransferApi, declarer: ServerDeclarer, server: DeclaredServer, sentence: str
):
    await declarer.apply(server)
    keys = await fingerprints(api)
    there = await api.directory.servers()
    (reason,) = (await declarer.apply_all([replace(server, region="eu-central-1")], there)).values()
    assert re.search(sentence, reason)
    assert f"server {ID}: it is in account {HUB}, region {REGION}, and stays there as it was" in reason
    assert f"aws transfer delete-server --server-id {ID}" in reason
    assert await api.directory.servers() == there
    assert await fingerprints(api) == keys


async def test_one_that_cannot_be_made_in_the_new_place_stays_where_it_was(
    api: TransferApi, declarer: ServerDeclarer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "key").write_bytes(openssh_pem("ssh-rsa", "in a file"))
    (tmp_path / "nothing").write_text("no key")
    good = declared(user("user1", ed25519_line("one")), head='host_keys = ["key"]', folder=tmp_path)
    await declarer.apply(good)
    there, keys = await api.directory.servers(), await fingerprints(api)
    for wrong, sentence in (
        (
            {"settings": 'Protocols = ["SFTP"]\nSecurityPolicyName = "NoSuch"'},
            rf"it is in account {HUB}, region {REGION}, and stays there as it was: CreateServer: .*"
            "Unknown security policy NoSuch",
        ),
        ({"head": 'host_keys = ["nothing"]'}, r"the host key .*/nothing cannot be used: .*Invalid host key format$"),
    ):
        server = declared(user("user1"), **{"head": 'host_keys = ["key"]', **wrong}, folder=tmp_path)
        caplog.clear()
        (reason,) = (await declarer.apply_all([replace(server, region="eu-central-1")], there)).values()
        assert re.search(sentence, reason)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert await api.directory.servers() == there
        assert await fingerprints(api) == keys
        assert await keys_of(api, "user1") == [ed25519_line("one")]


async def test_one_that_is_lost_between_the_places_is_told(api: TransferApi, declarer: ServerDeclarer, tmp_path: Path):
    (tmp_path / "key").write_bytes(openssh_pem("ssh-rsa", "in a file"))
    server = declared(user("user1"), head='host_keys = ["key"]', folder=tmp_path)
    await declarer.apply(server)

    async def do(
        account: str, region: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        result = await declarer.administrator(account, region, service, operation, params)
        if operation == "DeleteServer":
            await api.server(Tags=[{"Key": "crossdock:server-id", "Value": ID}])  # somebody was faster
        return result

    failing = replace(declarer, administrator=do)
    failures = await failing.apply_all([replace(server, region="eu-central-1")], await api.directory.servers())
    assert re.search(
        rf"CreateServer: ResourceExists.*; it was deleted in account {HUB}, region {REGION} and is nowhere now$",
        failures[ID],
    )


async def test_a_server_of_the_api_is_not_taken_away_for_one_of_the_file(api: TransferApi, declarer: ServerDeclarer):
    await api.server(Tags=[{"Key": "crossdock:server-id", "Value": ID}])
    there = await api.directory.servers()
    server = replace(declared(user("user1")), region="eu-central-1")
    reason = (await declarer.apply_all([server], there))[ID]
    assert f"there is one in account {HUB}, region {REGION}, which no file declared: delete that one" in reason
    assert await api.directory.servers() == there


async def test_a_wrong_server_keeps_no_other_from_coming_up(
    api: TransferApi, declarer: ServerDeclarer, caplog: pytest.LogCaptureFixture
):
    wrong = replace(declared(settings='Protocols = ["FTPS"]'), server_id=ServerId(OTHER))
    failures = await declarer.apply_all([wrong, declared()], [])
    assert failures.keys() == {OTHER}
    assert [server.server_id for server in await api.directory.servers()] == [ID]
    (record,) = caplog.records
    assert (record.levelname, record.__dict__["server_id"]) == ("ERROR", OTHER)
    assert record.__dict__["reason"].startswith(f"server {OTHER}: CreateServer: ")
    assert record.__dict__["reason"] == failures[OTHER]


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        (declared(settings='Protocols = ["GOPHER"]'), rf"server {ID}: CreateServer: .*"),
        (declared(user("user1", "no key")), rf"server {ID}: user 'user1': ImportSshPublicKey: .*"),
        (
            declared(head='host_keys = ["missing"]'),
            rf"server {ID}: the host key .*missing cannot be read: No such file or directory$",
        ),
        (declared(head='host_keys = ["secretsmanager:x"]'), "secretsmanager:x cannot be read: there is no secret x"),
    ],
    ids=["settings", "a key", "a file", "a secret"],
)
async def test_what_cannot_be_is_said_with_the_call(declarer: ServerDeclarer, server: DeclaredServer, sentence: str):
    with pytest.raises(CannotDeclare, match=sentence):
        await declarer.apply(server)


@pytest.mark.parametrize("key", ["only", "second"])
async def test_a_public_key_as_host_key_is_told_by_its_place(
    api: TransferApi, declarer: ServerDeclarer, key: str, tmp_path: Path
):
    (tmp_path / "key").write_bytes(openssh_pem("ssh-rsa", "in a file"))
    (tmp_path / "key.pub").write_text(f"{ed25519_line('one')} host\n")
    keys = '["key.pub"]' if key == "only" else '["key", "key.pub"]'
    with pytest.raises(CannotDeclare, match=r"host key .*/key\.pub cannot be used: .*public key, and the private one"):
        await declarer.apply(declared(head=f"host_keys = {keys}", folder=tmp_path))
    assert await api.directory.servers() == []


async def test_an_account_that_is_not_there_is_told_with_its_place(declarer: ServerDeclarer):
    async def do(account: str, *_: object) -> Mapping[str, Any]:
        raise UnknownAccount(f"there is no account {account!r}")

    with pytest.raises(
        CannotDeclare, match=rf"server {ID}: account, in its \[\[server\]\] of {PLACE}: there is no account 'hub'"
    ):
        await replace(declarer, administrator=do, file=Path(PLACE)).apply(declared())


async def test_a_mistyped_word_keeps_no_other_server_from_coming_up(api: TransferApi, declarer: ServerDeclarer):
    wrong = replace(declared(settings='Protocol = ["SFTP"]'), server_id=ServerId(OTHER))
    failures = await declarer.apply_all([wrong, declared()], [])
    assert failures == {
        OTHER: f"server {OTHER}: [server.settings] has Protocol, which is no name there: perhaps Protocols is meant"
    }
    assert [server.server_id for server in await api.directory.servers()] == [ID]
