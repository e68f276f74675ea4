"""Log events in a SQLite file of their own.

A loss of power may take the last second, a crash of the service nothing.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crossdock.adapters.host import log_rows
from crossdock.adapters.host.disk_errors import disk_errors, sqlite_errors
from crossdock.adapters.host.group_commit import GroupCommit
from crossdock.adapters.host.headroom import leave_headroom
from crossdock.adapters.host.sqlite_files import Durability, ReadPool, open_for_writing
from crossdock.operations.threads import in_thread
from crossdock.ports.logs import LogEvent, LogGroupId, LogStream

FORGET_AT_ONCE = 2000
"""Events forgotten in one commit, so that writers never wait long."""

VACUUM_PAGES = 2000


class SqliteLogEvents:
    """See `ports.logs.LogEvents`. Made by `open_log_events`."""

    def __init__(self, path: Path, commits: GroupCommit, reads: ReadPool) -> None:
        self._path = path
        self._commits = commits
        self._reads = reads

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None:
        def append(connection: sqlite3.Connection) -> None:
            with disk_errors("appending log events"):
                leave_headroom(self._path)
            log_rows.append(connection, group, events)

        if events:
            await self._commits.run(append)

    async def read(
        self,
        group: LogGroupId,
        *,
        streams: Sequence[str] = (),
        start_ms: int = 0,
        end_ms: int | None = None,
        after: int = 0,
        limit: int = 10_000,
        newest_first: bool = False,
    ) -> list[LogEvent]:
        def read(connection: sqlite3.Connection) -> list[LogEvent]:
            owner = log_rows.group_id(connection, group)
            if owner is None:
                return []
            return log_rows.read(
                connection,
                owner,
                streams=streams,
                start_ms=start_ms,
                end_ms=log_rows.FOREVER_MS if end_ms is None else end_ms,
                after=after,
                limit=limit,
                newest_first=newest_first,
            )

        return await self._reads.run(read)

    async def streams(
        self, group: LogGroupId, *, prefix: str = "", after: str = "", limit: int = 50
    ) -> list[LogStream]:
        return await self._reads.run(
            lambda connection: log_rows.list_streams(connection, group, prefix=prefix, after=after, limit=limit)
        )

    async def delete(self, group: LogGroupId, *, stream: str | None = None) -> None:
        def forget(connection: sqlite3.Connection) -> int:
            if stream is None:
                return log_rows.forget_group(connection, group, FORGET_AT_ONCE)
            return log_rows.forget_stream(connection, group, stream, FORGET_AT_ONCE)

        while await self._commits.run(forget):
            pass

    async def trim(self, *, older_than_ms: Mapping[LogGroupId, int], max_bytes: int) -> int:
        forgotten = 0
        for group, limit_ms in older_than_ms.items():
            forgotten += await self._forget_older(group, limit_ms)
        while count := await self._commits.run(
            lambda connection: log_rows.forget_beyond(connection, max_bytes, FORGET_AT_ONCE)
        ):
            forgotten += count
        if forgotten:
            await self._commits.run(lambda connection: log_rows.give_back_room(connection, VACUUM_PAGES))
        return forgotten

    async def close(self) -> None:
        """Waits for what is queued and for the views that are open."""
        with ThreadPoolExecutor(1) as thread:
            await in_thread(thread, self._reads.close)
            await in_thread(thread, self._commits.close)

    async def _forget_older(self, group: LogGroupId, limit_ms: int) -> int:
        def forget(connection: sqlite3.Connection) -> int:
            return log_rows.forget_older(connection, group, limit_ms, FORGET_AT_ONCE)

        forgotten = 0
        while count := await self._commits.run(forget):
            forgotten += count
        return forgotten


def open_log_events(path: Path) -> SqliteLogEvents:
    """Open or make `logs.db`; one process writes to it. Raises OutOfSpace or Unavailable."""
    with sqlite_errors(path.name):
        connection = open_for_writing(path, durability=Durability.SYSTEM, schema=log_rows.SCHEMA, shrinks=True)
    return SqliteLogEvents(path, GroupCommit(connection, name=path.name), ReadPool(path, threads=2))
