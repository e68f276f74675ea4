"""What the embedded S3 keeps: an index of objects and uploads, and raw bytes under opaque ids."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crossdock.core.errors import CrossdockError


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stored run of bytes: an opaque blob id and its length."""

    blob_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEntry:
    """One object's metadata.

    `metadata` is the `x-amz-meta-*` map, `headers` are Content-Type and its like, by lower-case name.
    """

    size: int
    etag: str
    modified_at: datetime
    segments: tuple[Segment, ...]
    owner_account: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """Part of an ordered scan: entries and rolled-up prefixes, merged in key order; `next_after` is where to go
    on."""

    entries: tuple[tuple[str, ObjectEntry], ...]
    prefixes: tuple[str, ...]
    next_after: str | None


class BucketRetired(CrossdockError):
    """The bucket id was retired: nothing may be put into it any more."""


class ObjectIndex(Protocol):
    """What objects there are. A bucket is an opaque id, new each time a bucket of that name is created.

    `put` and `delete` return when the change is on disk, together with the blobs that nothing refers to any more.
    Keys are ordered by their UTF-8 bytes.
    """

    async def get(self, bucket_id: str, key: str) -> ObjectEntry | None: ...

    async def put(
        self,
        bucket_id: str,
        key: str,
        entry: ObjectEntry,
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> tuple[Segment, ...]:
        """Store and return the segments that were replaced.

        Raises BucketRetired; PreconditionFailed when `if_match` is not the present ETag or `if_none_match` finds a key.
        """

    async def delete(self, bucket_id: str, key: str) -> tuple[Segment, ...]: ...

    async def scan(
        self, bucket_id: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> IndexPage:
        """Keys greater than `after`, rolled up at `delimiter`; an `after` that ends in the delimiter skips that
        prefix whole."""

    async def retire(self, bucket_id: str) -> bool:
        """Refuse later puts if the bucket is empty; False, and no change, when it is not."""

    async def segments(self) -> AsyncIterator[Segment]:
        """Every segment that any object or staged part refers to, for the sweep at start."""


class PreconditionFailed(CrossdockError):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """A multipart upload that has begun; `settings` is what CreateMultipartUpload was given (metadata, headers…)."""

    upload_id: str
    bucket_id: str
    key: str
    started_at: datetime
    initiator_arn: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checksum_algorithm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    number: int
    segment: Segment
    etag: str
    modified_at: datetime
    checksums: Mapping[str, str] = field(default_factory=dict)


class UploadIndex(Protocol):
    """Multipart uploads that are under way, beside the objects in the same store."""

    async def start(self, upload: UploadRecord) -> None: ...

    async def get(self, upload_id: str) -> UploadRecord | None: ...

    async def put_part(self, upload_id: str, part: PartRecord) -> tuple[Segment, ...]:
        """Store a part and return the segments it replaced. Raises KeyError when the upload is gone."""

    async def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]: ...

    async def complete(self, upload_id: str, entry: ObjectEntry) -> tuple[Segment, ...]:
        """Put the object and forget the upload in one commit; return the segments that nothing refers to any more."""

    async def abort(self, upload_id: str) -> tuple[Segment, ...]: ...

    async def uploads(self, bucket_id: str, *, prefix: str = "", limit: int = 1000) -> list[UploadRecord]: ...


class StagedBlob(Protocol):
    """Bytes on their way to disk.

    Not visible to anyone until an index refers to the segment that `seal()` returns.
    """

    @property
    def size(self) -> int: ...

    def fileno(self) -> int:
        """An open file descriptor positioned at the end, for `splice`, `sendfile` and `os.write` from pool
        threads."""

    def advance(self, count: int) -> None:
        """Tell how many bytes were written through `fileno()`."""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append; returns when the bytes are the file's. Raises OutOfSpace or Unavailable."""

    async def seal(self) -> Segment:
        """Make the bytes durable (fsync, rename, directory fsync) and close."""

    async def discard(self) -> None:
        """Forget the bytes. Safe to call at any time, and again."""


class BlobReader(Protocol):
    """An open blob; stays readable when the blob is deleted meanwhile."""

    def fileno(self) -> int: ...

    async def read(self, offset: int, size: int) -> bytes: ...

    def close(self) -> None: ...


class Blobs(Protocol):
    """Raw bytes under opaque ids, never named by key."""

    async def stage(self) -> StagedBlob:
        """Raises OutOfSpace."""

    async def open(self, blob_id: str) -> BlobReader:
        """Raises NotFound."""

    async def delete(self, segments: Sequence[Segment]) -> None: ...

    async def sweep(self, in_use: AsyncIterator[Segment]) -> int:
        """At start: remove staged files and blobs that nothing refers to. Returns how many."""
