"""How log events are written down in `logs.db`, read and forgotten."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter

from crossdock.adapters.host.scanning import beyond
from crossdock.ports.logs import LogEvent, LogGroupId, LogStream, counted_bytes

# Names of streams are bytes, so that they sort, and are found by how they begin, as bytes.
SCHEMA = """
CREATE TABLE IF NOT EXISTS log_groups (
    id INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (account_id, region, name)
);
CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL,
    name BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    first_event_ms INTEGER NOT NULL,
    last_event_ms INTEGER NOT NULL,
    last_ingested_ms INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    UNIQUE (group_id, name)
);
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    stream_id INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_group ON events (group_id);
CREATE INDEX IF NOT EXISTS events_by_stream ON events (stream_id);
CREATE INDEX IF NOT EXISTS events_by_time ON events (group_id, timestamp_ms);
"""

FOREVER_MS = (1 << 63) - 1

_Doomed = tuple[int, int, str]
"""Sequence, stream id, message."""


def storable(message: str) -> str:
    """Lone surrogates, which are no text, become question marks."""
    return message.encode("utf-8", "replace").decode()


def group_id(connection: sqlite3.Connection, group: LogGroupId) -> int | None:
    row = connection.execute(
        "SELECT id FROM log_groups WHERE account_id = ? AND region = ? AND name = ?",
        (group.account_id, group.region, group.name),
    ).fetchone()
    return row[0] if row else None


def append(connection: sqlite3.Connection, group: LogGroupId, events: Sequence[LogEvent]) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO log_groups (account_id, region, name) VALUES (?, ?, ?)",
        (group.account_id, group.region, group.name),
    )
    owner = group_id(connection, group)
    rows = []
    for event in events:
        message = storable(event.message)
        (stream_id,) = connection.execute(
            "INSERT INTO streams (group_id, name, created_ms, first_event_ms, last_event_ms, last_ingested_ms,"
            " stored_bytes) VALUES (?1, ?2, ?3, ?4, ?4, ?3, ?5) ON CONFLICT (group_id, name) DO UPDATE SET"
            " first_event_ms = min(first_event_ms, excluded.first_event_ms),"
            " last_event_ms = max(last_event_ms, excluded.last_event_ms),"
            " last_ingested_ms = max(last_ingested_ms, excluded.last_ingested_ms),"
            " stored_bytes = stored_bytes + excluded.stored_bytes RETURNING id",
            (owner, event.stream.encode(), event.ingested_ms, event.timestamp_ms, counted_bytes(message)),
        ).fetchone()
        rows.append((owner, stream_id, event.timestamp_ms, event.ingested_ms, message))
    connection.executemany(
        "INSERT INTO events (group_id, stream_id, timestamp_ms, ingested_ms, message) VALUES (?, ?, ?, ?, ?)", rows
    )


def read(
    connection: sqlite3.Connection,
    owner: int,
    *,
    streams: Sequence[str],
    start_ms: int,
    end_ms: int,
    after: int,
    limit: int,
    newest_first: bool,
) -> list[LogEvent]:
    first, last = _sequences(connection, owner, start_ms, end_ms)
    if newest_first and after:
        last = min(last, after - 1)
    elif not newest_first:
        first = max(first, after + 1)
    columns, ids = ("stream_id", _stream_ids(connection, owner, streams)) if streams else ("group_id", [owner])
    runs = [_events(connection, columns, which, (first, last, start_ms, end_ms, limit), newest_first) for which in ids]
    return list(islice(merge(*runs, key=attrgetter("sequence"), reverse=newest_first), limit))


def list_streams(
    connection: sqlite3.Connection, group: LogGroupId, *, prefix: str, after: str, limit: int
) -> list[LogStream]:
    rows = connection.execute(
        "SELECT name, created_ms, first_event_ms, last_event_ms, last_ingested_ms, stored_bytes FROM streams"
        " WHERE group_id = ? AND name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?",
        (group_id(connection, group), prefix.encode(), beyond(prefix.encode()), after.encode(), limit),
    )
    return [
        LogStream(
            name=name.decode(),
            created_ms=created_ms,
            first_event_ms=first_ms,
            last_event_ms=last_ms,
            last_ingested_ms=ingested_ms,
            stored_bytes=size,
        )
        for name, created_ms, first_ms, last_ms, ingested_ms, size in rows
    ]


def forget_group(connection: sqlite3.Connection, group: LogGroupId, limit: int) -> int:
    """At most so many of its events, and with the last of them the group. Returns how many."""
    owner = group_id(connection, group)
    if owner is None:
        return 0
    found: list[_Doomed] = connection.execute(
        "SELECT sequence, stream_id, message FROM events WHERE group_id = ? LIMIT ?", (owner, limit)
    ).fetchall()
    _forget(connection, found)
    if len(found) < limit:
        connection.execute("DELETE FROM log_groups WHERE id = ?", (owner,))
    return len(found)


def forget_stream(connection: sqlite3.Connection, group: LogGroupId, stream: str, limit: int) -> int:
    """At most so many of its events, and with the last of them the stream. Returns how many."""
    owner = group_id(connection, group)
    ids = [] if owner is None else _stream_ids(connection, owner, [stream])
    if not ids:
        return 0
    found: list[_Doomed] = connection.execute(
        "SELECT sequence, stream_id, message FROM events INDEXED BY events_by_stream WHERE stream_id = ? LIMIT ?",
        (ids[0], limit),
    ).fetchall()
    return _forget(connection, found)


def forget_older(connection: sqlite3.Connection, group: LogGroupId, limit_ms: int, limit: int) -> int:
    found: list[_Doomed] = connection.execute(
        "SELECT sequence, stream_id, message FROM events INDEXED BY events_by_time"
        " WHERE group_id = ? AND timestamp_ms < ? LIMIT ?",
        (group_id(connection, group), limit_ms, limit),
    ).fetchall()
    return _forget(connection, found)


def forget_beyond(connection: sqlite3.Connection, max_bytes: int, limit: int) -> int:
    """The first to arrive in the group that holds most, until what is left is not more than so many bytes."""
    sizes = dict(connection.execute("SELECT group_id, sum(stored_bytes) FROM streams GROUP BY group_id"))
    total = sum(sizes.values())
    oldest = {owner: _oldest(connection, owner, limit) for owner in sizes}
    found: list[_Doomed] = []
    while sizes and total > max_bytes and len(found) < limit:
        owner = max(sizes, key=sizes.__getitem__)
        event = next(oldest[owner], None)
        if event is None:
            # It has fewer events than its streams say.
            total -= sizes.pop(owner)
            continue
        found.append(event)
        sizes[owner] -= counted_bytes(event[2])
        total -= counted_bytes(event[2])
    return _forget(connection, found)


def _oldest(connection: sqlite3.Connection, owner: int, limit: int) -> Iterator[_Doomed]:
    yield from connection.execute(
        "SELECT sequence, stream_id, message FROM events INDEXED BY events_by_group WHERE group_id = ?"
        " ORDER BY sequence LIMIT ?",
        (owner, limit),
    )


def give_back_room(connection: sqlite3.Connection, pages: int) -> None:
    """Shrink the file by what was forgotten."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(pages, free)):
        # One by one: this statement has a step for every page and no rows, and the sqlite3 module takes one step.
        connection.execute("PRAGMA incremental_vacuum(1)")


def _sequences(connection: sqlite3.Connection, owner: int, start_ms: int, end_ms: int) -> tuple[int, int]:
    """The first and last sequence number in a span of time.

    Events arrive nearly in order of time, so this spares walking a whole group to find its last minute.
    """
    if start_ms <= 0 and end_ms == FOREVER_MS:
        return 0, FOREVER_MS
    first, last = connection.execute(
        "SELECT min(sequence), max(sequence) FROM events INDEXED BY events_by_time"
        " WHERE group_id = ? AND timestamp_ms >= ? AND timestamp_ms < ?",
        (owner, start_ms, end_ms),
    ).fetchone()
    return (1, 0) if first is None else (first, last)


def _stream_ids(connection: sqlite3.Connection, owner: int, names: Sequence[str]) -> list[int]:
    rows = [
        connection.execute("SELECT id FROM streams WHERE group_id = ? AND name = ?", (owner, name.encode())).fetchone()
        for name in dict.fromkeys(names)
    ]
    return [row[0] for row in rows if row]


def _events(
    connection: sqlite3.Connection,
    column: str,
    which: int,
    bounds: tuple[int, int, int, int, int],
    newest_first: bool,
) -> Iterator[LogEvent]:
    """Events of one stream or group; `bounds` are sequences from and to, times from and before, and how many."""
    index = {"stream_id": "events_by_stream", "group_id": "events_by_group"}[column]
    rows = connection.execute(
        f"SELECT sequence, name, timestamp_ms, ingested_ms, message FROM events INDEXED BY {index}"
        f" JOIN streams ON streams.id = stream_id WHERE events.{column} = ? AND sequence BETWEEN ? AND ?"
        f" AND timestamp_ms >= ? AND timestamp_ms < ? ORDER BY sequence {'DESC' if newest_first else 'ASC'} LIMIT ?",
        (which, *bounds),
    )
    for sequence, name, timestamp_ms, ingested_ms, message in rows:
        yield LogEvent(
            stream=name.decode(),
            timestamp_ms=timestamp_ms,
            message=message,
            ingested_ms=ingested_ms,
            sequence=sequence,
        )


def _forget(connection: sqlite3.Connection, doomed: Sequence[_Doomed]) -> int:
    sizes: Counter[int] = Counter()
    for _, stream_id, message in doomed:
        sizes[stream_id] += counted_bytes(message)
    connection.executemany("DELETE FROM events WHERE sequence = ?", [(sequence,) for sequence, _, _ in doomed])
    for stream_id, size in sizes.items():
        first_ms, last_ms = connection.execute(
            "SELECT min(timestamp_ms), max(timestamp_ms) FROM events WHERE stream_id = ?", (stream_id,)
        ).fetchone()
        if first_ms is None:
            connection.execute("DELETE FROM streams WHERE id = ?", (stream_id,))
        else:
            connection.execute(
                "UPDATE streams SET stored_bytes = stored_bytes - ?, first_event_ms = ?, last_event_ms = ?"
                " WHERE id = ?",
                (size, first_ms, last_ms, stream_id),
            )
    return len(doomed)
