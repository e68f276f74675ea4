"""What functions print is found in CloudWatch Logs, in a group of each function."""

from tests.fakes.clock import FakeClock
from tests.fakes.functions import spec

from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.lambda_.log import EmbeddedFunctionLog
from crossdock.cloud.logs.group_sink import GroupSink
from crossdock.cloud.logs.writer import LogWriter
from crossdock.ports.logs import LogGroupId


async def test_lines_go_to_the_group_of_their_function():
    events = MemoryLogEvents()
    writer = LogWriter(sink=GroupSink(events=events, state=MemoryState(), clock=FakeClock()), clock=FakeClock())
    log = EmbeddedFunctionLog(writer)
    log.write(spec("", name="one"), "2026/03/15/[$LATEST]00", [(1, "START"), (2, "hello")])
    log.write(spec("", name="two", account_id="222222222222"), "2026/03/15/[$LATEST]01", [(3, "other")])
    await writer.close()

    async def texts(account_id: str, name: str) -> list[tuple[str, int, str]]:
        group = LogGroupId(account_id=account_id, region="us-east-1", name=name)
        return [(event.stream, event.timestamp_ms, event.message) for event in await events.read(group)]

    stream = "2026/03/15/[$LATEST]00"
    assert await texts("111111111111", "/aws/lambda/one") == [(stream, 1, "START"), (stream, 2, "hello")]
    assert await texts("222222222222", "/aws/lambda/two") == [("2026/03/15/[$LATEST]01", 3, "other")]
