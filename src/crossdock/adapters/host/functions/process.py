"""One process of one function: started, asked one thing at a time, ended."""

import asyncio
import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crossdock.adapters.host.functions.output import OutputPipe
from crossdock.adapters.host.functions.runtime_api import MAX_RESPONSE
from crossdock.adapters.host.functions.supervised import Launch, SupervisedProgram
from crossdock.ports.functions import FunctionSpec

TIMED_OUT = "Sandbox.Timedout"

_SIGNALS: dict[int, str] = {
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
}
"""In the words of AWS's supervisor, which is written in Go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no answer, as AWS says it in the payload of a failed invocation."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler returned, or the error document that the runtime client posted for one that raised."""

    body: bytes
    is_error: bool = False


Outcome = Answer | Failure


class FunctionProcess:
    """Implements `runtime_api.RuntimeEndpoint`. Use from one task at a time: `start`, then any number of `invoke`."""

    def __init__(
        self,
        function: FunctionSpec,
        *,
        output: OutputPipe,
        expires_at: datetime,
        on_end: Callable[["FunctionProcess"], None],
    ) -> None:
        self.function = function
        self.output = output
        self.expires_at = expires_at
        self.is_retired = False
        self.init_s: float | None = None
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._program = SupervisedProgram(self._after_exit)
        self._reply: Callable[[bytes], None] | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._init_error: Answer | None = None
        self._work: bytes | None = None
        self._request_id = ""
        self._result: asyncio.Future[Outcome] | None = None

    @property
    def has_ended(self) -> bool:
        return self._program.exit.done()

    async def start(self, launch: Launch, *, timeout_s: float) -> Outcome | None:
        """Start and wait until the function asks for work. What went wrong if it does not, and then it has ended."""
        began = self._loop.time()
        try:
            if self.is_retired:
                raise InterruptedError("the service is shutting down")
            self._program.start(launch, output=self.output.write_fd)
        except OSError as error:
            self._program.give_up()
            return Failure(kind="Runtime.InvalidEntrypoint", message=f"the function cannot be started: {error}")
        finally:
            self.output.close_write()
        try:
            async with asyncio.timeout(timeout_s):
                await _first(self._ready, self._program.exit)
        except TimeoutError:
            await self.end()
            return Failure(kind=TIMED_OUT, message=f"Initialization timed out after {timeout_s:.2f} seconds")
        self.init_s = self._loop.time() - began
        if self._init_error is not None:
            await self.end()
            return self._init_error
        return _crash(self._program.exit.result()) if self.has_ended else None

    async def invoke(self, head: bytes, payload: bytes, *, request_id: str, timeout_s: float) -> Outcome:
        """`head` holds the header lines of the invocation. After a Failure the process has ended or is ending."""
        self._request_id = request_id
        self._result = self._loop.create_future()
        self._work = _work(head, payload)
        self._hand_over()
        try:
            async with asyncio.timeout(timeout_s):
                await _first(self._result, self._program.exit)
        except TimeoutError:
            self.begin_end()
            return Failure(kind=TIMED_OUT, message=f"Task timed out after {timeout_s:.2f} seconds")
        finally:
            self.output.drain()
            result, self._result = self._result, None
        # A process that answered and then exited at once did answer.
        return result.result() if result.done() else _crash(self._program.exit.result())

    def begin_end(self) -> None:
        self._program.begin_end()

    async def end(self) -> None:
        """End, and wait until nothing of it is left."""
        await self._program.end()

    def peak_memory_mib(self) -> int:
        return self._program.peak_memory_mib()

    def asks_for_work(self, reply: Callable[[bytes], None]) -> None:
        self._reply = reply
        self._be_ready()
        self._hand_over()

    def answers(self, request_id: str, body: bytes, *, is_error: bool) -> bool:
        if self._result is None or self._result.done() or request_id != self._request_id:
            return False
        self._result.set_result(Answer(body=body, is_error=is_error))
        return True

    def answers_too_much(self, request_id: str) -> bool:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
        document = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
        return self.answers(request_id, json.dumps(document).encode(), is_error=True)

    def fails_to_start(self, body: bytes) -> None:
        self._init_error = Answer(body=body, is_error=True)
        self._be_ready()

    def _hand_over(self) -> None:
        """Give work to who asked for it. A process that has just answered may not have asked again yet."""
        if self._work is not None and self._reply is not None:
            self._reply(self._work)
            self._work = self._reply = None

    def _be_ready(self) -> None:
        if not self._ready.done():
            self._ready.set_result(None)

    def _after_exit(self) -> None:
        self.output.close()
        self._on_end(self)


def _crash(status: int) -> Failure:
    if status == 0:
        return Failure(kind="Runtime.ExitError", message="Runtime exited without providing a reason")
    how = f"exit status {status}" if status > 0 else f"signal: {_SIGNALS.get(-status, f'signal {-status}')}"
    return Failure(kind="Runtime.ExitError", message=f"Runtime exited with error: {how}")


async def _first(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def _work(head: bytes, payload: bytes) -> bytes:
    length = str(len(payload)).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %s\r\n\r\n%s" % (
        head,
        length,
        payload,
    )
