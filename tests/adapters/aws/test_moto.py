"""STS, Secrets Manager and CloudWatch Logs of the moto server: what somebody else takes AWS's answers to be."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiobotocore.session import AioSession
from tests.fakes.logins import SERVER
from tests.fakes.object_store import MemoryS3

from crossdock.adapters.aws.clients import AwsClients, open_clients
from crossdock.adapters.aws.cloudwatch_sink import CloudWatchSink
from crossdock.adapters.aws.role_assumer import AwsRoleAssumer, AwsRoleIssuer
from crossdock.adapters.aws.secrets import AwsSecrets
from crossdock.core.errors import Unavailable
from crossdock.ports.authority import AssumeRefused, RoleRequest
from crossdock.ports.logs import LogEvent, LogGroupId

pytestmark = pytest.mark.s3
NAME = "user1.0123456789abcdef@s-0123456789abcdef0"
ROLE = "arn:aws:iam::222222222222:role/files/drop"
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


@pytest.fixture
async def clients(moto_server_url: str) -> AsyncIterator[AwsClients]:
    session = AioSession()
    session.set_credentials("AKIAGATEWAY", "a secret of the tests")
    async with open_clients(read_timeout_s=20, endpoint_url=moto_server_url, attempts=1, session=session) as clients:
        yield clients


@pytest.mark.parametrize("tagged", [False, True])
async def test_a_role_is_assumed_with_all_that_a_session_has(clients: AwsClients, tagged: bool):
    roles = AwsRoleIssuer(
        clients=clients, external_id="dock-7", duration_s=900, tag_sessions=tagged, tags={"team": "dock"}
    )
    assumer = AwsRoleAssumer(roles=roles, store=lambda credentials, principal: MemoryS3().store())
    session = await assumer.assume(
        RoleRequest(server=SERVER, username="user1", role_arn=ROLE, session_name=NAME, session_policy=POLICY)
    )
    assert re.fullmatch(r"AROA[A-Z0-9]+", session.principal.role_id)
    assert session.principal.user_id == f"{session.principal.role_id}:{NAME}"
    left = session.expires_at - datetime.now(UTC)
    assert timedelta(seconds=800) < left <= timedelta(seconds=901)


async def test_two_sessions_of_a_role_have_credentials_of_their_own(clients: AwsClients):
    roles = AwsRoleIssuer(clients=clients)
    one, other = [await roles.credentials(ROLE, session_name=NAME, region="us-east-1") for _ in range(2)]
    assert one.credentials.access_key_id != other.credentials.access_key_id


async def test_what_sts_does_not_take_is_told(clients: AwsClients):
    roles = AwsRoleIssuer(clients=clients)
    with pytest.raises(AssumeRefused, match="STS does not take the request"):
        await roles.credentials("x", session_name=NAME, region="us-east-1")
    with pytest.raises(AssumeRefused, match="ValidationError"):
        await roles.credentials(ROLE, session_name="n" * 65, region="us-east-1")


async def test_a_secret_is_read_and_one_that_is_missing_is_told(clients: AwsClients):
    service = await clients.client("secretsmanager", "eu-central-1")
    await service.create_secret(Name="crossdock/host-key", SecretString="open sesame")
    await service.create_secret(Name="crossdock/binary", SecretBinary=b"\0")
    secrets = AwsSecrets(clients)
    assert await secrets.text("hub", "eu-central-1", "crossdock/host-key") == "open sesame"
    with pytest.raises(Unavailable, match="is binary"):
        await secrets.text("hub", "eu-central-1", "crossdock/binary")
    with pytest.raises(Unavailable, match="ResourceNotFoundException"):
        await secrets.text("hub", "us-east-1", "crossdock/host-key")


async def test_session_logs_arrive_in_groups_that_are_made(clients: AwsClients):
    group = LogGroupId(account_id="123456789012", region="us-east-1", name="/aws/transfer/s-0123456789abcdef0")
    now = int(datetime.now(UTC).timestamp() * 1000)
    sink = CloudWatchSink(clients)
    await sink.append(group, [LogEvent(stream=name, timestamp_ms=now, message=name) for name in ("a", "b", "a")])
    logs = await clients.client("logs", group.region)
    found = await logs.filter_log_events(logGroupName=group.name, logStreamNames=["a"])
    assert [event["message"] for event in found["events"]] == ["a", "a"]
