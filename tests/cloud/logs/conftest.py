"""Every test runs on both keepers of events."""

from collections.abc import AsyncIterator

import pytest
from tests.fakes.logs import LogsClient

from crossdock.adapters.host.log_events import open_log_events
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.ports.logs import LogEvents


@pytest.fixture(params=["memory", "sqlite"])
async def events(request, tmp_path) -> AsyncIterator[LogEvents]:
    if request.param == "memory":
        yield MemoryLogEvents()
    else:
        opened = open_log_events(tmp_path / "logs.db")
        yield opened
        await opened.close()


@pytest.fixture
def logs(events) -> LogsClient:
    return LogsClient(events)
