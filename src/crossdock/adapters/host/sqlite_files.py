"""SQLite databases by themselves, for what is written often: one connection that writes, a few that read."""

import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from threading import local
from typing import TypeVar

from crossdock.adapters.host.disk_errors import sqlite_errors
from crossdock.adapters.host.glances import Glances, NotNow
from crossdock.operations.threads import Threads, in_thread

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5000
CHECKPOINT_PAGES = 4000
WAL_LIMIT_BYTES = 64 << 20
CACHE_KIB = 8192


class Durability(StrEnum):
    """What a commit waits for: the disk, or only the operating system (a loss of power takes the last commits)."""

    DISK = "FULL"
    SYSTEM = "NORMAL"


def open_for_writing(path: Path, *, durability: Durability, schema: str, shrinks: bool = False) -> sqlite3.Connection:
    """Open or make a database in WAL mode; transactions begin and end where our statements say so.

    One that `shrinks` can give back the room of what was deleted, by `PRAGMA incremental_vacuum`.
    Raises sqlite3.Error.
    """
    connection = _connect(path)
    try:
        if shrinks:
            # Only heeded before the first table is made.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability.value}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def has_tables(path: Path) -> bool:
    """Not what is missing or empty, which SQLite would take for a new database; nothing is made. Raises sqlite3.Error.

    `path` is absolute.
    """
    # Size first: beside an empty database SQLite deletes the log, which may be all that is left.
    if not path.exists() or path.stat().st_size == 0:
        return False
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def free_bytes(connection: sqlite3.Connection) -> int:
    """What the file holds beyond its rows, and gives to the next ones before it grows."""
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(page_bytes)


def _connect(path: Path) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, though not always by the one that made it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


class ReadPool:
    """A few threads, each with a connection of its own."""

    def __init__(self, path: Path, *, threads: int = 4) -> None:
        self._path = path
        self._mine = local()
        self._connections: list[sqlite3.Connection] = []
        self._threads = Threads(threads, name=f"{path.stem}-read")
        self._glances = Glances(lambda: open_for_reading(path))

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call with a connection on which everything sees one consistent view. Raises Unavailable."""
        with sqlite_errors(self._path.name):
            return await in_thread(self._threads, self._view, function)

    async def glance(self, question: Hashable, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `run`, for a row or two, and at once where that is quick: see `glances.py`. `question` names the answer.

        Raises Unavailable.
        """
        try:
            return self._glances.look(question, function)
        except NotNow:
            return await self.run(function)

    async def call(self, function: Callable[[], T]) -> T:
        """Call what brings its own connection. Raises Unavailable."""
        with sqlite_errors(self._path.name):
            return await in_thread(self._threads, function)

    def close(self) -> None:
        """Waits for the views that are open."""
        self._glances.close()
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()

    def _view(self, function: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = open_for_reading(self._path)
            self._connections.append(connection)
        connection.execute("BEGIN")
        try:
            return function(connection)
        finally:
            connection.execute("ROLLBACK")
