"""The index as a worker has it: read by SQLite's own readers, written by the parent."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

from crossdock.adapters.host.group_commit import Operation
from crossdock.adapters.host.object_database import SqliteObjectIndex, SqliteUploadIndex
from crossdock.adapters.host.sqlite_files import ReadPool
from crossdock.adapters.host.workers.calls import (
    ABORT_UPLOAD,
    COMPLETE_UPLOAD,
    DELETE_OBJECT,
    LINK_OBJECT,
    PUT_OBJECT,
    PUT_PART,
    RETIRE_BUCKET,
    START_UPLOAD,
    AbortUpload,
    CompleteUpload,
    DeleteObject,
    LinkObject,
    PutObject,
    PutPart,
    RetireBucket,
    StartUpload,
)
from crossdock.adapters.host.workers.line import CallingLine
from crossdock.ports.storage import IndexPage, ObjectEntry, PartRecord, Segment, UploadRecord

T = TypeVar("T")


class RemoteObjectIndex:
    """See `ports.storage.ObjectIndex`. What the parent has committed, the next read here sees."""

    def __init__(self, line: CallingLine, reads: SqliteObjectIndex) -> None:
        self._line = line
        self._reads = reads

    async def get(self, bucket_id: str, key: str) -> ObjectEntry | None:
        return await self._reads.get(bucket_id, key)

    async def put(
        self,
        bucket_id: str,
        key: str,
        entry: ObjectEntry,
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> tuple[Segment, ...]:
        asked = PutObject(bucket_id=bucket_id, key=key, entry=entry, if_match=if_match, if_none_match=if_none_match)
        return await self._line.carry(PUT_OBJECT, asked)

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
        asked = LinkObject(
            bucket_id=bucket_id,
            key=key,
            entry=entry,
            source_bucket_id=source_bucket_id,
            source_key=source_key,
            unchanged=unchanged,
            if_match=if_match,
            if_none_match=if_none_match,
        )
        return await self._line.carry(LINK_OBJECT, asked)

    async def delete(self, bucket_id: str, key: str, *, if_match: str | None = None) -> tuple[Segment, ...]:
        return await self._line.carry(DELETE_OBJECT, DeleteObject(bucket_id=bucket_id, key=key, if_match=if_match))

    async def scan(
        self, bucket_id: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> IndexPage:
        return await self._reads.scan(bucket_id, prefix=prefix, delimiter=delimiter, after=after, limit=limit)

    async def retire(self, bucket_id: str) -> tuple[Segment, ...] | None:
        return await self._line.carry(RETIRE_BUCKET, RetireBucket(bucket_id=bucket_id))

    def segments(self) -> AsyncIterator[Segment]:
        return self._reads.segments()


class RemoteUploadIndex:
    """See `ports.storage.UploadIndex`."""

    def __init__(self, line: CallingLine, reads: SqliteUploadIndex) -> None:
        self._line = line
        self._reads = reads

    async def start(self, upload: UploadRecord) -> None:
        await self._line.carry(START_UPLOAD, StartUpload(upload=upload))

    async def get(self, upload_id: str) -> UploadRecord | None:
        return await self._reads.get(upload_id)

    async def put_part(self, upload_id: str, part: PartRecord) -> tuple[Segment, ...]:
        return await self._line.carry(PUT_PART, PutPart(upload_id=upload_id, part=part))

    async def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        return await self._reads.parts(upload_id, after=after, limit=limit)

    async def complete(
        self, upload_id: str, entry: ObjectEntry, *, if_match: str | None = None, if_none_match: bool = False
    ) -> tuple[Segment, ...]:
        asked = CompleteUpload(upload_id=upload_id, entry=entry, if_match=if_match, if_none_match=if_none_match)
        return await self._line.carry(COMPLETE_UPLOAD, asked)

    async def abort(self, upload_id: str) -> tuple[Segment, ...]:
        return await self._line.carry(ABORT_UPLOAD, AbortUpload(upload_id=upload_id))

    async def uploads(
        self,
        bucket_id: str,
        *,
        prefix: str = "",
        after_key: str = "",
        after_upload_id: str = "",
        limit: int = 1000,
    ) -> list[UploadRecord]:
        return await self._reads.uploads(
            bucket_id, prefix=prefix, after_key=after_key, after_upload_id=after_upload_id, limit=limit
        )


class _NoCommits:
    async def run(self, operation: Operation[T]) -> T:
        raise RuntimeError("a worker reads the index; its parent writes it")


class RemoteObjects:
    """Both indexes, on readers of the parent's file."""

    def __init__(self, line: CallingLine, path: Path) -> None:
        self._reads = ReadPool(path)
        self.objects = RemoteObjectIndex(line, SqliteObjectIndex(path, _NoCommits(), self._reads))
        self.uploads = RemoteUploadIndex(line, SqliteUploadIndex(_NoCommits(), self._reads))

    def close(self) -> None:
        """Waits for the views that are open."""
        self._reads.close()
