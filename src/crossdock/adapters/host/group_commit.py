"""One thread that writes to a SQLite database; whoever waits while it commits shares the next commit.

A commit costs a wait for the disk, whatever is in it. So everything that queued up meanwhile goes into one, each
operation in a savepoint of its own, so that one that fails does not take the others with it.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar, cast

from crossdock.adapters.host.disk_errors import from_sqlite_error
from crossdock.adapters.host.settling import carry_through
from crossdock.operations.threads import Held

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

MAX_GROUP = 256


class Commits(Protocol):
    async def run(self, operation: Operation[T]) -> T:
        """See `GroupCommit.run`."""


@dataclass(slots=True)
class _Job(Generic[T]):
    operation: Operation[T]
    future: asyncio.Future[T]
    value: T | None = None
    error: Exception | None = None

    def resolve(self) -> None:
        """In the loop's thread."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(cast(T, self.value))


class _GroupLost(Exception):
    """SQLite rolled the whole transaction back, as it may when the disk fails; `error` is what it then said."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class GroupCommit:
    """Takes over the connection. `name` is what errors call the database."""

    def __init__(self, connection: sqlite3.Connection, *, name: str) -> None:
        self._connection = connection
        self._name = name
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=f"{name}-write", daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[T]) -> T:
        """Run in the writer's thread; returns when the change is on disk.

        The operation may be run again, when others in its group or the disk failed, so it only touches the
        connection. Carried through once it is queued. Raises what the operation raises; OutOfSpace, Unavailable.
        """
        return await carry_through(lambda: self._submit(operation))

    def close(self) -> None:
        """Waits for what is queued."""
        if self._is_closed:
            return
        self._is_closed = True
        self._jobs.put(None)
        self._thread.join()

    def _submit(self, operation: Operation[T]) -> asyncio.Future[T]:
        if self._is_closed:
            raise RuntimeError(f"{self._name} is closed")
        future = Held[T](loop=asyncio.get_running_loop())
        self._jobs.put(cast("_Job[object]", _Job(operation, future)))
        return future

    def _work(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._next_group()
            self._commit(group)
            _resolve(group)
        self._connection.close()

    def _next_group(self) -> tuple[list[_Job[object]], bool]:
        """What is queued, waiting for the first; False with the last group of all."""
        group: list[_Job[object]] = []
        while (job := self._jobs.get()) is not None:
            group.append(job)
            if len(group) == MAX_GROUP or self._jobs.empty():
                return group, True
        return group, False

    def _commit(self, group: Sequence[_Job[object]]) -> None:
        """Leaves a value or an error in every job."""
        if not group:
            return
        try:
            self._attempt(group)
        except (sqlite3.Error, _GroupLost) as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if len(group) == 1:
                cause = error.error if isinstance(error, _GroupLost) else error
                group[0].error = from_sqlite_error(cause, self._name) or cause
                return
            for job in group:
                self._commit([job])

    def _attempt(self, group: Sequence[_Job[object]]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in group:
            job.error = None
            execute("SAVEPOINT one")
            try:
                job.value = job.operation(self._connection)
            except Exception as error:  # the boundary of one operation: whoever asked for it gets the error
                if not self._connection.in_transaction:
                    raise _GroupLost(error) from error
                execute("ROLLBACK TO one")
                job.error = from_sqlite_error(error, self._name) or error
            execute("RELEASE one")
        execute("COMMIT")


def _resolve(group: Sequence[_Job[object]]) -> None:
    """Wake each loop once, not once a job."""
    for loop in {job.future.get_loop() for job in group}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve_all, [job for job in group if job.future.get_loop() is loop])


def _resolve_all(jobs: Sequence[_Job[object]]) -> None:
    for job in jobs:
        job.resolve()
