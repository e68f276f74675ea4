"""SubprocessRunner: functions run on this computer, in processes that are kept warm."""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from crossdock.adapters.host.functions.environment import MAX_TASKS
from crossdock.adapters.host.functions.pool import Place, ProcessPool
from crossdock.adapters.host.functions.process import Failure, FunctionProcess, Outcome
from crossdock.adapters.host.functions.reports import (
    end_line,
    failure_line,
    invocation_result,
    report_line,
    start_line,
)
from crossdock.adapters.host.functions.workshop import Workshop
from crossdock.core.ids import Entropy
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionLog, FunctionSpec, InvocationResult
from crossdock.ports.host import Clock
from crossdock.settings import LambdaSettings


class SubprocessRunner:
    """Implements `ports.functions.FunctionRunner`. `start` first; then `isolation` says how far functions are apart.

    Args:
        directory: The service's own, 0700.
        endpoint_url: Asked whenever a process is started, since the API's port may not be known before.
        interpreter: Runs what `settings.runtimes` names no other for.
        init_timeout_s: From the start of a process until it asks for work. Source: Lambda Developer Guide,
            "Understanding the Lambda execution environment lifecycle", init phase.
        max_tasks: Processes and threads that a function may have.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: LambdaSettings,
        clock: Clock,
        entropy: Entropy,
        tasks: TaskSupervisor,
        log: FunctionLog,
        endpoint_url: Callable[[], str],
        interpreter: str = sys.executable,
        init_timeout_s: float = 10.0,
        max_tasks: int = MAX_TASKS,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._init_timeout_s = init_timeout_s
        self._processes: set[FunctionProcess] = set()
        self._invocations = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._is_closed = False
        self._workshop = Workshop(
            directory,
            settings=settings,
            clock=clock,
            entropy=entropy,
            tasks=tasks,
            log=log,
            endpoint_url=endpoint_url,
            interpreter=interpreter,
            max_tasks=max_tasks,
        )

    @property
    def isolation(self) -> str:
        """A sentence for start-up and SECURITY.md, true of this computer."""
        return self._workshop.isolation.sentence

    @property
    def runtime_api_port(self) -> int:
        return self._workshop.api.port

    async def start(self) -> None:
        await self._workshop.open()
        self._pool = ProcessPool(
            places=self._settings.processes or 2 * (os.cpu_count() or 1),
            queue=self._settings.queue,
            idle_s=self._settings.idle_seconds,
            now=self._clock.now,
        )

    async def invoke(
        self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
    ) -> InvocationResult:
        self._invocations += 1
        self._is_quiet.clear()
        try:
            return await self._invoke(function, payload, request_id, client_context)
        finally:
            self._invocations -= 1
            if not self._invocations:
                self._is_quiet.set()

    async def retire(self, function_arn: str) -> None:
        for process in self._processes:
            if process.function.arn == function_arn:
                process.is_retired = True
        self._pool.retire(function_arn)

    async def close(self) -> None:
        """End every process, busy ones too, and remove what they lived in."""
        self._is_closed = True
        self._pool.close()
        for process in list(self._processes):
            process.is_retired = True
            await process.end()
        await self._is_quiet.wait()
        await self._workshop.close()

    async def _invoke(
        self, function: FunctionSpec, payload: bytes, request_id: str, client_context: str
    ) -> InvocationResult:
        granted = await self._pool.acquire(function)
        if isinstance(granted, FunctionProcess):
            process, trouble = granted, None
            process.output.begin_tail()
        else:
            process, trouble = await self._start(function, granted)
        is_cold = isinstance(granted, Place)
        try:
            if trouble is not None:
                return self._report_trouble(process, trouble, request_id)
            head = self._head(function, request_id, client_context)
            return await self._run(process, head, payload, request_id, is_cold=is_cold)
        except BaseException:
            process.is_retired = True
            raise
        finally:
            self._pool.release(process)

    async def _start(self, function: FunctionSpec, place: Place) -> tuple[FunctionProcess, Outcome | None]:
        try:
            process, launch = await self._workshop.make(function, self._forget)
        except BaseException:
            self._pool.vacate(place)
            raise
        self._processes.add(process)
        process.is_retired = self._is_closed
        try:
            return process, await process.start(launch, timeout_s=self._init_timeout_s)
        except BaseException:
            process.is_retired = True
            self._pool.release(process)
            raise

    async def _run(
        self, process: FunctionProcess, head: bytes, payload: bytes, request_id: str, *, is_cold: bool
    ) -> InvocationResult:
        output = process.output
        output.note(start_line(request_id))
        began = self._clock.monotonic()
        outcome = await process.invoke(head, payload, request_id=request_id, timeout_s=process.function.timeout_s)
        took_ms = (self._clock.monotonic() - began) * 1000
        if isinstance(outcome, Failure):
            process.is_retired = True
            output.note(failure_line(outcome, request_id, self._clock.now()))
        output.note(end_line(request_id))
        output.note(report_line(process, outcome, request_id, took_ms=took_ms, is_cold=is_cold))
        return invocation_result(outcome, request_id, output.tail())

    def _report_trouble(self, process: FunctionProcess, trouble: Outcome, request_id: str) -> InvocationResult:
        """A function that does not come up fails the invocation that wanted it, as at AWS."""
        output = process.output
        output.note(start_line(request_id))
        if isinstance(trouble, Failure):
            output.note(failure_line(trouble, request_id, self._clock.now()))
        output.note(end_line(request_id))
        return invocation_result(trouble, request_id, output.tail())

    def _forget(self, process: FunctionProcess) -> None:
        self._processes.discard(process)
        self._pool.ended(process)

    def _head(self, function: FunctionSpec, request_id: str, client_context: str) -> bytes:
        """The header lines of an invocation."""
        deadline = self._clock.now() + timedelta(seconds=function.timeout_s)
        lines = [
            f"Lambda-Runtime-Aws-Request-Id: {request_id}",
            f"Lambda-Runtime-Deadline-Ms: {int(deadline.timestamp() * 1000)}",
            f"Lambda-Runtime-Invoked-Function-Arn: {function.arn}",
        ]
        if client_context:
            lines.append(f"Lambda-Runtime-Client-Context: {client_context}")
        return "".join(f"{line}\r\n" for line in lines).encode()
