"""Invocations that nobody waits for: tried, tried again, given up, and never more than there is room for."""

import asyncio

import pytest
from tests.fakes.functions import EchoRunner
from tests.fakes.lambda_ import EmbeddedLambda, Pauses, make_lambda

from crossdock.cloud.lambda_.events import MAX_AGE_S, Attempt, EventQueue
from crossdock.core.errors import OutOfSpace, ServiceError
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionsBusy, FunctionSpec, FunctionUnusable, InvocationResult

FAILED = InvocationResult(payload=b"{}", error="Unhandled")


async def all_done(tasks: TaskSupervisor) -> None:
    async with asyncio.timeout(5):
        while tasks._tasks:
            await asyncio.wait(set(tasks._tasks))


async def send(cloud: EmbeddedLambda) -> None:
    assert await cloud("Invoke", FunctionName="f", Payload=b'{"n":1}', InvocationType="Event") == {"StatusCode": 202}
    await all_done(cloud.parts.house.tasks)


async def test_an_event_is_accepted_and_runs_afterwards(cloud: EmbeddedLambda):
    await cloud.make("f")
    answer = await cloud("Invoke", FunctionName="f", Payload=b'{"n":1}', InvocationType="Event")
    assert answer == {"StatusCode": 202}
    assert cloud.runner.invocations == []
    await all_done(cloud.parts.house.tasks)
    ((spec, payload, _),) = cloud.runner.invocations
    assert (spec.name, payload) == ("f", b'{"n":1}')
    assert cloud.pauses.seconds == []


async def test_a_failing_function_is_tried_three_times(caplog: pytest.LogCaptureFixture):
    cloud = await make_lambda(EchoRunner(FAILED, FAILED, FAILED, FAILED))
    await cloud.make("f")
    await send(cloud)
    assert len(cloud.runner.invocations) == 3
    assert cloud.pauses.seconds == [60.0, 120.0]
    assert "an event was given up after three failures" in caplog.text


async def test_a_function_that_recovers_is_not_tried_again():
    cloud = await make_lambda(EchoRunner(FAILED))
    await cloud.make("f")
    await send(cloud)
    assert len(cloud.runner.invocations) == 2
    assert cloud.pauses.seconds == [60.0]


@pytest.mark.parametrize(
    "trouble",
    [FunctionsBusy("full"), OutOfSpace("scratch"), FunctionUnusable("no interpreter")],
    ids=lambda error: type(error).__name__,
)
async def test_an_event_waits_for_what_is_not_its_fault(trouble: Exception):
    cloud = await make_lambda(EchoRunner(trouble, trouble, trouble))
    await cloud.make("f")
    await send(cloud)
    assert len(cloud.runner.invocations) == 4
    assert cloud.pauses.seconds == [1.0, 2.0, 4.0]


async def test_a_role_that_is_refused_counts_as_failure():
    denied = ServiceError("AccessDeniedException", "no", status=403)
    cloud = await make_lambda(EchoRunner(denied, denied, denied))
    await cloud.make("f")
    await send(cloud)
    assert len(cloud.runner.invocations) == 3


async def test_an_event_for_a_function_that_is_gone_ends_quietly():
    class Deleting(EchoRunner):
        async def invoke(
            self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
        ) -> InvocationResult:
            await cloud("DeleteFunction", FunctionName="f")
            await super().invoke(function, payload, request_id=request_id)
            return FAILED

    cloud = await make_lambda(Deleting())
    await cloud.make("f")
    await send(cloud)
    assert len(cloud.runner.invocations) == 1


async def test_after_six_hours_without_a_process_an_event_is_given_up(caplog: pytest.LogCaptureFixture):
    tasks, pauses = TaskSupervisor(), Pauses()

    async def busy() -> Attempt:
        return Attempt.BUSY

    queue = EventQueue(sleep=pauses)
    assert queue.submit(tasks, busy, function_arn="arn", size=1)
    await all_done(tasks)
    assert max(pauses.seconds) == 300.0
    assert MAX_AGE_S <= sum(pauses.seconds) < MAX_AGE_S + 300
    assert "found no process for six hours" in caplog.text


async def test_there_is_room_for_so_many_events_and_bytes():
    tasks = TaskSupervisor()
    gate = asyncio.Event()

    async def wait() -> Attempt:
        await gate.wait()
        return Attempt.DONE

    queue = EventQueue(sleep=Pauses(), max_pending=2, max_pending_bytes=100)
    assert queue.submit(tasks, wait, function_arn="arn", size=60)
    assert not queue.submit(tasks, wait, function_arn="arn", size=41)
    assert queue.submit(tasks, wait, function_arn="arn", size=40)
    assert not queue.submit(tasks, wait, function_arn="arn", size=0)
    gate.set()
    await all_done(tasks)
    assert queue.submit(tasks, wait, function_arn="arn", size=100)
    await all_done(tasks)


async def test_an_event_without_room_is_refused(cloud: EmbeddedLambda, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(EventQueue, "submit", lambda *_, **__: False)
    await cloud.make("f")
    code, _ = await cloud.refusal("Invoke", FunctionName="f", InvocationType="Event")
    assert code == "TooManyRequestsException"


@pytest.mark.parametrize("turns", [0, 3])
async def test_what_the_end_of_the_service_cuts_off_is_said(turns: int, caplog: pytest.LogCaptureFixture):
    tasks = TaskSupervisor()

    async def forever() -> Attempt:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    queue = EventQueue(sleep=Pauses(), max_pending=1)
    assert queue.submit(tasks, forever, function_arn="arn", size=1)
    for _ in range(turns):
        await asyncio.sleep(0)
    await tasks.close()
    assert "an asynchronous invocation was lost" in caplog.text
    assert queue.submit(tasks, forever, function_arn="arn", size=1), "its room is free again"
    await tasks.close()
