"""Session logs in CloudWatch Logs, written with the gateway's own credentials.

Whoever writes here is `cloud.logs.writer.LogWriter`, which gathers events, so that no session waits for AWS.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from crossdock.adapters.aws.clients import ServiceClients, code_of, in_words
from crossdock.adapters.aws.log_batches import batches
from crossdock.adapters.aws.parsing import AWS_FAILURES
from crossdock.core.errors import Unavailable
from crossdock.files.at_once import for_each
from crossdock.ports.logs import LogEvent, LogGroupId

STREAMS_AT_ONCE = 8
"""A session has a stream of its own, and each batch is of one stream."""
KNOWN_STREAMS = 10_000
"""Streams that are remembered to be there. To make one again costs a call and does no harm."""


class CloudWatchSink:
    """See `ports.logs.LogSink`. The groups are those of the account of the gateway's credentials."""

    def __init__(self, clients: ServiceClients) -> None:
        self._clients = clients
        self._known: OrderedDict[tuple[LogGroupId, str], None] = OrderedDict()

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None:
        by_stream: dict[str, list[LogEvent]] = {}
        for event in events:
            by_stream.setdefault(event.stream, []).append(event)

        async def append_stream(stream: str) -> None:
            try:
                logs = await self._clients.client("logs", group.region)
                await self._append(logs, group, stream, by_stream[stream])
            except AWS_FAILURES as error:
                raise Unavailable(f"CloudWatch Logs, group {group.name}: {in_words(error)}") from error

        await for_each(by_stream, append_stream, at_once=STREAMS_AT_ONCE)

    async def _append(self, logs: Any, group: LogGroupId, stream: str, events: list[LogEvent]) -> None:
        """Events that were written when a later batch fails come twice: CloudWatch has no better to offer."""
        if (group, stream) not in self._known:
            await _make(logs, group, stream)
            self._remember(group, stream)
        for batch in batches(events):
            lines = [{"timestamp": event.timestamp_ms, "message": event.message} for event in batch]
            try:
                await _put(logs, group, stream, lines)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                # Deleted since it was made.
                await _make(logs, group, stream)
                await _put(logs, group, stream, lines)

    def _remember(self, group: LogGroupId, stream: str) -> None:
        self._known[group, stream] = None
        while len(self._known) > KNOWN_STREAMS:
            self._known.popitem(last=False)


async def _put(logs: Any, group: LogGroupId, stream: str, lines: list[dict[str, Any]]) -> None:
    await logs.put_log_events(logGroupName=group.name, logStreamName=stream, logEvents=lines)


async def _make(logs: Any, group: LogGroupId, stream: str) -> None:
    """The stream, and its group where that is missing too."""
    try:
        await _unless_there(logs.create_log_stream(logGroupName=group.name, logStreamName=stream))
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        await _unless_there(logs.create_log_group(logGroupName=group.name))
        await _unless_there(logs.create_log_stream(logGroupName=group.name, logStreamName=stream))


async def _unless_there(creation: Any) -> None:
    try:
        await creation
    except ClientError as error:
        if code_of(error) != "ResourceAlreadyExistsException":
            raise
