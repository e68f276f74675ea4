"""What the embedded S3 keeps: an index of objects and uploads, and raw bytes under opaque ids."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crossdock.core.errors import CrossdockError
from crossdock.ports.objects import FileRegion


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stored run of bytes: an opaque blob id and its length."""

    blob_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEntry:
    """One object's metadata.

    `metadata` is the `x-amz-meta-*` map, `headers` are Content-Type and its like, by lower-case name. `content` are all
    the bytes of a small object, which the index itself keeps; it has no segments then.
    """

    size: int
    etag: str
    modified_at: datetime
    segments: tuple[Segment, ...] = ()
    content: bytes | None = field(default=None, repr=False)
    owner_account: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSummary:
    """What a listing tells of an object: an entry may have thousands of segments, a page a thousand entries."""

    key: str
    size: int
    etag: str
    modified_at: datetime
    owner_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """Part of an ordered scan: objects and rolled-up prefixes, each in key order; `limit` counts both together.

    `next_after` is where to go on, None when nothing is left.
    """

    objects: tuple[ObjectSummary, ...]
    prefixes: tuple[str, ...]
    next_after: str | None


Buffer = bytes | bytearray | memoryview


class BucketRetired(CrossdockError):
    """The bucket id was retired: nothing may be put into it any more."""


class PreconditionFailed(CrossdockError):
    """`if_match` is not the present ETag, or `if_none_match` found a key."""


class SourceChanged(CrossdockError):
    """The object whose bytes were to be shared no longer has them, or is another one: read it again."""


class ObjectIndex(Protocol):
    """What objects there are. A bucket is an opaque id, new each time a bucket of that name is created.

    `put`, `link` and `delete` return when the change is on disk, with the segments that nothing refers to any more:
    give them to `Blobs.delete`. A change that was begun is carried through; a cancellation meanwhile reaches the task
    at its next await, so what was returned is never lost. Keys are ordered by their UTF-8 bytes. All methods, those
    of `UploadIndex` too, raise OutOfSpace or Unavailable when the disk does.
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
        """Store and return the segments that were replaced. Raises BucketRetired or PreconditionFailed."""

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
        """Like `put`, of an entry that shares the segments, or has the content, of another object.

        Args:
            unchanged: the source as it was read, where more than its bytes matters.

        Raises SourceChanged besides, when the source does not have exactly these bytes, or is not as it was (any more).
        """

    async def delete(self, bucket_id: str, key: str, *, if_match: str | None = None) -> tuple[Segment, ...]:
        """Deleting what is not there succeeds, but raises PreconditionFailed when an ETag was asked for."""

    async def scan(
        self, bucket_id: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> IndexPage:
        """Keys greater than `after`, rolled up at the first `delimiter` behind `prefix`.

        An `after` that is itself such a rolled-up prefix skips all that lies under it.
        """

    async def retire(self, bucket_id: str) -> tuple[Segment, ...] | None:
        """Refuse later puts and uploads if the bucket holds no object; None, and no change, when it does.

        Uploads under way are aborted, as when a bucket is deleted in S3; their segments are returned.
        """

    def segments(self) -> AsyncIterator[Segment]:
        """Every segment that an object or an uploaded part refers to, in one consistent view, for the sweep."""


class UploadGone(CrossdockError):
    """The upload was completed or aborted, its bucket retired, or it never was."""


class PartChanged(CrossdockError):
    """A part was replaced while its upload was being completed."""


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
    """Multipart uploads that are under way, beside the objects in the same store; as careful as `ObjectIndex`."""

    async def start(self, upload: UploadRecord) -> None:
        """Raises BucketRetired."""

    async def get(self, upload_id: str) -> UploadRecord | None: ...

    async def put_part(self, upload_id: str, part: PartRecord) -> tuple[Segment, ...]:
        """Store a part and return the segments it replaced. Raises UploadGone."""

    async def parts(self, upload_id: str, *, after: int = 0, limit: int = 10_000) -> list[PartRecord]:
        """Parts in order of their numbers, those greater than `after`; none when the upload is gone."""

    async def complete(
        self, upload_id: str, entry: ObjectEntry, *, if_match: str | None = None, if_none_match: bool = False
    ) -> tuple[Segment, ...]:
        """Put the object and forget the upload in one commit; return the segments that nothing refers to any more.

        Raises UploadGone, PreconditionFailed, and PartChanged when a segment of the entry is not one of the parts.
        """

    async def abort(self, upload_id: str) -> tuple[Segment, ...]:
        """Forget the upload and return its segments; none when it is gone."""

    async def uploads(
        self,
        bucket_id: str,
        *,
        prefix: str = "",
        after_key: str = "",
        after_upload_id: str = "",
        limit: int = 1000,
    ) -> list[UploadRecord]:
        """Uploads in order of key and upload id, as ListMultipartUploads pages them.

        Keys greater than `after_key`; with `after_upload_id` also later uploads of that very key.
        """


class StagedBlob(Protocol):
    """Bytes on their way to disk.

    Not visible to anyone until an index refers to the segment that `seal()` returns. One call at a time; whatever
    happens, end with `seal` or `discard`, when no thread writes through `fileno()` any more.
    """

    @property
    def size(self) -> int: ...

    def fileno(self) -> int:
        """An open file descriptor positioned at the end, for `splice` and `os.write` from pool threads."""

    def advance(self, count: int) -> None:
        """Tell how many bytes were written through `fileno()`."""

    async def write(self, chunk: Buffer) -> None:
        """Append; returns when the bytes are the file's. Raises OutOfSpace or Unavailable."""

    async def append(self, source: FileRegion) -> None:
        """Append bytes of a blob that is open for reading. Raises OutOfSpace or Unavailable."""

    async def seal(self) -> Segment:
        """Make the bytes durable (fsync, rename, directory fsync) and close.

        Raises OutOfSpace or Unavailable; nothing is kept then, nor when the task is cancelled meanwhile.
        """

    async def discard(self) -> None:
        """Forget the bytes. Safe to call at any time, and again, and after `seal` (it keeps what was sealed)."""


class BlobReader(Protocol):
    """The bytes of some segments, joined; stays readable when their blobs are deleted meanwhile.

    One call at a time. Raises Unavailable when the disk does not give the bytes.
    """

    @property
    def size(self) -> int:
        """All segments together."""

    async def region(self, offset: int) -> FileRegion | None:
        """The run of bytes from `offset` to the end of its segment, or None at the end and where there is no file.

        The descriptor is the reader's and good until the next call.
        """

    async def read(self, offset: int, size: int) -> bytes:
        """At least one byte and at most `size`; short at the end of a segment; empty at the end of all."""

    def close(self) -> None:
        """Safe to call again; does not block."""


class Blobs(Protocol):
    """Raw bytes under opaque ids, never named by key."""

    async def stage(self) -> StagedBlob:
        """Raises OutOfSpace or Unavailable."""

    async def store(self, body: Sequence[Buffer]) -> Segment:
        """Stage, write and seal what is in memory, in one go. Raises as they do."""

    async def open(self, segments: Sequence[Segment]) -> BlobReader:
        """Raises NotFound when one was deleted before: look the object up again, it has been replaced."""

    def delete(self, segments: Sequence[Segment]) -> None:
        """Remove blobs that no index refers to any more, in the background and once no reader has them open.

        Never fails and never waits, so that nothing comes between a commit and its clearing up; what a crash leaves
        is swept at the next start.
        """

    async def sweep(self, in_use: AsyncIterator[Segment]) -> int:
        """Once after opening: remove what earlier processes left staged, and blobs that nothing refers to.

        Returns how many. Blobs that this process made are left alone, so that it may run beside the service.
        """
