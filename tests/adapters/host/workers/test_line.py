"""Calls from a worker to its parent: answered, refused, withdrawn, and cut off."""

import asyncio
import logging
from typing import Any

import pytest
from tests.fakes.worker_lines import joined

from crossdock.adapters.host.workers.calls import Call, HostKeysOf, LeavePlace, TakePlace
from crossdock.adapters.host.workers.frames import frame
from crossdock.adapters.host.workers.line import Answer
from crossdock.core.errors import CrossdockError, OutOfSpace, Unavailable
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.storage import PreconditionFailed

ASK: Call[HostKeysOf, str] = Call("ask", HostKeysOf, str)
TAKE: Call[TakePlace, str] = Call("take", TakePlace, str)
TELL: Call[LeavePlace, None] = Call("tell", LeavePlace)


async def echo(asked: HostKeysOf) -> str:
    await asyncio.sleep(0)
    return asked.server_id


def raising(error: Exception) -> Any:
    async def give(_: HostKeysOf) -> str:
        raise error

    return give


class Endless:
    """An answer that never comes."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, _: HostKeysOf) -> str:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return ""


async def test_many_calls_are_answered_each_with_its_own():
    async with joined([Answer(ASK, echo)]) as line:
        asked = [line.calling.call(ASK, HostKeysOf(server_id=str(number))) for number in range(3000)]
        assert await asyncio.gather(*asked) == [str(number) for number in range(3000)]


async def test_answers_come_in_any_order():
    gate = asyncio.Event()

    async def give(asked: HostKeysOf) -> str:
        if asked.server_id == "slow":
            await gate.wait()
        return asked.server_id

    async with joined([Answer(ASK, give)]) as line, asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(line.calling.call(ASK, HostKeysOf(server_id="slow")))
        assert await line.calling.call(ASK, HostKeysOf(server_id="quick")) == "quick"
        assert not slow.done()
        gate.set()
        assert await slow == "slow"


@pytest.mark.parametrize(
    "error", [OutOfSpace("full"), PreconditionFailed("another"), AssumeRefused("no"), Unavailable("later")]
)
async def test_an_error_that_the_ports_name_arrives_as_it_is(error: Exception):
    async with joined([Answer(ASK, raising(error))]) as line:
        with pytest.raises(type(error), match=str(error)):
            await line.calling.call(ASK, HostKeysOf(server_id="x"))


async def test_an_error_of_ours_arrives_as_a_sentence():
    class Peculiar(CrossdockError):
        pass

    async with joined([Answer(ASK, raising(Peculiar("what to change")))]) as line:
        with pytest.raises(CrossdockError, match="what to change"):
            await line.calling.call(ASK, HostKeysOf(server_id="x"))


async def test_an_accident_in_the_parent_is_logged_there_and_tells_the_worker_nothing(caplog):
    async with joined([Answer(ASK, raising(ValueError("a secret")))]) as line:
        with pytest.raises(Unavailable) as told:
            await line.calling.call(ASK, HostKeysOf(server_id="x"))
    assert "a secret" not in str(told.value)
    assert "a secret" in caplog.text


async def test_a_call_that_is_cancelled_is_withdrawn_in_the_parent():
    give = Endless()
    async with joined([Answer(ASK, give)]) as line:
        task = asyncio.get_running_loop().create_task(line.calling.call(ASK, HostKeysOf(server_id="x")))
        await give.began.wait()
        task.cancel()
        await give.ended.wait()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_what_is_carried_through_comes_to_its_end_though_its_task_is_cancelled():
    began, gate, done = asyncio.Event(), asyncio.Event(), []

    async def give(asked: HostKeysOf) -> str:
        began.set()
        await gate.wait()
        done.append(asked.server_id)
        return "written"

    async with joined([Answer(ASK, give)]) as line:
        found = []

        async def write() -> None:
            found.append(await line.calling.carry(ASK, HostKeysOf(server_id="x")))
            await asyncio.sleep(0)

        task = asyncio.get_running_loop().create_task(write())
        await began.wait()
        task.cancel()
        gate.set()
        await asyncio.wait([task])
        assert (done, found, task.cancelled()) == (["x"], ["written"], True)


async def test_what_is_said_is_taken_in_the_order_in_which_it_was_said():
    heard = []
    answers = [
        Answer(TAKE, lambda asked: heard.append(("take", asked.number)) or ""),
        Answer(TELL, lambda told: heard.append(("leave", told.number))),
    ]
    async with joined(answers) as line:
        for number in range(100):
            asking = asyncio.get_running_loop().create_task(
                line.calling.call(TAKE, TakePlace(number=number, server_id="s", username="u"))
            )
            await asyncio.sleep(0)
            line.calling.tell(TELL, LeavePlace(number=number))
            await asking
    assert heard == [one for number in range(100) for one in (("take", number), ("leave", number))]


@pytest.mark.parametrize(
    "said",
    [
        frame(b"no json"),
        frame(b"{}"),
        frame(b"[]"),
        frame(b'["1","ask",{"server_id":"x"}]'),
        frame(b'[1,"no such call",{}]'),
        frame(b'[1,"ask",{"server_id":5}]'),
        frame(b'[1,"ask",{"server_id":"x","more":1}]'),
        b"\xff\xff\xff\xff",
    ],
)
async def test_a_worker_that_says_what_it_may_not_is_hung_up_on(said: bytes, caplog):
    async with joined([Answer(ASK, echo)]) as line:
        line.worker.write(said)
        await line.worker_lost.wait()
    assert "may not" in caplog.text


async def test_calls_fail_when_the_parent_is_gone_and_what_is_told_is_lost():
    async with joined([Answer(ASK, Endless())]) as line:
        waiting = asyncio.get_running_loop().create_task(line.calling.call(ASK, HostKeysOf(server_id="x")))
        await asyncio.sleep(0)
        line.serving.close()
        await line.parent_lost.wait()
        with pytest.raises(Unavailable):
            await waiting
        with pytest.raises(Unavailable):
            await line.calling.call(ASK, HostKeysOf(server_id="x"))
        line.calling.tell(TELL, LeavePlace(number=1))
        assert not line.calling.has_room


async def test_what_a_worker_asked_is_withdrawn_when_it_dies():
    give = Endless()
    async with joined([Answer(ASK, give)]) as line:
        waiting = asyncio.get_running_loop().create_task(line.calling.call(ASK, HostKeysOf(server_id="x")))
        await give.began.wait()
        line.worker.abort()
        await give.ended.wait()
        with pytest.raises(Unavailable):
            await waiting
    assert line.worker_lost.is_set()


async def test_an_answer_that_is_told_and_fails_is_logged(caplog):
    def fail(_: LeavePlace) -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        async with joined([Answer(TELL, fail), Answer(ASK, echo)]) as line:
            line.calling.tell(TELL, LeavePlace(number=1))
            assert await line.calling.call(ASK, HostKeysOf(server_id="still there")) == "still there"
    assert "broken" in caplog.text
