"""The first step of a task, taken at once."""

import asyncio
import gc
from contextvars import ContextVar

import pytest

from crossdock.operations.eager import start_now
from crossdock.operations.tasks import TaskSupervisor

VARIABLE: ContextVar[str] = ContextVar("variable", default="of nobody")


async def test_what_need_not_wait_is_done_when_the_call_returns():
    task = start_now(asyncio.sleep(0, "slept"), name="asleep")
    assert not task.done()
    assert task.get_name() == "asleep"
    assert await task == "slept"

    async def work() -> str:
        return "done"

    task = start_now(work())
    assert task.done()
    assert task.result() == "done"


async def test_an_error_is_the_tasks_and_not_the_callers():
    async def fail() -> None:
        raise ValueError("broken")

    task = start_now(fail())
    assert isinstance(task.exception(), ValueError)


@pytest.mark.parametrize("is_in_task", [True, False])
async def test_each_task_is_the_current_one_in_its_own_steps(is_in_task: bool):
    seen: list[asyncio.Task[None] | None] = []
    begun: list[asyncio.Task[None]] = []

    async def inner() -> None:
        seen.append(asyncio.current_task())

    async def outer() -> None:
        begun.append(start_now(inner()))
        seen.append(asyncio.current_task())
        async with asyncio.timeout(10):  # which wants to know its task
            await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    def begin() -> None:
        begun.append(start_now(outer()))

    if is_in_task:
        mine = asyncio.current_task()
        begin()
        assert asyncio.current_task() is mine
    else:
        asyncio.get_running_loop().call_soon(begin)
        await asyncio.sleep(0)
    await begun[1]
    assert seen == [begun[0], begun[1], begun[1]]


async def test_a_task_that_waits_can_be_cancelled():
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    task = start_now(wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_context_is_a_copy_of_the_callers():
    async def change() -> str:
        before = VARIABLE.get()
        VARIABLE.set("of the task")
        return before

    VARIABLE.set("of the caller")
    assert start_now(change()).result() == "of the caller"
    assert VARIABLE.get() == "of the caller"


async def test_the_loop_is_left_as_it_was():
    loop = asyncio.get_running_loop()
    start_now(asyncio.sleep(0))
    assert loop.call_soon.__func__ is type(loop).call_soon  # type: ignore[attr-defined]


async def test_a_supervisor_holds_what_goes_on_and_tells_what_failed(caplog: pytest.LogCaptureFixture):
    async def fail() -> None:
        raise ValueError("broken")

    supervisor = TaskSupervisor()
    supervisor.start_now(fail(), name="fragile")
    assert [vars(record)["task"] for record in caplog.records] == ["fragile"]
    waiting = supervisor.start_now(asyncio.sleep(3600), name="long")
    await supervisor.close()
    assert waiting.cancelled()


async def test_what_the_loop_is_asked_by_a_finaliser_is_done_and_no_step():
    """Whatever is made may have garbage collected, of which a transport that nobody closed says goodbye to the loop."""
    asked: list[str] = []
    loop = asyncio.get_running_loop()

    class Abandoned:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            loop.call_soon(asked.append, "closed")

    async def work() -> str:
        return "done"

    thresholds = gc.get_threshold()
    gc.freeze()  # so that the many collections are quick
    try:
        for allocations in range(1, 50):  # after one of these the task is made
            gc.collect()
            Abandoned()
            gc.set_threshold(allocations)
            task = start_now(work())
            gc.set_threshold(*thresholds)
            assert task.result() == "done"
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    gc.collect()
    await asyncio.sleep(0)
    assert asked == ["closed"] * 49
    assert gc.isenabled()
