"""Roles assumed by the gateway's own identity, of an STS over HTTP: our own, whose trust policies decide."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import HttpCloud, serve_cloud
from tests.fakes.logins import SERVER
from tests.fakes.object_store import MemoryS3
from tests.fakes.s3 import document

from crossdock.adapters.aws.role_assumer import AwsRoleAssumer, AwsRoleIssuer
from crossdock.core.principals import AssumedRole
from crossdock.ports.authority import AssumeRefused, RoleRequest
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore

NAME = "user1.0123456789abcdef@s-0123456789abcdef0"
ROLE = "arn:aws:iam::222222222222:role/files/drop"


@dataclass(slots=True)
class Stores:
    made: list[tuple[TemporaryCredentials, AssumedRole]] = field(default_factory=list)

    def __call__(self, credentials: TemporaryCredentials, principal: AssumedRole) -> ObjectStore:
        self.made.append((credentials, principal))
        return MemoryS3().store()


@dataclass(frozen=True, slots=True)
class Partner:
    cloud: HttpCloud
    assumer: AwsRoleAssumer
    stores: Stores

    async def admit(self, **condition: Any) -> None:
        """Let the hub's administrator assume the role."""
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}
        await self.cloud.s3.iam(
            "CreateRole",
            as_=self.cloud.s3.partner,
            RoleName="drop",
            Path="/files/",
            AssumeRolePolicyDocument=document(trust | ({"Condition": condition} if condition else {})),
        )

    async def assume(self, **changes: Any) -> AssumedRole:
        asked = {"username": "user1", "role_arn": ROLE, "session_name": NAME, "session_policy": None} | changes
        session = await self.assumer.assume(RoleRequest(server=SERVER, **asked))
        assert session.expires_at > datetime.now(UTC)
        return session.principal


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    async with serve_cloud() as cloud, clients_of(cloud) as clients:
        stores = Stores()
        yield Partner(
            cloud, AwsRoleAssumer(roles=AwsRoleIssuer(clients=clients, external_id="dock-7"), store=stores), stores
        )


async def test_the_session_has_its_name_the_roles_id_and_credentials_of_its_own(partner: Partner):
    await partner.admit(StringEquals={"sts:ExternalId": "dock-7"})
    principal = await partner.assume(session_policy=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    assert str(principal.role_arn) == ROLE
    assert principal.user_id == f"{principal.role_id}:{NAME}"
    assert principal.role_id.startswith("AROA")
    ((credentials, whose),) = partner.stores.made
    assert whose == principal
    assert credentials.session_token
    assert credentials.secret_access_key not in repr(credentials)


async def test_a_trust_that_wants_a_source_never_admits_and_the_reason_says_what_to_write(partner: Partner):
    await partner.admit(StringEquals={"aws:SourceAccount": "111111111111"})
    with pytest.raises(AssumeRefused, match=r"AccessDenied: .*sts:AssumeRole.*ExternalId dock-7 .*aws:SourceArn"):
        await partner.assume()
    assert partner.stores.made == []


async def test_what_sts_does_not_take_is_refused_with_its_words(partner: Partner):
    with pytest.raises(AssumeRefused, match="STS does not take the request"):
        await partner.assume(role_arn="x")
    await partner.admit()
    with pytest.raises(AssumeRefused, match="MalformedPolicyDocument"):
        await partner.assume(session_policy="{")


class OneAnswer:
    """Clients whose STS fails in one way, or takes down what it was asked."""

    def __init__(self, code: str = "", message: str = "") -> None:
        self.error = ClientError({"Error": {"Code": code, "Message": message}}, "AssumeRole") if code else None
        self.asked: dict[str, Any] = {}

    async def client(self, service: str, region: str) -> Any:
        assert (service, region) == ("sts", SERVER.region)
        return self

    async def assume_role(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        if self.error is not None:
            raise self.error
        keys = {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t"}
        return {
            "Credentials": {**keys, "Expiration": datetime(2040, 1, 1, tzinfo=UTC)},
            "AssumedRoleUser": {"AssumedRoleId": f"AROA1:{request['RoleSessionName']}", "Arn": "arn"},
        }


async def assumed(clients: OneAnswer, **settings: Any) -> dict[str, Any]:
    assumer = AwsRoleAssumer(roles=AwsRoleIssuer(clients=clients, **settings), store=Stores())
    await assumer.assume(
        RoleRequest(server=SERVER, username="user1", role_arn=ROLE, session_name=NAME, session_policy=None)
    )
    return clients.asked


async def test_an_sts_that_tells_no_id_of_the_role_will_do():
    """Ceph's: it spells the member otherwise."""

    class OfCeph(OneAnswer):
        async def assume_role(self, **request: Any) -> dict[str, Any]:
            return await super().assume_role(**request) | {"AssumedRoleUser": {"Arn": "arn"}}

    principal = (
        await AwsRoleIssuer(clients=OfCeph()).credentials(ROLE, session_name=NAME, region="us-east-1")
    ).principal
    assert (principal.role_id, principal.session_name) == ("", NAME)


@pytest.mark.parametrize("tags", [True, False])
async def test_advice_names_the_permission_to_tag_where_sessions_are_tagged(tags: bool):
    with pytest.raises(AssumeRefused) as refused:
        await assumed(OneAnswer("AccessDenied", "no"), tag_sessions=tags)
    assert ("sts:TagSession" in str(refused.value)) is tags


async def test_only_what_is_wanted_is_sent():
    assert await assumed(OneAnswer()) == {"RoleArn": ROLE, "RoleSessionName": NAME, "DurationSeconds": 3600}


async def test_tags_tell_the_user_and_the_server_whatever_else_is_set():
    tags = {"stage": "test", "transfer:UserName": "root"}
    asked = await assumed(OneAnswer(), tag_sessions=True, tags=tags, duration_s=900)
    assert asked["DurationSeconds"] == 900
    assert {tag["Key"]: tag["Value"] for tag in asked["Tags"]} == {
        "transfer:UserName": "user1",
        "transfer:ServerId": SERVER.server_id,
        "stage": "test",
    }


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("PackedPolicyTooLarge", "Packed policy consumes 120%", "shorten the policy"),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit",
            "lower aws.session_duration_s",
        ),
        ("RegionDisabledException", "STS is not activated", "STS is not activated"),
    ],
)
async def test_a_refusal_says_what_to_change(code, message, advice):
    with pytest.raises(AssumeRefused, match=advice):
        await assumed(OneAnswer(code, message))
