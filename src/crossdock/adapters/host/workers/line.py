"""Calls over a stream, one line for each worker: the worker asks, the parent answers.

    worker to parent   [number, name, params]     a call; number 0 is told and not answered
                       [number]                   the answer is not wanted any more
    parent to worker   [number, true, result]
                       [number, false, [kind, sentence]]

Answers come in any order. What is told or asked is taken in the order in which it was sent, so that a place can be
given back before the answer has come whether it could be had.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from itertools import count
from typing import Any, Generic, TypeVar, cast

from crossdock.adapters.host.settling import carry_through
from crossdock.adapters.host.workers.calls import Call
from crossdock.adapters.host.workers.codec import from_bytes, plain, structured, to_bytes
from crossdock.adapters.host.workers.faults import Fault, error_of, fault_of
from crossdock.adapters.host.workers.frames import BadMessage, FrameReader, frame
from crossdock.core.errors import Unavailable
from crossdock.operations.tasks import TaskSupervisor

_log = logging.getLogger(__name__)

P = TypeVar("P")
R = TypeVar("R")

CALLS_AT_ONCE = 1024
"""Of one worker; further ones wait in the worker."""
MOST_UNSENT_BYTES = 8 << 20
"""What may wait for the parent before `has_room` says no."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    call: Call[Any, Any]
    future: "asyncio.Future[Any]"


class CallingLine(asyncio.Protocol):
    """The worker's end. `lost` is called when the parent is gone; every call then raises Unavailable."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)

    @property
    def has_room(self) -> bool:
        transport = self._transport
        return transport is not None and transport.get_write_buffer_size() < MOST_UNSENT_BYTES

    def new_number(self) -> int:
        """A name for what the parent is to hold: no other on this line has it."""
        return next(self._numbers)

    async def call(self, call: Call[P, R], params: P) -> R:
        """Ask, and tell the parent when the answer is not wanted any more because this task was cancelled."""
        async with self._turns:
            number, future = self._begin(call, params)
            try:
                return await future
            except asyncio.CancelledError:
                if self._waiting.pop(number, None) is not None:
                    self._send([number])
                raise

    async def carry(self, call: Call[P, R], params: P) -> R:
        """Ask for what cannot be undone: see `settling.carry_through`."""
        async with self._turns:
            return await carry_through(lambda: self._begin(call, params)[1])

    def tell(self, call: Call[P, None], params: P) -> None:
        """Never fails: a parent that is gone needs to know nothing."""
        if self._transport is not None:
            self._send([0, call.name, plain(params, call.params)])

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for payload in self._reader.feed(data):
            self._answered(from_bytes(payload))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            if not one.future.done():
                one.future.set_exception(_gone())
        self._lost()

    def _begin(self, call: Call[P, R], params: P) -> "tuple[int, asyncio.Future[R]]":
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        number = next(self._numbers)
        if self._transport is None:
            future.set_exception(_gone())
        else:
            self._send([number, call.name, plain(params, call.params)])
            self._waiting[number] = _Waiting(call, future)
        return number, future

    def _answered(self, message: Any) -> None:
        number, is_well, content = message
        waiting = self._waiting.pop(number, None)
        if waiting is None or waiting.future.done():
            return
        if is_well:
            waiting.future.set_result(structured(content, waiting.call.result))
        else:
            waiting.future.set_exception(error_of(structured(content, Fault)))

    def _send(self, message: list[Any]) -> None:
        assert self._transport is not None
        self._transport.write(frame(to_bytes(message)))


@dataclass(frozen=True, slots=True)
class Answer(Generic[P, R]):
    """How the parent answers a call. What is no awaitable is done at once, before what was sent next is looked at."""

    call: Call[P, R]
    give: Callable[[P], R | Awaitable[R]]


class ServingLine(asyncio.Protocol):
    """The parent's end. `lost` is called when the worker is gone, or has said what it may not."""

    def __init__(self, answers: Sequence[Answer[Any, Any]], *, tasks: TaskSupervisor, lost: Callable[[], None]) -> None:
        self._answers = {answer.call.name: answer for answer in answers}
        self._tasks = tasks
        self._lost = lost
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._running: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._reader.feed(data):
                self._take(from_bytes(payload))
        except BadMessage as error:
            _log.error("a worker said what it may not", extra={"reason": str(error)})
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for task in self._running.values():
            task.cancel()
        self._lost()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, message: Any) -> None:
        match message:
            case [int(number)]:
                if (task := self._running.get(number)) is not None:
                    task.cancel()
            case [int(number), str(name), params] if name in self._answers and number not in self._running:
                self._run(number, self._answers[name], params)
            case _:
                raise BadMessage("no call that there is")

    def _run(self, number: int, answer: Answer[Any, Any], params: Any) -> None:
        call = answer.call
        given = structured(params, call.params)
        try:
            result = answer.give(given)
        except Exception as error:  # the boundary of a call: whoever asked gets the error
            self._reply(number, call, error)
            return
        if not isawaitable(result):
            self._reply(number, call, result)
        elif len(self._running) >= 2 * CALLS_AT_ONCE:
            raise BadMessage("far too many calls at once")
        else:
            self._running[number] = self._tasks.start(self._finish(number, call, result), name=f"worker {call.name}")

    async def _finish(self, number: int, call: Call[Any, Any], result: Awaitable[Any]) -> None:
        try:
            self._reply(number, call, await result)
        except Exception as error:  # as above
            self._reply(number, call, error)
        finally:
            self._running.pop(number, None)

    def _reply(self, number: int, call: Call[Any, Any], result: Any) -> None:
        if not number or self._transport is None:
            if isinstance(result, Exception):
                fault_of(result, asked=call.name)
            return
        if isinstance(result, Exception):
            document = [number, False, fault_of(result, asked=call.name)]
        else:
            document = [number, True, plain(result, call.result)]
        self._transport.write(frame(to_bytes(document)))


def _gone() -> Unavailable:
    return Unavailable("the service is ending")
