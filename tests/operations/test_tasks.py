"""Background work that somebody holds."""

import asyncio
import logging

import pytest
from tests.fakes.patience import PATIENCE_S

from crossdock.operations.tasks import TaskSupervisor, came_true


async def test_a_task_runs_without_being_awaited() -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    TaskSupervisor().start(work(), name="work")

    await asyncio.wait_for(done.wait(), PATIENCE_S)


async def test_what_a_task_raises_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    supervisor = TaskSupervisor()
    with caplog.at_level(logging.ERROR, "crossdock.operations.tasks"):
        task = supervisor.start(fail(), name="fragile")
        await asyncio.wait([task])

    (record,) = caplog.records
    assert record.task == "fragile"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "broken"


async def test_closing_cancels_what_still_runs_and_waits_for_its_end(caplog: pytest.LogCaptureFixture) -> None:
    ended = False
    started = asyncio.Event()

    async def endless() -> None:
        nonlocal ended
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            ended = True

    supervisor = TaskSupervisor()
    task = supervisor.start(endless(), name="endless")
    await started.wait()

    await supervisor.close()

    assert ended
    assert task.cancelled()
    assert caplog.records == []


async def test_what_comes_true_is_noticed_when_it_is_told():
    here, left = {"one", "other"}, asyncio.Event()
    supervisor = TaskSupervisor()
    waiting = supervisor.start(came_true(lambda: not here, left, timeout_s=60), name="waiting")
    for name in sorted(here):
        await asyncio.sleep(0)
        assert not waiting.done()
        here.discard(name)
        left.set()
    assert await waiting


async def test_what_does_not_come_true_in_time_is_given_up():
    assert not await came_true(lambda: False, asyncio.Event(), timeout_s=0.01)
    assert await came_true(lambda: True, asyncio.Event(), timeout_s=0)
