"""`explain` on the service's side: how its question is read, and from where it is known who the user is."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.fakes.cloud import HUB, REGION, CloudParts
from tests.fakes.logins import SERVER, MemoryDirectory
from tests.fakes.provider_gateway import ScriptedApi, gateway_server
from tests.fakes.public_keys import ed25519_line
from tests.fakes.s3 import EmbeddedS3, document, make_s3

from crossdock.adapters.embedded.assumer import EmbeddedRoleAssumer, EmbeddedRoleHolders
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.app.explain import Explain, build_explain
from crossdock.app.questions import BadQuestion
from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.table import logs_operations
from crossdock.core.servers import FileProtocol, IdentityProviderChoice, IdentityProviderType, Server, ServerState
from crossdock.operations.call import Call, Operations
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.ports.logs import LogEvent, LogGroupId
from crossdock.ports.provider_api import ApiAnswer, ApiUnreachable
from crossdock.settings import LogSettings
from crossdock.transfer.user_records import USERS, SshKey, UserRecord

ROLE = f"arn:aws:iam::{HUB}:role/files"
TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
ANSWER = {"Role": ROLE, "HomeDirectory": "/box/home"}
LOGICAL = {
    "Role": ROLE,
    "HomeDirectoryType": "LOGICAL",
    "HomeDirectoryDetails": '[{"Entry": "/", "Target": "/box/home"}]',
}
PUT = {"userName": "user1", "command": "put", "path": "a.csv"}
SESSION = "0123456789abcdef"
MANAGED = replace(SERVER, identity_provider=IdentityProviderChoice(kind=IdentityProviderType.SERVICE_MANAGED))


class Provider:
    """A Lambda service with the one function of the servers, which knows one password."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    async def invoke(self, call: Call) -> Mapping[str, Any]:
        event = json.loads(call.params["Payload"])
        self.asked.append(event)
        return {"Payload": json.dumps(ANSWER if event["password"] == "open sesame" else {}).encode()}

    def table(self) -> ServiceOperations:
        invoke = Operation(handler=self.invoke, permissions=needs_nothing)
        return ServiceOperations(service="lambda", operations={"Invoke": invoke})


@dataclass(frozen=True, slots=True)
class AskedCloud:
    """Implements `app.explain.AskedCloud`."""

    operations: Operations
    assumer: EmbeddedRoleAssumer


@dataclass(slots=True)
class Asking:
    """The hub's cloud with a bucket, a role, a provider and a log; `servers` are those that the question may mean."""

    s3: EmbeddedS3
    provider: Provider
    events: MemoryLogEvents
    servers: tuple[Server, ...] = (SERVER,)
    api: ScriptedApi = field(default_factory=ScriptedApi)

    @property
    def parts(self) -> CloudParts:
        return self.s3.parts

    async def __call__(self, **question: Any) -> Mapping[str, Any]:
        return await self.explain()({**PUT, **question})

    async def refused(self, **question: Any) -> str:
        with pytest.raises(BadQuestion) as refusal:
            await self(**question)
        return str(refusal.value)

    def explain(self) -> Explain:
        operations = self.s3.operations
        assumer = EmbeddedRoleAssumer(
            roles=EmbeddedRoleHolders(operations=operations, access_keys=self.parts.access_keys),
            operations=operations,
            storage=self.s3.storage,
        )
        cloud = AskedCloud(operations, assumer)
        return build_explain(cloud, self.parts.house, MemoryDirectory(self.servers), self.api)

    async def log(self, **event: str) -> None:
        """A session of user1 that the server has logged."""
        name = f"/aws/transfer/{SERVER.server_id}"
        moment = milliseconds(self.parts.clock.now())
        await self.s3.operations.call(
            "logs",
            "CreateLogGroup",
            {"logGroupName": name},
            caller=self.s3.hub,
            account_id=HUB,
            region=REGION,
            origin=self.s3.origin,
        )
        message = json.dumps({"activity-type": "CONNECTED", "session-id": SESSION, "role": ROLE, **event})
        logged = LogEvent(timestamp_ms=moment, ingested_ms=moment, message=message, stream=f"user1.{SESSION}")
        await self.events.append(LogGroupId(account_id=HUB, region=REGION, name=name), [logged])


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    s3, provider, events = await make_s3(), Provider(), MemoryLogEvents()
    s3.operations.add(provider.table())
    s3.operations.add(logs_operations(events=events, settings=LogSettings()))
    await s3.bucket("box")
    await s3.iam("CreateRole", RoleName="files", AssumeRolePolicyDocument=document(TRUST))
    allowed = document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    await s3.iam("PutRolePolicy", RoleName="files", PolicyName="what", PolicyDocument=allowed)
    yield Asking(s3, provider, events)
    s3.close()


async def test_a_given_identity_is_taken_at_its_word(asking: Asking) -> None:
    found = await asking(identity=ANSWER)
    assert {name: found[name] for name in ("serverId", "userName", "request", "outcome", "conclusion", "fixes")} == {
        "serverId": SERVER.server_id,
        "userName": "user1",
        "request": "put a.csv",
        "outcome": "Allowed",
        "conclusion": f"user1 may put a.csv on {SERVER.server_id}.",
        "fixes": [],
    }
    steps = {step["step"]: step for step in found["steps"]}
    assert steps["identity provider"]["reason"] == f"given, not asked: role {ROLE}"
    assert steps["home directory"]["reason"] == "a.csv is s3://box/home/a.csv"
    assert steps["s3:PutObject"].keys() == {"step", "outcome", "needed", "subject", "reason", "remedy", "layers"}
    assert steps["s3:PutObject"]["subject"] == "arn:aws:s3:::box/home/a.csv"
    assert json.loads(json.dumps(found)) == found
    assert asking.provider.asked == []


async def test_what_is_denied_has_its_fix_and_its_layers(asking: Asking) -> None:
    narrow = document({"Sid": "Reads", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})
    await asking.s3.iam("PutRolePolicy", RoleName="files", PolicyName="what", PolicyDocument=narrow)
    found = await asking(identity=ANSWER)
    assert found["outcome"] == "Denied"
    (fix,) = found["fixes"]
    assert (fix["account"], fix["layer"], fix["attachedTo"], fix["policy"], fix["change"]) == (
        HUB,
        "identity-based policy",
        ROLE,
        "what",
        "add-statement",
    )
    assert (fix["statement"]["Action"], fix["statement"]["Resource"]) == ("s3:PutObject", "arn:aws:s3:::box/home/*")
    denied = next(step for step in found["steps"] if step["step"] == "s3:PutObject")
    assert [layer["layer"] for layer in denied["layers"] if layer["blocking"]] == ["identity-based policy"]


async def test_what_is_denied_explicitly_names_every_statement_by_its_number(asking: Asking) -> None:
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    several = document({**deny, "Sid": "First"}, {**deny, "Effect": "Allow", "Action": "s3:*"}, deny)
    await asking.s3.iam("PutRolePolicy", RoleName="files", PolicyName="what", PolicyDocument=several)
    found = await asking(identity=ANSWER)
    assert [(fix["change"], fix["number"], fix["sid"]) for fix in found["fixes"]] == [
        ("remove-statement", 3, ""),
        ("remove-statement", 1, "First"),
    ]


async def test_what_is_there_is_looked_at_and_nothing_is_written(asking: Asking) -> None:
    await asking.s3.put("box", "home/full/x")
    before = asking.parts.state.writes
    found = await asking(command="rmdir", path="full", identity=ANSWER)
    assert (found["outcome"], found["steps"][-1]["step"]) == ("Denied", "directory")
    assert found["conclusion"].endswith(": /box/home/full is not empty.")
    for command in ("ls", "cd", "rm", "get", "mkdir", "put"):
        await asking(command=command, path="none", identity=ANSWER)
    await asking(command="mv", path="full/x", target="y", identity=ANSWER)
    assert await asking.s3.keys("box") == ["home/full/x"]
    assert asking.parts.state.writes == before


async def test_the_provider_is_asked_with_the_password_the_protocol_and_the_address(asking: Asking) -> None:
    found = await asking(password="open sesame", protocol="ftp", sourceIp="192.0.2.7")
    assert found["outcome"] == "Allowed"
    (event,) = asking.provider.asked
    assert (event["username"], event["protocol"], event["sourceIp"]) == ("user1", "FTP", "192.0.2.7")
    for wrong in ("wrong", ""):
        refused = await asking(password=wrong)
        assert (refused["outcome"], refused["steps"][-1]["step"]) == ("Denied", "identity provider")


async def test_who_is_not_vouched_for_is_looked_for_in_the_functions_log_group(asking: Asking) -> None:
    choice = replace(SERVER.identity_provider, function_arn=f"arn:aws:lambda:{REGION}:{HUB}:function:idp")
    asking.servers = (replace(SERVER, identity_provider=choice),)
    refused = await asking(password="wrong")
    assert refused["steps"][-1]["reason"] == "Lambda IDP authentication failure"
    assert f"look into the log group /aws/lambda/idp of account {HUB} in {REGION}" in refused["conclusion"]
    assert "the identity provider returned no Role" in refused["conclusion"]


async def test_a_provider_behind_a_url_that_does_not_answer_leaves_it_unknown(asking: Asking) -> None:
    asking.servers = (gateway_server("https://users.example.com"),)
    for silent in (ApiUnreachable("it cannot be reached (refused)", is_silent=True), ApiAnswer(status=503, body=b"")):
        asking.api.answer = silent
        found = await asking(password="open sesame")
        assert (found["outcome"], found["steps"][-1]["step"]) == ("Unknown", "identity provider")


async def test_a_provider_behind_a_url_is_asked_like_one_that_is_a_function(asking: Asking) -> None:
    asking.servers = (gateway_server("https://users.example.com"),)
    asking.api.answer = ApiAnswer(status=200, body=json.dumps(ANSWER).encode())
    assert (await asking(password="open sesame"))["outcome"] == "Allowed"
    assert len(asking.api.asked) == 1
    asking.api.answer = ApiAnswer(status=403, body=b'{"message": "open sesame, b3BlbiBzZXNhbWU="}')
    refused = await asking(password="open sesame")
    assert (refused["outcome"], refused["steps"][-1]["step"]) == ("Denied", "identity provider")
    assert "answered 403 (****, ****): the invocation role" in refused["steps"][-1]["reason"]
    assert "allow execute-api:Invoke" in refused["steps"][-1]["remedy"]
    assert "sesame" not in json.dumps(refused)


async def test_without_any_way_to_know_the_user_nothing_is_known(asking: Asking) -> None:
    found = await asking()
    assert (found["outcome"], found["steps"][-1]["step"]) == ("Unknown", "identity provider")
    assert "--password-stdin" in found["steps"][-1]["remedy"]


async def test_a_user_whom_the_server_knows_itself_needs_no_password_and_has_none(asking: Asking) -> None:
    asking.servers = (MANAGED,)
    user = UserRecord(
        user_name="user1",
        settings={"Role": ROLE, "HomeDirectoryType": "PATH", "HomeDirectory": "/box/home"},
        keys=(),
    )
    async with asking.parts.state.transaction() as tx:
        await USERS.put(tx, user, MANAGED.account_id, MANAGED.region, MANAGED.server_id, "user1")
    found = await asking()
    assert (found["outcome"], found["conclusion"]) == ("Allowed", f"user1 may put a.csv on {MANAGED.server_id}.")
    assert found["steps"][1]["reason"] == f"the server itself keeps user1: role {ROLE}"
    given = await asking(identity=ANSWER)
    assert given["steps"][1]["reason"] == f"given, not asked: role {ROLE}"
    refused = await asking(password="open sesame")
    assert (refused["outcome"], refused["steps"][-1]["step"]) == ("Denied", "identity provider")
    assert "no passwords" in refused["steps"][-1]["reason"]
    assert await asking.refused(userName="user2") == f"the server {MANAGED.server_id} has no user user2"
    assert asking.provider.asked == []


async def test_a_key_of_a_user_whom_the_server_knows_is_looked_for_among_the_keys(asking: Asking) -> None:
    asking.servers = (replace(MANAGED, protocols=(FileProtocol.SFTP,)),)
    mine = ed25519_line("mine")
    user = UserRecord(
        user_name="user1",
        settings={"Role": ROLE, "HomeDirectoryType": "PATH", "HomeDirectory": "/box/home"},
        keys=(SshKey(key_id="key-0123456789abcdef0", body=mine, imported_at=asking.parts.clock.now()),),
    )
    async with asking.parts.state.transaction() as tx:
        await USERS.put(tx, user, MANAGED.account_id, MANAGED.region, MANAGED.server_id, "user1")
    found = await asking(publicKey=mine)
    assert (found["outcome"], found["steps"][2]["step"]) == ("Allowed", "public key")
    assert found["steps"][2]["subject"].startswith("SHA256:")
    refused = await asking(publicKey=ed25519_line("other"))
    assert (refused["outcome"], refused["steps"][-1]["step"]) == ("Denied", "public key")
    unknown = await asking(publicKey=mine, userName="user2")
    assert unknown["steps"][-1]["reason"] == "the server has no user user2"


async def test_a_logged_session_tells_role_home_and_session_policy(asking: Asking) -> None:
    policy = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    await asking.log(**{"home-dir": "/box/home", "user-policy": policy})
    found = await asking(session=SESSION)
    assert found["outcome"] == "Denied"
    assert "the session policy" in found["conclusion"]
    assert {step["step"]: step["reason"] for step in found["steps"]}["home directory"].endswith("s3://box/home/a.csv")


async def test_a_logged_session_with_a_logical_home_needs_it_given(asking: Asking) -> None:
    await asking.log(**{"home-dir": "/"})
    assert "give them with --home" in await asking.refused(session=SESSION)
    found = await asking(session=SESSION, identity={**LOGICAL, "Role": "arn:aws:iam::000000000000:role/logged"})
    assert found["outcome"] == "Allowed"
    assert {step["step"]: step["reason"] for step in found["steps"]}["identity provider"].endswith(f"role {ROLE}")


async def test_a_session_that_nobody_logged_is_told(asking: Asking) -> None:
    missing = f"/aws/transfer/{SERVER.server_id} has no session {'f' * 16} of user1"
    assert await asking.refused(session="f" * 16) == missing  # there is no log group yet
    await asking.log()
    assert await asking.refused(session="f" * 16) == missing
    assert (await asking.refused(session=SESSION, userName="user2")).endswith(f"has no session {SESSION} of user2")


async def test_the_server_is_the_one_there_is_or_must_be_named(asking: Asking) -> None:
    assert "there is no server s-00000000000000000" in await asking.refused(serverId="s-00000000000000000")
    assert (await asking(serverId=SERVER.server_id, identity=ANSWER))["serverId"] == SERVER.server_id
    asking.servers = (SERVER, SERVER)
    assert "there are 2 servers: name one" in await asking.refused(identity=ANSWER)
    asking.servers = ()
    assert "there are 0 servers" in await asking.refused(identity=ANSWER)


async def test_a_server_that_is_stopped_is_an_answer(asking: Asking) -> None:
    asking.servers = (replace(SERVER, state=ServerState.OFFLINE, is_wanted=False),)
    found = await asking(identity=ANSWER)
    assert [step["step"] for step in found["steps"]] == ["server"]
    assert found["steps"][0]["remedy"] == f"aws transfer start-server --server-id {SERVER.server_id}"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"command": "chmod"}, "chmod is none of put, append, get, ls"),
        ({"command": "mv"}, "mv takes two paths, every other command one"),
        ({"target": "b"}, "mv takes two paths, every other command one"),
        ({"userName": ""}, "the question has no userName"),
        ({"path": None}, "the question has no path"),
        ({"command": 7}, "the question has no command"),
        ({"password": ["x"]}, "the password must be a text"),
        ({"publicKey": ["x"]}, "the public key must be a text"),
        ({"publicKey": "x"}, "the public key cannot be used: the public key is not one line"),
        ({"sourceIp": "not-an-ip"}, "not-an-ip is no IP address"),
        ({"sourceIp": ["192.0.2.7"]}, "is no IP address"),
        ({"protocol": "gopher"}, "gopher is none of SFTP, FTP, FTPS"),
        ({"identity": {}}, "the identity cannot be used: the identity provider returned no Role"),
        ({"identity": {"Role": "files"}}, "the identity cannot be used: Role is not the ARN of an IAM role"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(asking: Asking, question: dict[str, Any], words: str) -> None:
    assert words in await asking.refused(**question)
