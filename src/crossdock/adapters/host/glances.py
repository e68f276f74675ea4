"""Reads of a row or two that are made on the event loop itself, for as long as the disk keeps up.

What a small read costs is its way to a thread and back: some 100 µs, and three turns of the loop, for what SQLite finds
in memory in 20. But where the row is not in memory the loop would wait for a disk, and everybody with it. So a read
that waited for one is followed by a hundred times as long in which nothing is read here: that takes the loop at most a
hundredth of its time. How long a read takes says little by itself, for the processor may be somebody else's meanwhile;
the kernel counts what a thread had read from disks.
"""

import resource
import sqlite3
from collections.abc import Callable, Hashable
from time import perf_counter
from typing import TypeVar, cast

T = TypeVar("T")
Read = Callable[[sqlite3.Connection], T]

REST_TIMES = 100
MOST_KEPT = 64
"""Answers; an entry of the index has at most 16 KiB, or some thousands of segments."""


def reads_of_disks() -> int:
    """How often the kernel has read a disk for this thread."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_inblock


class NotNow(Exception):
    """Nothing was read: ask in a thread, which also learns what is wrong where something is."""


class Glances:
    """For one event loop. `connect` opens a connection that only reads.

    An answer is kept, and given again, until anything is committed, by any process: clients look at a file three times
    before they read it. So it says what is committed, as a new read would.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        now: Callable[[], float] = perf_counter,
        disk_reads: Callable[[], int] = reads_of_disks,
    ) -> None:
        self._connect = connect
        self._now = now
        self._disk_reads = disk_reads
        self._connection: sqlite3.Connection | None = None
        self._rest_until = 0.0
        self._generation = -1
        self._kept: dict[Hashable, object] = {}

    def look(self, question: Hashable, read: Read[T]) -> T:
        """The answer of `read` on one consistent view; `question` names it. Raises NotNow."""
        if self._rest_until and self._now() < self._rest_until:
            raise NotNow
        try:
            self._learn_generation()
            if question not in self._kept:
                self._kept[question] = self._timed(read)
        except sqlite3.Error as error:
            raise NotNow from error
        return cast(T, self._kept[question])

    def close(self) -> None:
        """Nothing is read here any more."""
        self._rest_until = float("inf")
        self._kept.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _learn_generation(self) -> None:
        """Forget what was read before the last commit."""
        if self._connection is None:
            self._connection = self._connect()
            # Others may lock the whole file, when they repair it after a crash: the loop does not wait for them.
            self._connection.execute("PRAGMA busy_timeout = 0")
        # SQLite, "PRAGMA data_version": another value than before where another connection has committed.
        (generation,) = self._connection.execute("PRAGMA data_version").fetchone()
        if generation != self._generation or len(self._kept) >= MOST_KEPT:
            self._generation, self._kept = generation, {}

    def _timed(self, read: Read[T]) -> T:
        connection = self._connection
        assert connection is not None  # it was asked for its generation
        began, disk_reads = self._now(), self._disk_reads()
        connection.execute("BEGIN")
        try:
            return read(connection)
        finally:
            connection.execute("ROLLBACK")
            if self._disk_reads() != disk_reads:
                now = self._now()
                self._rest_until = now + (now - began) * REST_TIMES
