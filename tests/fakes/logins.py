"""Everybody a login meets: a directory of servers, an identity provider, an assumer of roles, a log."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.object_store import MemoryS3

from crossdock.core.arns import parse_arn
from crossdock.core.homes import PathHome
from crossdock.core.ids import AccountId, ServerId
from crossdock.core.logins import Credential, Identity, LoginAttempt, Password
from crossdock.core.principals import AssumedRole
from crossdock.core.servers import (
    Endpoint,
    EndpointType,
    FileProtocol,
    IdentityProviderChoice,
    IdentityProviderType,
    Server,
    ServerState,
)
from crossdock.ports.authority import AssumeRefused, IdentityAnswer, RoleRequest, RoleSession
from crossdock.ports.state import JsonValue

SERVER_ID = ServerId("s-0123456789abcdef0")
ROLE = "arn:aws:iam::111111111111:role/transfer"
SERVER = Server(
    server_id=SERVER_ID,
    account_id=AccountId("111111111111"),
    region="us-east-1",
    protocols=(FileProtocol.FTP,),
    endpoint_type=EndpointType.VPC,
    identity_provider=IdentityProviderChoice(kind=IdentityProviderType.AWS_LAMBDA),
    state=ServerState.ONLINE,
)
IDENTITY = Identity(role_arn=ROLE, home=PathHome(root="/bucket/home"))


def make_attempt(username: str = "user1", credential: Credential | None = None) -> LoginAttempt:
    return LoginAttempt(
        server_id=SERVER_ID,
        username=username,
        credential=credential or Password("open sesame"),
        protocol=FileProtocol.FTP,
        source_ip="192.0.2.1",
    )


def answer(identity: Identity | None, message: str = "") -> IdentityAnswer:
    return IdentityAnswer(identity=identity, response="{}", status_code=200, message=message)


@dataclass(slots=True)
class MemoryLog:
    """Implements `ports.authority.TransferLog`."""

    events: list[tuple[str, Mapping[str, JsonValue]]] = field(default_factory=list)

    def record(self, server: Server, stream: str, event: Mapping[str, JsonValue]) -> None:
        self.events.append((stream, event))

    def activities(self) -> list[JsonValue]:
        return [event["activity-type"] for _, event in self.events]


@dataclass(slots=True)
class ScriptedProvider:
    """Implements `ports.authority.IdentityProvider`: answers what `answers` has for the user."""

    answers: dict[str, IdentityAnswer] = field(default_factory=lambda: {"user1": answer(IDENTITY)})
    asked: list[LoginAttempt] = field(default_factory=list)

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        self.asked.append(attempt)
        return self.answers.get(attempt.username, answer(None, "Lambda IDP authentication failure"))


@dataclass(slots=True)
class MemoryAssumer:
    """Implements `ports.authority.RoleAssumer`: sessions of an hour on an S3 in memory."""

    clock: FakeClock
    s3: MemoryS3
    stages: bool = False
    refusal: str = ""
    assumed: list[RoleRequest] = field(default_factory=list)

    async def assume(self, asked: RoleRequest) -> RoleSession:
        if self.refusal:
            raise AssumeRefused(self.refusal)
        self.assumed.append(asked)
        return RoleSession(
            principal=AssumedRole(
                role_arn=parse_arn(asked.role_arn), role_id="AROAEXAMPLE", session_name=asked.session_name
            ),
            expires_at=self.clock.now() + timedelta(hours=1),
            store=self.s3.store(stages=self.stages),
        )


@dataclass(slots=True)
class MemoryDirectory:
    """Implements `ports.servers.ServerDirectory` for servers that never change."""

    known: Sequence[Server] = (SERVER,)

    async def servers(self) -> Sequence[Server]:
        return self.known

    async def server(self, server_id: str) -> Server | None:
        return next((server for server in self.known if server.server_id == server_id), None)

    async def changes(self) -> AsyncIterator[None]:
        yield None

    async def endpoints(self) -> Sequence[Endpoint]:
        return ()

    async def report(self, server_id: str, state: ServerState, endpoints: Sequence[Endpoint]) -> None:
        raise NotImplementedError
