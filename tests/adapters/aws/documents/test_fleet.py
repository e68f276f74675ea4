"""Servers and users as a Transfer API describes them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.fakes.aws_documents import HUB, PARTNER, ScriptedAws
from tests.fakes.public_keys import ed25519_line

from crossdock.adapters.aws.documents.fleet import Fleet
from crossdock.core.errors import Unavailable
from crossdock.core.homes import HomeMapping, LogicalHome, PathHome
from crossdock.core.servers import FileProtocol, IdentityProviderType, ServerState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = "s-0123456789abcdef0"
ROLE = f"arn:aws:iam::{HUB}:role/files"
SERVER: dict[str, Any] = {
    "Arn": f"arn:aws:transfer:eu-central-1:{HUB}:server/{ID}",
    "ServerId": ID,
    "Domain": "S3",
    "State": "ONLINE",
    "Protocols": ["SFTP", "FTPS"],
    "EndpointType": "VPC",
    "EndpointDetails": {"SecurityGroupIds": ["sg-1"]},
    "IdentityProviderType": "SERVICE_MANAGED",
    "ProtocolDetails": {"PassiveIp": "AUTO"},
    "Tags": [{"Key": "a", "Value": "b"}],
}


def fleet(server: Any, user: Any = "AccessDeniedException") -> Fleet:
    answers = {("transfer", "DescribeServer"): server, ("transfer", "DescribeUser"): user}
    return Fleet((ScriptedAws(answers).account(HUB),))


def described(**changes: Any) -> dict[str, Any]:
    return {"Server": {**SERVER, **changes}}


async def test_a_server_is_found_by_the_account_that_has_it() -> None:
    elsewhere = ScriptedAws({("transfer", "DescribeServer"): "ResourceNotFoundException"}).account(PARTNER)
    blind = ScriptedAws({}).account("333333333333")
    aws = ScriptedAws({("transfer", "DescribeServer"): described()})
    found = Fleet((elsewhere, blind, aws.account(HUB)))
    server = await found.server(ID)
    assert server is not None
    assert (server.account_id, server.region, server.state) == (HUB, "eu-central-1", ServerState.ONLINE)
    assert server.protocols == (FileProtocol.SFTP, FileProtocol.FTPS)
    assert server.identity_provider.kind is IdentityProviderType.SERVICE_MANAGED
    assert server.tags == {"a": "b"}
    assert await found.reader_of(ID) == (aws.account(HUB), server)
    assert len(aws.asked) == 1


async def test_no_server_and_no_permission_are_told_apart() -> None:
    assert await fleet("ResourceNotFoundException").server(ID) is None
    with pytest.raises(Unavailable) as refusal:
        await fleet("AccessDeniedException").server(ID)
    assert "may not transfer:DescribeServer on s-" in str(refusal.value)
    assert ". To change that: allow transfer:DescribeServer to " in str(refusal.value)
    with pytest.raises(Unavailable, match="has its own: --transfer-profile"):
        await fleet("UnrecognizedClientException").server(ID)
    with pytest.raises(Unavailable, match=r"ThrottlingException: in a test$"):
        await fleet("ThrottlingException").server(ID)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Domain": "EFS"}, "keeps its files in EFS, where S3's policies say nothing"),
        ({"State": "DREAMING"}, "with something that is not known here: 'DREAMING'"),
        ({"EndpointType": "SPACE"}, "with something that is not known here"),
        ({"Arn": "none"}, "with something that is not known here"),
    ],
)
async def test_a_server_of_a_kind_that_is_not_known_is_unknown(changes, words) -> None:
    with pytest.raises(Unavailable) as refusal:
        await fleet(described(**changes)).server(ID)
    assert words in str(refusal.value)


async def test_a_user_has_role_home_and_session_policy() -> None:
    key = {"SshPublicKeyBody": ed25519_line(), "SshPublicKeyId": "key-0123456789abcdef0", "DateImported": NOW}
    user = {"Role": ROLE, "HomeDirectory": "/inbox/a", "Policy": "{}", "UserName": "user1", "SshPublicKeys": [key]}
    known = fleet(described(), {"User": user})
    server = await known.server(ID)
    assert server is not None
    found = await known.user(server, "user1")
    assert found is not None
    assert (found.role_arn, found.home, found.session_policy) == (ROLE, PathHome(root="/inbox/a"), "{}")
    assert found.public_keys == (ed25519_line(),)
    logical = {"HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": [{"Entry": "/", "Target": "/inbox/b"}]}
    found = await fleet(described(), {"User": {**user, **logical}}).user(server, "user1")
    assert found is not None
    assert isinstance(found.home, LogicalHome)
    assert found.home.mappings == (HomeMapping(entry="/", target="/inbox/b"),)


async def test_a_user_who_is_not_there_and_one_who_may_not_be_seen() -> None:
    known = fleet(described(), "ResourceNotFoundException")
    server = await known.server(ID)
    assert server is not None
    assert await known.user(server, "user1") is None
    assert await fleet("ResourceNotFoundException").user(server, "user1") is None
    with pytest.raises(Unavailable, match="may not transfer:DescribeUser on s-0123456789abcdef0 user1"):
        await fleet(described()).user(server, "user1")
