"""CloudWatch Logs on a house of fakes, with a client that holds every answer against the model.

logs = LogsClient(MemoryLogEvents())
await logs("CreateLogGroup", logGroupName="g")
code, message = await logs.refusal("CreateLogGroup", logGroupName="g")
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.calls import call_as_root
from tests.fakes.clock import FakeClock
from tests.fakes.house import AllowEverything, AllowOnly, make_house
from tests.fakes.models import assert_fits

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.table import logs_operations
from crossdock.core.errors import ServiceError
from crossdock.operations.call import House, Operations
from crossdock.ports.logs import LogEvent, LogEvents, LogGroupId
from crossdock.settings import LogSettings
from crossdock.wire.validation import validate_params

HUB, PARTNER = "111111111111", "222222222222"
REGION = "us-east-1"
GROUP, STREAM = "/aws/transfer/s-1", "user1.abc"


class LogsClient:
    def __init__(
        self,
        events: LogEvents,
        *,
        authorizer: AllowOnly | None = None,
        settings: LogSettings | None = None,
    ) -> None:
        self.events = events
        self.clock = FakeClock()
        self.house: House = make_house(state=MemoryState(), clock=self.clock)
        self.authorizer = authorizer or AllowEverything()
        self.operations = Operations(
            [logs_operations(events=events, settings=settings or LogSettings())],
            house=self.house,
            authorizer=self.authorizer,
            validate=lambda service, name, params: validate_params(model_of(service), name, params),
        )

    @property
    def now_ms(self) -> int:
        return milliseconds(self.clock.now())

    async def __call__(
        self, operation: str, *, account: str = HUB, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        result = await call_as_root(self.operations, "logs", operation, params, account=account, region=region)
        assert_fits("logs", operation, params, result)
        return result

    async def refusal(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message

    async def attempt(self, operation: str, **params: Any) -> tuple[Mapping[str, Any], str]:
        """What is answered, or nothing and the code of the error."""
        try:
            return await self(operation, **params), ""
        except ServiceError as error:
            return {}, error.code

    async def make(self, *streams: str, group: str = GROUP) -> None:
        await self("CreateLogGroup", logGroupName=group)
        for stream in streams:
            await self("CreateLogStream", logGroupName=group, logStreamName=stream)

    async def put(self, *messages: str, at: Sequence[int] = (), stream: str = STREAM, group: str = GROUP) -> None:
        """One event a message, each `at` so many milliseconds from now; without `at` all now."""
        offsets = at or [0] * len(messages)
        events = [
            {"timestamp": self.now_ms + offset, "message": message}
            for offset, message in zip(offsets, messages, strict=True)
        ]
        await self("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)


def group_id(name: str = GROUP, *, account: str = HUB) -> LogGroupId:
    return LogGroupId(account_id=account, region=REGION, name=name)


def messages(answer: Mapping[str, Any]) -> list[str]:
    return [event["message"] for event in answer["events"]]


class FlakyEvents(MemoryLogEvents):
    """Fails with `error` while there is one, appends one batch at a time while `gate` is closed, and says of each
    append that it happened."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.appended = asyncio.Event()
        self.appends = 0

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None:
        self.asked.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        await super().append(group, events)
        self.appends += 1
        self.appended.set()

    async def trim(self, *, older_than_ms: Mapping[LogGroupId, int], max_bytes: int) -> int:
        if self.error is not None:
            raise self.error
        return await super().trim(older_than_ms=older_than_ms, max_bytes=max_bytes)
