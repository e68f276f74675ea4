"""A service that dies at a write, and services whose operations fail or wait when a test wants them to.

state = MortalState(OpenTables())
state.die_at(3)                                    # at the third write from now on
flaws = Flaws()
table = flaws.of(logs_operations(...))
flaws.fail("logs", "CreateLogGroup")               # the next one fails
gate = flaws.hold("logs", "CreateLogGroup")        # the next one waits until the gate is opened
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Result, ServiceOperations
from crossdock.ports.state import State, Transaction


class Died(asyncio.CancelledError):
    """The service was killed."""


class OpenTables(MemoryState):
    """A State whose tables can be looked at, kept and put back: those that were committed never change."""

    @property
    def tables(self) -> dict[str, Any]:
        return self._tables

    @tables.setter
    def tables(self, tables: dict[str, Any]) -> None:
        self._tables = tables


class MortalState:
    """A State that dies at a write, which is on the disk, though whoever made it never hears of that. All later ones
    raise, until it is brought to life again. `fail_at` makes some writes fail and lets the later ones succeed.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._writes_left: int | None = None
        self._error: BaseException = Died()
        self._errors_left = 0
        self._is_kept = False
        self._has_died = False

    def die_at(self, number: int) -> None:
        """Die at this write, counted from 0: at 0 nothing of it is on the disk."""
        self._writes_left, self._is_kept = number, number > 0
        self._error, self._errors_left, self._has_died = Died(), 1_000_000, False

    def fail_at(self, number: int, error: Exception, *, times: int) -> None:
        """Fail at this write, counted from 1, and at those that follow, so many in all."""
        self._writes_left, self._is_kept = number, False
        self._error, self._errors_left, self._has_died = error, times, False

    def live(self) -> bool:
        """Go on. True if it had died."""
        self._writes_left = None
        return self._has_died

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if not self._is_due():
            async with self._state.transaction() as tx:
                yield tx
            return
        if self._is_kept and not self._has_died:
            async with self._state.transaction() as tx:
                yield tx
        self._has_died = True
        raise self._error

    def _is_due(self) -> bool:
        if self._writes_left is None:
            return False
        self._writes_left -= 1
        if self._writes_left > 0 or self._errors_left == 0:
            return False
        self._errors_left -= 1
        return True

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        async with self._state.reading() as tx:
            yield tx

    def generation(self) -> int:
        return self._state.generation()


class Gate:
    """Where an operation waits until `open` is called."""

    def __init__(self) -> None:
        self._arrived = asyncio.Event()
        self._opened = asyncio.Event()

    async def arrival(self) -> None:
        """Wait until the operation stands there."""
        async with asyncio.timeout(10):
            await self._arrived.wait()

    def open(self) -> None:
        self._opened.set()

    async def passed(self) -> None:
        self._arrived.set()
        await self._opened.wait()


@dataclass(slots=True, kw_only=True)
class _Flaw:
    error: ServiceError | None = None
    is_late: bool = False
    gate: Gate | None = None
    times: int = 1


class Flaws:
    """What goes wrong in services, as a test wants it. `calls` are the operations that were run, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._flaws: dict[str, _Flaw] = {}

    def fail(
        self,
        service: str,
        operation: str,
        sentence: str = "it broke",
        *,
        code: str = "InternalFailure",
        times: int = 1,
        is_late: bool = False,
    ) -> None:
        """`is_late` = it is done, and yet it fails."""
        error = ServiceError(code, sentence)
        self._flaws[f"{service}:{operation}"] = _Flaw(error=error, times=times, is_late=is_late)

    def hold(self, service: str, operation: str) -> Gate:
        gate = Gate()
        self._flaws[f"{service}:{operation}"] = _Flaw(gate=gate)
        return gate

    def mend(self) -> None:
        self._flaws.clear()

    def of(self, table: ServiceOperations) -> ServiceOperations:
        operations = {name: self._flawed(table.service, name, row) for name, row in table.operations.items()}
        return ServiceOperations(
            service=table.service,
            operations=operations,
            denied_code=table.denied_code,
            denied_status=table.denied_status,
        )

    def _flawed(self, service: str, name: str, row: Operation) -> Operation:
        async def handler(call: Call) -> Result:
            self.calls.append(f"{service}:{name}")
            flaw = self._flaws.get(f"{service}:{name}")
            if flaw is None or flaw.times == 0:
                return await row.handler(call)
            flaw.times -= 1
            if flaw.gate is not None:
                await flaw.gate.passed()
                return await row.handler(call)
            assert flaw.error is not None
            if flaw.is_late:
                await row.handler(call)
            raise flaw.error

        return Operation(handler=handler, permissions=row.permissions, is_data=row.is_data)
