"""Session logs in CloudWatch Logs: our own, over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.fakes.aws_clients import clients_of
from tests.fakes.http_cloud import serve_cloud

from crossdock.adapters.aws.clients import AwsClients
from crossdock.adapters.aws.cloudwatch_sink import CloudWatchSink
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.table import logs_operations
from crossdock.core.errors import Unavailable
from crossdock.ports.logs import LogEvent, LogGroupId
from crossdock.settings import LogSettings

GROUP = LogGroupId(account_id="111111111111", region="us-east-1", name="/aws/transfer/s-0123456789abcdef0")


@dataclass(frozen=True, slots=True)
class Logs:
    sink: CloudWatchSink
    clients: AwsClients
    now_ms: int

    def event(self, stream: str, message: str) -> LogEvent:
        return LogEvent(stream=stream, timestamp_ms=self.now_ms, message=message)

    async def messages(self, stream: str) -> list[str]:
        logs = await self.clients.client("logs", GROUP.region)
        found = await logs.get_log_events(logGroupName=GROUP.name, logStreamName=stream, startFromHead=True)
        return [event["message"] for event in found["events"]]


@pytest.fixture
async def logs() -> AsyncIterator[Logs]:
    service = logs_operations(events=MemoryLogEvents(), settings=LogSettings())
    async with serve_cloud(service) as cloud, clients_of(cloud) as clients:
        yield Logs(CloudWatchSink(clients), clients, milliseconds(cloud.s3.parts.clock.now()))


async def test_group_and_streams_are_made_and_each_stream_has_its_events_in_order(logs: Logs):
    await logs.sink.append(GROUP, [logs.event("a", "1"), logs.event("b", "2"), logs.event("a", "3")])
    await logs.sink.append(GROUP, [logs.event("a", "4")])
    assert await logs.messages("a") == ["1", "3", "4"]
    assert await logs.messages("b") == ["2"]


async def test_what_was_deleted_meanwhile_is_made_again(logs: Logs):
    await logs.sink.append(GROUP, [logs.event("a", "1")])
    await (await logs.clients.client("logs", GROUP.region)).delete_log_group(logGroupName=GROUP.name)
    await logs.sink.append(GROUP, [logs.event("a", "2")])
    assert await logs.messages("a") == ["2"]


async def test_a_stream_that_another_node_made_is_written_to(logs: Logs):
    await logs.sink.append(GROUP, [logs.event("a", "1")])
    await CloudWatchSink(logs.clients).append(GROUP, [logs.event("a", "2")])
    assert await logs.messages("a") == ["1", "2"]


class Refusing:
    """Clients whose CloudWatch Logs refuses everything."""

    async def client(self, service: str, region: str) -> Any:
        return self

    async def create_log_stream(self, **request: Any) -> None:
        told = {"Error": {"Code": "AccessDeniedException", "Message": f"not {request['logStreamName']}"}}
        raise ClientError(told, "CreateLogStream")


async def test_a_refusal_says_where_and_in_whose_words(logs: Logs):
    sink = CloudWatchSink(Refusing())
    with pytest.raises(Unavailable, match=rf"CloudWatch Logs, group {GROUP.name}: AccessDeniedException: not a"):
        await sink.append(GROUP, [logs.event("a", "1"), logs.event("b", "2")])
