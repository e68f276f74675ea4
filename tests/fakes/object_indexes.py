"""Every kind of index, for the suites of ObjectIndex and UploadIndex."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.worker_lines import joined_to, make_parent

from crossdock.adapters.host.object_database import open_object_database
from crossdock.adapters.host.workers.remote_index import RemoteObjects
from crossdock.adapters.memory.object_index import MemoryObjectIndex, MemoryObjects, MemoryUploadIndex
from crossdock.ports.storage import ObjectEntry, ObjectIndex, PartRecord, Segment, UploadIndex, UploadRecord

KINDS = ["memory", "sqlite", "worker"]
NOW = datetime(2026, 3, 15, 0, 47, 1, 123456, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    objects: ObjectIndex
    uploads: UploadIndex


@asynccontextmanager
async def indexes_of(kind: str, directory: Path) -> AsyncIterator[Indexes]:
    if kind == "memory":
        objects = MemoryObjects()
        yield Indexes(objects=MemoryObjectIndex(objects), uploads=MemoryUploadIndex(objects))
    else:
        database = open_object_database(directory / "objects.db")
        try:
            if kind == "sqlite":
                yield Indexes(objects=database.objects, uploads=database.uploads)
                return
            async with joined_to(make_parent(objects=database.objects, uploads=database.uploads)) as line:
                remote = RemoteObjects(line, directory / "objects.db")
                yield Indexes(objects=remote.objects, uploads=remote.uploads)
                remote.close()
        finally:
            await database.close()


def segments(*names: str) -> tuple[Segment, ...]:
    return tuple(Segment(blob_id=name, size=len(name)) for name in names)


def entry(*blobs: str, etag: str = "e") -> ObjectEntry:
    held = segments(*blobs)
    return ObjectEntry(size=sum(s.size for s in held), etag=etag, modified_at=NOW, segments=held)


def small_entry(content: bytes, *, etag: str = "e") -> ObjectEntry:
    """Of an object that lies in the index."""
    return ObjectEntry(size=len(content), etag=etag, modified_at=NOW, content=content)


def upload(upload_id: str, *, bucket_id: str = "b", key: str = "k") -> UploadRecord:
    return UploadRecord(upload_id=upload_id, bucket_id=bucket_id, key=key, started_at=NOW, initiator_arn="arn")


def part(number: int, blob: str) -> PartRecord:
    return PartRecord(number=number, segment=segments(blob)[0], etag=f"etag-{blob}", modified_at=NOW)


async def in_use(indexes: Indexes) -> list[str]:
    return sorted([segment.blob_id async for segment in indexes.objects.segments()])
