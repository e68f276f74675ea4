"""Work that a cancellation may not cut in two."""

import asyncio

import pytest

from crossdock.files.unbroken import unbroken


async def finish_later(gate: asyncio.Event, done: list[str], error: Exception | None = None) -> str:
    await gate.wait()
    if error is not None:
        raise error
    done.append("done")
    return "result"


async def test_the_result_is_passed_on():
    gate = asyncio.Event()
    gate.set()
    assert await unbroken(finish_later(gate, [])) == "result"


async def test_an_error_is_passed_on():
    gate = asyncio.Event()
    gate.set()
    with pytest.raises(ValueError, match="broken"):
        await unbroken(finish_later(gate, [], ValueError("broken")))


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("error", [None, ValueError("broken")])
async def test_a_cancelled_caller_stays_until_the_work_is_done(times: int, error: Exception | None):
    gate, done = asyncio.Event(), list[str]()
    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(unbroken(finish_later(gate, done, error)))
        await asyncio.sleep(0)
        for _ in range(times):
            caller.cancel()
            await asyncio.sleep(0)
            assert not caller.done()
        gate.set()
        await asyncio.wait([caller])
    assert caller.cancelled()
    assert done == ([] if error else ["done"])


@pytest.mark.parametrize("error", [None, ValueError("broken")])
async def test_a_cancellation_tells_what_the_work_failed_with(error: Exception | None):
    gate, causes = asyncio.Event(), list[BaseException | None]()

    async def call() -> None:
        try:
            await unbroken(finish_later(gate, [], error))
        except asyncio.CancelledError as cancelled:
            causes.append(cancelled.__cause__)
            raise

    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(call())
        await asyncio.sleep(0)
        caller.cancel()
        gate.set()
    assert causes == [error]


async def test_work_that_cancels_itself_ends_the_caller():
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await unbroken(cancelled())


async def test_a_caller_is_cancelled_also_when_the_work_cancels_itself():
    gate = asyncio.Event()

    async def cancelled() -> None:
        await gate.wait()
        raise asyncio.CancelledError

    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(unbroken(cancelled()))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.sleep(0)
        gate.set()
        await asyncio.wait([caller])
    assert caller.cancelled()
