"""Roles assumed by the gateway's own identity, of an STS over HTTP: our own, whose trust policies decide."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError
from tests.fakes.aws_clients import clients_of
from tests.fakes.aws_profiles import Profiles
from tests.fakes.http_cloud import HttpCloud, serve_cloud
from tests.fakes.logins import SERVER
from tests.fakes.object_store import MemoryS3
from tests.fakes.s3 import document
from tests.fakes.stub_s3 import ok, stub_s3

from crossdock.adapters.aws.clients import open_clients
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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"credential_process": "/nonexistent/program"}, "No such file or directory: /nonexistent/program$"),
        ({"credential_process": "echo a-secret"}, r"says is not understood \(JSONDecodeError\)$"),
        (
            {"role_arn": "arn:aws:iam::111111111111:role/r", "web_identity_token_file": "/nonexistent/token"},
            "No such file or directory: /nonexistent/token$",
        ),
    ],
)
async def test_credentials_of_the_gateway_that_cannot_be_read_are_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
):
    Profiles(tmp_path, monkeypatch).add("dock", **settings)
    async with open_clients(read_timeout_s=1, profile="dock", endpoint_url="http://127.0.0.1:1") as clients:
        issuer = AwsRoleIssuer(clients=clients)
        for _ in range(2):
            with pytest.raises(AssumeRefused, match=f"^Error when retrieving credentials: .*{words}"):
                await issuer.credentials(ROLE, session_name=NAME, region="us-east-1")


@pytest.mark.parametrize("page", [ok(b"<html><body>closed</body></html>"), ok(b"<html><br></html>"), ok(b"closed")])
async def test_what_answers_and_is_no_sts_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Any):
    Profiles(tmp_path, monkeypatch).add("dock", aws_access_key_id="AKIA", aws_secret_access_key="x")
    async with (
        stub_s3() as stub,
        open_clients(read_timeout_s=1, profile="dock", endpoint_url=stub.url, attempts=1) as clients,
    ):
        stub.then(page)
        with pytest.raises(AssumeRefused, match=r"what answers is (not AWS|no STS): is the endpoint's URL right"):
            await AwsRoleIssuer(clients=clients).credentials(ROLE, session_name=NAME, region="us-east-1")


async def test_the_log_says_once_that_sts_is_away_and_once_that_it_is_back(
    partner: Partner, caplog: pytest.LogCaptureFixture
):
    await partner.admit(StringEquals={"sts:ExternalId": "dock-7"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        port = taken.getsockname()[1]
        session = AioSession()
        session.set_credentials("AKID", "secret")
        url = f"http://127.0.0.1:{port}"
        async with open_clients(read_timeout_s=5, endpoint_url=url, attempts=1, session=session) as away:
            issuer = AwsRoleIssuer(clients=away, external_id="dock-7")
            absent = replace(partner, assumer=AwsRoleAssumer(roles=issuer, store=partner.stores))
            for _ in range(2):
                with pytest.raises(AssumeRefused, match="nobody listens"):
                    await absent.assume()
    (record,) = [record for record in caplog.records if record.message.startswith("STS ")]
    assert (record.levelname, record.message, record.region) == ("WARNING", "STS cannot be used", SERVER.region)
    assert f"nobody listens at 127.0.0.1:{port}" in record.reason
    back = AwsRoleIssuer(clients=partner.assumer.roles.clients, external_id="dock-7", outages=issuer.outages)
    await replace(partner, assumer=AwsRoleAssumer(roles=back, store=partner.stores)).assume()
    assert caplog.records[-1].message == "STS can be used again"
