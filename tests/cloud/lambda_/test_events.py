"""Invocations that nobody waits for: tried, tried again, given up, and never more than there is room for."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from tests.fakes.cloud import HUB, ORIGIN, REGION
from tests.fakes.functions import EchoRunner
from tests.fakes.house import PlainSealer
from tests.fakes.lambda_ import EmbeddedLambda, Pauses, make_lambda
from tests.fakes.patience import PATIENCE_S

from crossdock.cloud.lambda_.events import (
    EVENTS,
    MAX_PENDING,
    Attempt,
    Event,
    EventQueue,
    EventRecord,
    unseal_event,
)
from crossdock.cloud.lambda_.names import function_ref
from crossdock.cloud.lambda_.resuming import resume_events
from crossdock.core.errors import OutOfSpace, ServiceError, Unavailable
from crossdock.operations.call import Call
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionsBusy, FunctionSpec, FunctionUnusable, InvocationResult
from crossdock.ports.host import SealBroken
from crossdock.ports.state import State, Transaction

FAILED = InvocationResult(payload=b"{}", error="Unhandled")


class Held(EchoRunner):
    """Begins with nothing before its gate is open."""

    def __init__(self, *answers: InvocationResult | Exception) -> None:
        super().__init__(*answers)
        self.gate = asyncio.Event()

    async def invoke(
        self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
    ) -> InvocationResult:
        await self.gate.wait()
        return await super().invoke(function, payload, request_id=request_id, client_context=client_context)


async def all_done(tasks: TaskSupervisor) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while tasks._tasks:
            await asyncio.wait(set(tasks._tasks))


async def kept(cloud: EmbeddedLambda) -> list[EventRecord]:
    async with cloud.parts.state.reading() as tx:
        return await EVENTS.everything(tx)


def invocation(cloud: EmbeddedLambda) -> Call:
    return cloud.operations.begin(
        "lambda", "Invoke", {"FunctionName": "f"}, caller=cloud.hub, account_id=HUB, region=REGION, origin=ORIGIN
    )


async def send(cloud: EmbeddedLambda) -> None:
    assert await cloud("Invoke", FunctionName="f", Payload=b'{"n":1}', InvocationType="Event") == {"StatusCode": 202}
    await all_done(cloud.parts.house.tasks)


async def test_an_event_is_accepted_and_runs_afterwards():
    cloud = await make_lambda(Held())
    await cloud.make("f")
    answer = await cloud("Invoke", FunctionName="f", Payload=b'{"n":1}', InvocationType="Event")
    assert answer == {"StatusCode": 202}
    assert cloud.runner.invocations == []
    cloud.runner.gate.set()
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
    cloud = await make_lambda(EchoRunner(*[FunctionsBusy("full")] * 1000))
    await cloud.make("f")
    cloud.pauses.clock = cloud.parts.clock
    await send(cloud)
    assert max(cloud.pauses.seconds) == 300.0
    assert 6 * 3600 <= sum(cloud.pauses.seconds) < 6 * 3600 + 300
    assert "found no process for six hours" in caplog.text
    assert await kept(cloud) == []


async def test_there_is_room_for_so_many_events_and_bytes(cloud: EmbeddedLambda):
    gate = asyncio.Event()

    async def wait() -> Attempt:
        await gate.wait()
        return Attempt.DONE

    queue = EventQueue(sealer=cloud.parts.sealer, sleep=Pauses(), max_pending=2, max_pending_bytes=100)

    async def accept(size: int) -> bool:
        call = invocation(cloud)
        return await queue.accept(call, function_ref(call), Event(payload=bytes(size)), wait)

    assert await accept(60)
    assert not await accept(41)
    assert await accept(40)
    assert not await accept(0)
    gate.set()
    await all_done(cloud.parts.house.tasks)
    assert await accept(100)
    await all_done(cloud.parts.house.tasks)
    assert await kept(cloud) == []


async def test_an_event_without_room_is_refused(cloud: EmbeddedLambda, monkeypatch: pytest.MonkeyPatch):
    async def full(*_: object) -> bool:
        return False

    monkeypatch.setattr(EventQueue, "accept", full)
    await cloud.make("f")
    code, _ = await cloud.refusal("Invoke", FunctionName="f", InvocationType="Event")
    assert code == "TooManyRequestsException"


class FailingState:
    """A State whose disk fails when it is told to."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.is_broken = False
        self.reading = state.reading

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if self.is_broken:
            raise Unavailable("the disk does not answer")
        async with self._state.transaction() as tx:
            yield tx


def with_failing_disk(cloud: EmbeddedLambda) -> FailingState:
    state = FailingState(cloud.parts.state)
    cloud.operations.house = replace(cloud.operations.house, state=state)
    return state


async def test_an_event_that_cannot_be_kept_is_not_accepted_and_takes_no_room(cloud: EmbeddedLambda):
    await cloud.make("f")
    disk = with_failing_disk(cloud)
    disk.is_broken = True
    for _ in range(MAX_PENDING + 1):
        code, _ = await cloud.refusal("Invoke", FunctionName="f", InvocationType="Event")
        assert code == "ServiceUnavailableException"
    disk.is_broken = False
    await send(cloud)
    assert len(cloud.runner.invocations) == 1


async def test_a_disk_that_fails_meanwhile_stops_no_event(caplog: pytest.LogCaptureFixture):
    cloud = await make_lambda(Held(FAILED))
    await cloud.make("f")
    disk = with_failing_disk(cloud)
    await cloud("Invoke", FunctionName="f", InvocationType="Event")
    disk.is_broken = True
    cloud.runner.gate.set()
    await all_done(cloud.parts.house.tasks)
    assert len(cloud.runner.invocations) == 2
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "an event's failure cannot be noted",
        "an event cannot be forgotten yet",
    ]
    assert len(await kept(cloud)) == 1


async def test_what_an_event_brings_lies_sealed():
    cloud = await make_lambda(Held())
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f", Payload=b'{"password":"hidden"}', InvocationType="Event")
    (record,) = await kept(cloud)
    assert "hidden" not in repr(record)
    assert "hidden" not in record.sealed
    assert unseal_event(cloud.parts.sealer, record) == Event(payload=b'{"password":"hidden"}')
    with pytest.raises(SealBroken):
        unseal_event(cloud.parts.sealer, replace(record, request_id="another"))
    cloud.runner.gate.set()
    await all_done(cloud.parts.house.tasks)
    assert await kept(cloud) == []


@pytest.mark.parametrize("turns", [0, 5])
async def test_an_event_outlives_the_service_that_accepted_it(turns: int):
    cloud = await make_lambda(Held())
    await cloud.make("f")
    context = b64encode(b'{"custom":{}}').decode()
    sent = {"FunctionName": "f", "Payload": b'{"n":1}', "ClientContext": context, "InvocationType": "Event"}
    await cloud("Invoke", **sent)
    for _ in range(turns):
        await asyncio.sleep(0)
    await cloud.parts.house.tasks.close()

    cloud.runner.gate.set()
    assert await resume_events(cloud.operations, cloud.parts.sealer) == 1
    await all_done(cloud.parts.house.tasks)
    ((spec, payload, client_context),) = cloud.runner.invocations
    assert (spec.name, payload, client_context) == ("f", b'{"n":1}', '{"custom":{}}')
    assert await kept(cloud) == []
    assert await resume_events(cloud.operations, cloud.parts.sealer) == 0


async def test_failures_before_a_restart_count(caplog: pytest.LogCaptureFixture):
    cloud = await make_lambda(Held(FAILED, FAILED))
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f", InvocationType="Event")
    (record,) = await kept(cloud)
    await cloud.parts.house.tasks.close()
    async with cloud.parts.state.transaction() as tx:
        await EVENTS.put(tx, replace(record, failures=1), record.request_id)
    cloud.runner.gate.set()
    assert await resume_events(cloud.operations, cloud.parts.sealer) == 1
    await all_done(cloud.parts.house.tasks)
    assert cloud.pauses.seconds == [120.0]
    assert "an event was given up after three failures" in caplog.text


async def test_events_go_on_in_the_order_in_which_they_came():
    cloud = await make_lambda(Held())
    await cloud.make("f")
    for number in range(5):
        payload = str(number).encode()
        await cloud("Invoke", FunctionName="f", Payload=payload, InvocationType="Event")
        cloud.parts.clock.advance(1)
    await cloud.parts.house.tasks.close()
    cloud.runner.gate.set()
    assert await resume_events(cloud.operations, cloud.parts.sealer) == 5
    await all_done(cloud.parts.house.tasks)
    assert [payload for _, payload, _ in cloud.runner.invocations] == [b"0", b"1", b"2", b"3", b"4"]


async def test_an_event_of_a_function_that_is_gone_is_dropped_at_the_start(caplog: pytest.LogCaptureFixture):
    cloud = await make_lambda(Held())
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f", InvocationType="Event")
    await cloud.parts.house.tasks.close()
    await cloud("DeleteFunction", FunctionName="f")
    assert await resume_events(cloud.operations, cloud.parts.sealer) == 0
    assert await kept(cloud) == []
    assert "an event cannot be carried on and is dropped" in caplog.text


async def test_an_event_that_another_key_sealed_is_dropped_at_the_start(caplog: pytest.LogCaptureFixture):
    cloud = await make_lambda(Held())
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f", InvocationType="Event")
    await cloud.parts.house.tasks.close()
    assert await resume_events(cloud.operations, PlainSealer(b"another key")) == 0
    assert await kept(cloud) == []
    assert "is dropped" in caplog.text


async def test_an_event_without_room_at_the_start_waits_for_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    cloud = await make_lambda(Held())
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f", InvocationType="Event")
    await cloud.parts.house.tasks.close()

    async def full(*_: object) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(EventQueue, "accept", full)
        assert await resume_events(cloud.operations, cloud.parts.sealer) == 0
    assert "an event waits for the next start" in caplog.text
    cloud.runner.gate.set()
    assert await resume_events(cloud.operations, cloud.parts.sealer) == 1
    await all_done(cloud.parts.house.tasks)
    assert await kept(cloud) == []
