"""How objects, uploads and parts are written down in `objects.db`."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from crossdock.ports.storage import ObjectEntry, ObjectSummary, PartRecord, Segment, UploadRecord

# What a listing tells comes before what may be long, so that a scan never follows a row into its overflow pages.
# `contents` are the bytes of small objects, apart for the same reason, and in the order in which they came.
# `shared` counts the references to a blob beyond the first: few blobs have any.
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    bucket_id TEXT NOT NULL,
    key BLOB NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_us INTEGER NOT NULL,
    owner_account TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (bucket_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS shared (
    blob_id TEXT PRIMARY KEY,
    extra INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retired (
    bucket_id TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    upload_id TEXT PRIMARY KEY,
    bucket_id TEXT NOT NULL,
    key BLOB NOT NULL,
    started_us INTEGER NOT NULL,
    detail TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket_id, key, upload_id);
CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    blob_id TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_us INTEGER NOT NULL,
    checksums TEXT NOT NULL,
    PRIMARY KEY (upload_id, number)
) WITHOUT ROWID;
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _ObjectDetail(TypedDict):
    metadata: Mapping[str, str]
    headers: Mapping[str, str]
    checksums: Mapping[str, str]
    segments: list[tuple[str, int]]
    content: NotRequired[int]


class _UploadDetail(TypedDict):
    initiator_arn: str
    metadata: Mapping[str, str]
    headers: Mapping[str, str]
    checksum_algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is at a key, as far as a change of it must know. `content_id` is a row of `contents`."""

    etag: str
    segments: tuple[Segment, ...]
    content_id: int | None


def find_present(connection: sqlite3.Connection, bucket_id: str, key: str) -> Present | None:
    row = connection.execute(
        "SELECT etag, detail FROM objects WHERE bucket_id = ? AND key = ?", (bucket_id, key.encode())
    ).fetchone()
    if row is None:
        return None
    detail: _ObjectDetail = json.loads(row[1])
    return Present(etag=row[0], segments=tuple(_segments(detail)), content_id=detail.get("content"))


def get_object(connection: sqlite3.Connection, bucket_id: str, key: str) -> ObjectEntry | None:
    row = connection.execute(
        "SELECT size, etag, modified_us, owner_account, detail FROM objects WHERE bucket_id = ? AND key = ?",
        (bucket_id, key.encode()),
    ).fetchone()
    if row is None:
        return None
    size, etag, modified_us, owner_account, text = row
    detail: _ObjectDetail = json.loads(text)
    return ObjectEntry(
        size=size,
        etag=etag,
        modified_at=_time(modified_us),
        owner_account=owner_account,
        metadata=detail["metadata"],
        headers=detail["headers"],
        checksums=detail["checksums"],
        segments=tuple(_segments(detail)),
        content=get_content(connection, detail.get("content")),
    )


def get_content(connection: sqlite3.Connection, content_id: int | None) -> bytes | None:
    if content_id is None:
        return None
    (content,) = connection.execute("SELECT bytes FROM contents WHERE id = ?", (content_id,)).fetchone()
    return bytes(content)


def delete_content(connection: sqlite3.Connection, content_id: int | None) -> None:
    if content_id is not None:
        connection.execute("DELETE FROM contents WHERE id = ?", (content_id,))


def put_object(connection: sqlite3.Connection, bucket_id: str, key: str, entry: ObjectEntry) -> None:
    detail = _ObjectDetail(
        metadata=dict(entry.metadata),
        headers=dict(entry.headers),
        checksums=dict(entry.checksums),
        segments=[(segment.blob_id, segment.size) for segment in entry.segments],
    )
    if entry.content is not None:
        content_id = connection.execute("INSERT INTO contents (bytes) VALUES (?)", (entry.content,)).lastrowid
        if content_id is None:
            raise sqlite3.DatabaseError("a row was inserted and has no id")
        detail["content"] = content_id
    connection.execute(
        "INSERT OR REPLACE INTO objects (bucket_id, key, size, etag, modified_us, owner_account, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            bucket_id,
            key.encode(),
            entry.size,
            entry.etag,
            _microseconds(entry.modified_at),
            entry.owner_account,
            _json(detail),
        ),
    )


def all_segments(connection: sqlite3.Connection) -> Iterator[Segment]:
    for (text,) in connection.execute("SELECT detail FROM objects"):
        yield from _segments(json.loads(text))
    for blob_id, size in connection.execute("SELECT blob_id, size FROM parts"):
        yield Segment(blob_id=blob_id, size=size)


def summaries(
    connection: sqlite3.Connection, bucket_id: str, start: bytes, end: bytes, limit: int
) -> Iterator[ObjectSummary]:
    """Objects with start <= key < end; read only as far as somebody asks."""
    rows = connection.execute(
        "SELECT key, size, etag, modified_us, owner_account FROM objects"
        " WHERE bucket_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
        (bucket_id, start, end, limit),
    )
    for key, size, etag, modified_us, owner_account in rows:
        yield ObjectSummary(
            key=key.decode(), size=size, etag=etag, modified_at=_time(modified_us), owner_account=owner_account
        )


def put_upload(connection: sqlite3.Connection, upload: UploadRecord) -> None:
    detail = _UploadDetail(
        initiator_arn=upload.initiator_arn,
        metadata=dict(upload.metadata),
        headers=dict(upload.headers),
        checksum_algorithm=upload.checksum_algorithm,
    )
    connection.execute(
        "INSERT INTO uploads (upload_id, bucket_id, key, started_us, detail) VALUES (?, ?, ?, ?, ?)",
        (upload.upload_id, upload.bucket_id, upload.key.encode(), _microseconds(upload.started_at), _json(detail)),
    )


def uploads(connection: sqlite3.Connection, where: str, parameters: Iterable[object]) -> list[UploadRecord]:
    """`where` is what follows SELECT … FROM uploads, a text of this program."""
    found = []
    rows = connection.execute(
        f"SELECT upload_id, bucket_id, key, started_us, detail FROM uploads {where}", tuple(parameters)
    )
    for upload_id, bucket_id, key, started_us, text in rows:
        detail: _UploadDetail = json.loads(text)
        found.append(
            UploadRecord(
                upload_id=upload_id, bucket_id=bucket_id, key=key.decode(), started_at=_time(started_us), **detail
            )
        )
    return found


def put_part(connection: sqlite3.Connection, upload_id: str, part: PartRecord) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO parts (upload_id, number, blob_id, size, etag, modified_us, checksums)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            upload_id,
            part.number,
            part.segment.blob_id,
            part.segment.size,
            part.etag,
            _microseconds(part.modified_at),
            _json(dict(part.checksums)),
        ),
    )


def parts(connection: sqlite3.Connection, upload_id: str, *, after: int, limit: int) -> list[PartRecord]:
    rows = connection.execute(
        "SELECT number, blob_id, size, etag, modified_us, checksums FROM parts"
        " WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?",
        (upload_id, after, limit),
    )
    return [
        PartRecord(
            number=number,
            segment=Segment(blob_id=blob_id, size=size),
            etag=etag,
            modified_at=_time(modified_us),
            checksums=json.loads(checksums),
        )
        for number, blob_id, size, etag, modified_us, checksums in rows
    ]


def part_segments(connection: sqlite3.Connection, upload_id: str) -> tuple[Segment, ...]:
    rows = connection.execute("SELECT blob_id, size FROM parts WHERE upload_id = ? ORDER BY number", (upload_id,))
    return tuple(Segment(blob_id=blob_id, size=size) for blob_id, size in rows)


def _segments(detail: _ObjectDetail) -> Iterator[Segment]:
    return (Segment(blob_id=blob_id, size=size) for blob_id, size in detail["segments"])


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
