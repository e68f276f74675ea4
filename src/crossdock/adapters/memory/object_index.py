"""Objects and uploads that are forgotten with the process."""

import asyncio
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from crossdock.adapters.host.scanning import beyond, roll_up, scan_start
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


@dataclass(slots=True)
class _Bucket:
    is_retired: bool = False
    entries: dict[bytes, ObjectEntry] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Upload:
    record: UploadRecord
    parts: dict[int, PartRecord] = field(default_factory=dict)

    def segments(self) -> tuple[Segment, ...]:
        return tuple(part.segment for part in self.parts.values())


class MemoryObjects:
    """What the two indexes share."""

    def __init__(self) -> None:
        self.buckets: dict[str, _Bucket] = {}
        self.under_way: dict[str, _Upload] = {}
        self._extra_references: dict[str, int] = {}

    def bucket(self, bucket_id: str) -> _Bucket:
        return self.buckets.setdefault(bucket_id, _Bucket())

    def check(self, bucket_id: str, key: str, if_match: str | None, if_none_match: bool) -> None:
        bucket = self.bucket(bucket_id)
        if bucket.is_retired:
            raise BucketRetired(bucket_id)
        present = bucket.entries.get(key.encode())
        if if_none_match and present is not None:
            raise PreconditionFailed("the key exists")
        _check_etag(present, if_match)

    def replace(self, bucket_id: str, key: str, entry: ObjectEntry) -> tuple[Segment, ...]:
        bucket, name = self.bucket(bucket_id), key.encode()
        replaced = bucket.entries.get(name)
        if replaced is None:
            insort(bucket.order, name)
        bucket.entries[name] = entry
        return self.release(replaced.segments) if replaced else ()

    def share(self, segments: Iterable[Segment]) -> None:
        for segment in segments:
            self._extra_references[segment.blob_id] = self._extra_references.get(segment.blob_id, 0) + 1

    def release(self, segments: Iterable[Segment]) -> tuple[Segment, ...]:
        """Give up one reference to each; returns those that had no other."""
        gone = []
        for segment in segments:
            extra = self._extra_references.pop(segment.blob_id, 0)
            if extra == 0:
                gone.append(segment)
            elif extra > 1:
                self._extra_references[segment.blob_id] = extra - 1
        return tuple(gone)


class MemoryObjectIndex:
    """See `ports.storage.ObjectIndex`."""

    def __init__(self, objects: MemoryObjects) -> None:
        self._objects = objects

    async def get(self, bucket_id: str, key: str) -> ObjectEntry | None:
        await asyncio.sleep(0)
        return self._objects.bucket(bucket_id).entries.get(key.encode())

    async def put(
        self,
        bucket_id: str,
        key: str,
        entry: ObjectEntry,
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> tuple[Segment, ...]:
        await asyncio.sleep(0)
        self._objects.check(bucket_id, key, if_match, if_none_match)
        return self._objects.replace(bucket_id, key, entry)

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
        await asyncio.sleep(0)
        self._objects.check(bucket_id, key, if_match, if_none_match)
        source = self._objects.bucket(source_bucket_id).entries.get(source_key.encode())
        if source is None or (source.segments, source.content) != (entry.segments, entry.content):
            raise SourceChanged(source_key)
        if unchanged not in (None, source):
            raise SourceChanged(source_key)
        self._objects.share(entry.segments)
        return self._objects.replace(bucket_id, key, entry)

    async def delete(self, bucket_id: str, key: str, *, if_match: str | None = None) -> tuple[Segment, ...]:
        await asyncio.sleep(0)
        bucket, name = self._objects.bucket(bucket_id), key.encode()
        entry = bucket.entries.get(name)
        _check_etag(entry, if_match)
        if entry is None:
            return ()
        del bucket.entries[name]
        del bucket.order[bisect_left(bucket.order, name)]
        return self._objects.release(entry.segments)

    async def scan(
        self, bucket_id: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> IndexPage:
        await asyncio.sleep(0)
        bucket = self._objects.bucket(bucket_id)
        objects: list[ObjectSummary] = []
        prefixes: list[str] = []
        last: str | None = None
        position = bisect_left(bucket.order, scan_start(prefix=prefix, delimiter=delimiter, after=after))
        end = bisect_left(bucket.order, beyond(prefix.encode()))
        while position < end and len(objects) + len(prefixes) < limit:
            name = bucket.order[position]
            key = name.decode()
            rolled = roll_up(key, prefix=prefix, delimiter=delimiter)
            if rolled is None:
                objects.append(_summary(key, bucket.entries[name]))
                last, position = key, position + 1
            else:
                prefixes.append(rolled)
                last, position = rolled, bisect_left(bucket.order, beyond(rolled.encode()))
        return IndexPage(
            objects=tuple(objects), prefixes=tuple(prefixes), next_after=last if position < end and limit > 0 else None
        )

    async def retire(self, bucket_id: str) -> tuple[Segment, ...] | None:
        await asyncio.sleep(0)
        bucket = self._objects.bucket(bucket_id)
        if bucket.entries:
            return None
        bucket.is_retired = True
        under_way = self._objects.under_way
        aborted = [u for u in under_way.values() if u.record.bucket_id == bucket_id]
        for upload in aborted:
            del under_way[upload.record.upload_id]
        return tuple(segment for upload in aborted for segment in upload.segments())

    async def segments(self) -> AsyncIterator[Segment]:
        entries = [entry for bucket in self._objects.buckets.values() for entry in bucket.entries.values()]
        parts = [part for upload in self._objects.under_way.values() for part in upload.parts.values()]
        for entry in entries:
            for segment in entry.segments:
                yield segment
        for part in parts:
            yield part.segment


class MemoryUploadIndex:
    """See `ports.storage.UploadIndex`."""

    def __init__(self, objects: MemoryObjects) -> None:
        self._objects = objects

    async def start(self, upload: UploadRecord) -> None:
        await asyncio.sleep(0)
        if self._objects.bucket(upload.bucket_id).is_retired:
            raise BucketRetired(upload.bucket_id)
        self._objects.under_way[upload.upload_id] = _Upload(upload)

    async def get(self, upload_id: str) -> UploadRecord | None:
        await asyncio.sleep(0)
        upload = self._objects.under_way.get(upload_id)
        return upload.record if upload else None

    async def put_part(self, upload_id: str, part: PartRecord) -> tuple[Segment, ...]:
        await asyncio.sleep(0)
        upload = self._present(upload_id)
        replaced = upload.parts.get(part.number)
        upload.parts[part.number] = part
        return (replaced.segment,) if replaced else ()

    async def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        await asyncio.sleep(0)
        upload = self._objects.under_way.get(upload_id)
        numbers = sorted(number for number in upload.parts if number > after) if upload else []
        return [upload.parts[number] for number in numbers[:limit]] if upload else []

    async def complete(
        self, upload_id: str, entry: ObjectEntry, *, if_match: str | None = None, if_none_match: bool = False
    ) -> tuple[Segment, ...]:
        await asyncio.sleep(0)
        upload = self._present(upload_id)
        self._objects.check(upload.record.bucket_id, upload.record.key, if_match, if_none_match)
        parts, kept = upload.segments(), set(entry.segments)
        if not kept <= set(parts):
            raise PartChanged(upload_id)
        del self._objects.under_way[upload_id]
        replaced = self._objects.replace(upload.record.bucket_id, upload.record.key, entry)
        return (*replaced, *(segment for segment in parts if segment not in kept))

    async def abort(self, upload_id: str) -> tuple[Segment, ...]:
        await asyncio.sleep(0)
        upload = self._objects.under_way.pop(upload_id, None)
        return upload.segments() if upload else ()

    async def uploads(
        self,
        bucket_id: str,
        *,
        prefix: str = "",
        after_key: str = "",
        after_upload_id: str = "",
        limit: int = 1000,
    ) -> list[UploadRecord]:
        await asyncio.sleep(0)
        found = []
        for upload in self._objects.under_way.values():
            record = upload.record
            is_later = record.key > after_key or (
                after_upload_id != "" and record.key == after_key and record.upload_id > after_upload_id
            )
            if record.bucket_id == bucket_id and record.key.startswith(prefix) and is_later:
                found.append(record)
        return sorted(found, key=lambda record: (record.key, record.upload_id))[:limit]

    def _present(self, upload_id: str) -> _Upload:
        upload = self._objects.under_way.get(upload_id)
        if upload is None:
            raise UploadGone(upload_id)
        return upload


def _check_etag(present: ObjectEntry | None, if_match: str | None) -> None:
    if if_match is not None and (present is None or present.etag != if_match):
        raise PreconditionFailed("the ETag is another one")


def _summary(key: str, entry: ObjectEntry) -> ObjectSummary:
    return ObjectSummary(
        key=key,
        size=entry.size,
        etag=entry.etag,
        modified_at=entry.modified_at,
        owner_account=entry.owner_account,
    )
