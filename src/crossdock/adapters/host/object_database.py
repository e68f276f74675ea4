"""What objects and uploads there are, in a SQLite file of their own."""

import sqlite3
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from crossdock.adapters.host import object_rows
from crossdock.adapters.host.disk_errors import disk_errors, sqlite_errors
from crossdock.adapters.host.group_commit import Commits, GroupCommit
from crossdock.adapters.host.headroom import leave_headroom
from crossdock.adapters.host.object_rows import Present
from crossdock.adapters.host.scanning import beyond, roll_up, scan_start
from crossdock.adapters.host.sqlite_files import Durability, ReadPool, free_bytes, open_for_reading, open_for_writing
from crossdock.core.errors import OutOfSpace
from crossdock.operations.threads import in_thread
from crossdock.ports.storage import (
    BucketRetired,
    IndexPage,
    ObjectEntry,
    ObjectSummary,
    PartChanged,
    PartRecord,
    PreconditionFailed,
    Segment,
    SourceChanged,
    UploadGone,
    UploadRecord,
)

T = TypeVar("T")

SWEEP_CHUNK = 2000


class SqliteObjectIndex:
    """See `ports.storage.ObjectIndex`."""

    def __init__(self, path: Path, commits: Commits, reads: ReadPool) -> None:
        self._path = path
        self._commits = commits
        self._reads = reads

    async def get(self, bucket_id: str, key: str) -> ObjectEntry | None:
        return await self._reads.glance(
            (bucket_id, key), lambda connection: object_rows.get_object(connection, bucket_id, key)
        )

    async def put(
        self,
        bucket_id: str,
        key: str,
        entry: ObjectEntry,
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> tuple[Segment, ...]:
        def put(connection: sqlite3.Connection) -> tuple[Segment, ...]:
            replaced = _check(connection, bucket_id, key, if_match, if_none_match)
            self._require_room(connection, entry)
            return _replace(connection, bucket_id, key, entry, replaced)

        return await self._commits.run(put)

    async def link(
        self,
        bucket_id: str,
        key: str,
        entry: ObjectEntry,
        *,
        source_bucket_id: str,
        source_key: str,
        unchanged: ObjectEntry | None = None,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> tuple[Segment, ...]:
        def link(connection: sqlite3.Connection) -> tuple[Segment, ...]:
            replaced = _check(connection, bucket_id, key, if_match, if_none_match)
            source = object_rows.find_present(connection, source_bucket_id, source_key)
            if source is None or source.segments != entry.segments:
                raise SourceChanged(source_key)
            if object_rows.get_content(connection, source.content_id) != entry.content:
                raise SourceChanged(source_key)
            if unchanged not in (None, object_rows.get_object(connection, source_bucket_id, source_key)):
                raise SourceChanged(source_key)
            self._require_room(connection, entry)
            _share(connection, entry.segments)
            return _replace(connection, bucket_id, key, entry, replaced)

        return await self._commits.run(link)

    async def delete(self, bucket_id: str, key: str, *, if_match: str | None = None) -> tuple[Segment, ...]:
        def delete(connection: sqlite3.Connection) -> tuple[Segment, ...]:
            present = object_rows.find_present(connection, bucket_id, key)
            _check_etag(present, if_match)
            if present is None:
                return ()
            connection.execute("DELETE FROM objects WHERE bucket_id = ? AND key = ?", (bucket_id, key.encode()))
            return _release(connection, present)

        return await self._commits.run(delete)

    async def scan(
        self, bucket_id: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> IndexPage:
        def scan(connection: sqlite3.Connection) -> IndexPage:
            start = scan_start(prefix=prefix, delimiter=delimiter, after=after)
            return _scan(connection, bucket_id, prefix, delimiter, start, limit)

        return await self._reads.run(scan)

    async def retire(self, bucket_id: str) -> tuple[Segment, ...] | None:
        def retire(connection: sqlite3.Connection) -> tuple[Segment, ...] | None:
            if connection.execute("SELECT 1 FROM objects WHERE bucket_id = ? LIMIT 1", (bucket_id,)).fetchone():
                return None
            connection.execute("INSERT OR IGNORE INTO retired (bucket_id) VALUES (?)", (bucket_id,))
            under_way = object_rows.uploads(connection, "WHERE bucket_id = ?", (bucket_id,))
            return tuple(segment for upload in under_way for segment in _forget(connection, upload.upload_id))

        return await self._commits.run(retire)

    async def segments(self) -> AsyncIterator[Segment]:
        connection = await self._reads.call(lambda: open_for_reading(self._path))
        try:
            connection.execute("BEGIN")
            found = object_rows.all_segments(connection)
            while chunk := await self._reads.call(lambda: list(islice(found, SWEEP_CHUNK))):
                for segment in chunk:
                    yield segment
        finally:
            connection.close()

    def _require_room(self, connection: sqlite3.Connection, entry: ObjectEntry) -> None:
        """What fits into the pages of deleted rows needs none: the file keeps them."""
        if entry.content is None:
            return
        try:
            with disk_errors("keeping a small object"):
                leave_headroom(self._path, len(entry.content))
        except OutOfSpace:
            if free_bytes(connection) < len(entry.content):
                raise


class SqliteUploadIndex:
    """See `ports.storage.UploadIndex`."""

    def __init__(self, commits: Commits, reads: ReadPool) -> None:
        self._commits = commits
        self._reads = reads

    async def start(self, upload: UploadRecord) -> None:
        def start(connection: sqlite3.Connection) -> None:
            _check_not_retired(connection, upload.bucket_id)
            object_rows.put_upload(connection, upload)

        await self._commits.run(start)

    async def get(self, upload_id: str) -> UploadRecord | None:
        found = await self._reads.run(lambda c: object_rows.uploads(c, "WHERE upload_id = ?", (upload_id,)))
        return found[0] if found else None

    async def put_part(self, upload_id: str, part: PartRecord) -> tuple[Segment, ...]:
        def put_part(connection: sqlite3.Connection) -> tuple[Segment, ...]:
            _present(connection, upload_id)
            replaced = object_rows.parts(connection, upload_id, after=part.number - 1, limit=1)
            object_rows.put_part(connection, upload_id, part)
            return tuple(old.segment for old in replaced if old.number == part.number)

        return await self._commits.run(put_part)

    async def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        return await self._reads.run(lambda c: object_rows.parts(c, upload_id, after=after, limit=limit))

    async def complete(
        self, upload_id: str, entry: ObjectEntry, *, if_match: str | None = None, if_none_match: bool = False
    ) -> tuple[Segment, ...]:
        def complete(connection: sqlite3.Connection) -> tuple[Segment, ...]:
            upload = _present(connection, upload_id)
            replaced = _check(connection, upload.bucket_id, upload.key, if_match, if_none_match)
            kept, parts = set(entry.segments), _forget(connection, upload_id)
            if not kept <= set(parts):
                raise PartChanged(upload_id)
            gone = _replace(connection, upload.bucket_id, upload.key, entry, replaced)
            return (*gone, *(segment for segment in parts if segment not in kept))

        return await self._commits.run(complete)

    async def abort(self, upload_id: str) -> tuple[Segment, ...]:
        return await self._commits.run(lambda connection: _forget(connection, upload_id))

    async def uploads(
        self,
        bucket_id: str,
        *,
        prefix: str = "",
        after_key: str = "",
        after_upload_id: str = "",
        limit: int = 1000,
    ) -> list[UploadRecord]:
        start, end, key = prefix.encode(), beyond(prefix.encode()), after_key.encode()
        # With an upload id, later uploads of that very key come first; without one the key is done with.
        is_later = "(key, upload_id) > (?, ?)" if after_upload_id else "key > ?"
        return await self._reads.run(
            lambda connection: object_rows.uploads(
                connection,
                f"WHERE bucket_id = ? AND key >= ? AND key < ? AND {is_later} ORDER BY key, upload_id LIMIT ?",
                (bucket_id, start, end, key, *([after_upload_id] if after_upload_id else []), limit),
            )
        )


class ObjectDatabase:
    """Both indexes, on one file and one writer."""

    def __init__(self, path: Path, commits: GroupCommit, reads: ReadPool) -> None:
        self._commits = commits
        self._reads = reads
        self.objects = SqliteObjectIndex(path, commits, reads)
        self.uploads = SqliteUploadIndex(commits, reads)

    async def close(self) -> None:
        """Waits for what is queued and for the views that are open."""
        with ThreadPoolExecutor(1) as thread:
            await in_thread(thread, self._reads.close)
            await in_thread(thread, self._commits.close)


def open_object_database(path: Path) -> ObjectDatabase:
    """Open or make `objects.db`; one process writes to it. Raises OutOfSpace or Unavailable."""
    with sqlite_errors(path.name):
        connection = open_for_writing(path, durability=Durability.DISK, schema=object_rows.SCHEMA)
    return ObjectDatabase(path, GroupCommit(connection, name=path.name), ReadPool(path))


def _check(
    connection: sqlite3.Connection, bucket_id: str, key: str, if_match: str | None, if_none_match: bool
) -> Present | None:
    """May the key be written? Returns what is there now."""
    _check_not_retired(connection, bucket_id)
    present = object_rows.find_present(connection, bucket_id, key)
    if if_none_match and present is not None:
        raise PreconditionFailed("the key exists")
    _check_etag(present, if_match)
    return present


def _check_etag(present: Present | None, if_match: str | None) -> None:
    if if_match is not None and (present is None or present.etag != if_match):
        raise PreconditionFailed("the ETag is another one")


def _check_not_retired(connection: sqlite3.Connection, bucket_id: str) -> None:
    if connection.execute("SELECT 1 FROM retired WHERE bucket_id = ?", (bucket_id,)).fetchone():
        raise BucketRetired(bucket_id)


def _replace(
    connection: sqlite3.Connection, bucket_id: str, key: str, entry: ObjectEntry, replaced: Present | None
) -> tuple[Segment, ...]:
    object_rows.put_object(connection, bucket_id, key, entry)
    return _release(connection, replaced) if replaced else ()


def _share(connection: sqlite3.Connection, segments: Iterable[Segment]) -> None:
    connection.executemany(
        "INSERT INTO shared (blob_id, extra) VALUES (?, 1) ON CONFLICT (blob_id) DO UPDATE SET extra = extra + 1",
        [(segment.blob_id,) for segment in segments],
    )


def _release(connection: sqlite3.Connection, gone_object: Present) -> tuple[Segment, ...]:
    """Give up its content, and one reference to each of its segments; returns those that had no other."""
    object_rows.delete_content(connection, gone_object.content_id)
    if not gone_object.segments or connection.execute("SELECT 1 FROM shared LIMIT 1").fetchone() is None:
        return gone_object.segments
    gone = []
    for segment in gone_object.segments:
        name = (segment.blob_id,)
        if connection.execute("UPDATE shared SET extra = extra - 1 WHERE blob_id = ?", name).rowcount:
            connection.execute("DELETE FROM shared WHERE blob_id = ? AND extra = 0", name)
        else:
            gone.append(segment)
    return tuple(gone)


def _present(connection: sqlite3.Connection, upload_id: str) -> UploadRecord:
    found = object_rows.uploads(connection, "WHERE upload_id = ?", (upload_id,))
    if not found:
        raise UploadGone(upload_id)
    return found[0]


def _forget(connection: sqlite3.Connection, upload_id: str) -> tuple[Segment, ...]:
    segments = object_rows.part_segments(connection, upload_id)
    connection.execute("DELETE FROM parts WHERE upload_id = ?", (upload_id,))
    connection.execute("DELETE FROM uploads WHERE upload_id = ?", (upload_id,))
    return segments


def _scan(
    connection: sqlite3.Connection, bucket_id: str, prefix: str, delimiter: str, start: bytes, limit: int
) -> IndexPage:
    """Seek past each rolled-up prefix: a million keys below one cost as much as one."""
    objects: list[ObjectSummary] = []
    prefixes: list[str] = []
    end = beyond(prefix.encode())
    last: str | None = None
    position: bytes | None = start
    while position is not None and limit > 0:
        rows = object_rows.summaries(connection, bucket_id, position, end, limit + 1)
        position = None
        for summary in rows:
            if len(objects) + len(prefixes) == limit:
                return IndexPage(objects=tuple(objects), prefixes=tuple(prefixes), next_after=last)
            last = roll_up(summary.key, prefix=prefix, delimiter=delimiter)
            if last is not None:
                prefixes.append(last)
                position = beyond(last.encode())
                break
            objects.append(summary)
            last = summary.key
    return IndexPage(objects=tuple(objects), prefixes=tuple(prefixes), next_after=None)
