"""Objects as the gateway sees them: S3 as one caller may use it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeGuard, runtime_checkable

from crossdock.core.homes import ObjectPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """`modified_at` is the beginning of 1970 where the store tells no time."""

    place: ObjectPlace
    size: int
    etag: str
    modified_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def tells_time(self) -> bool:
        return self.modified_at.timestamp() != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied, as it was then, and what came of it: their ETags may differ."""

    source: ObjectInfo
    target: ObjectInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page: objects, and the prefixes rolled up at the delimiter (each ending with it), both in key order."""

    objects: tuple[ObjectInfo, ...]
    prefixes: tuple[str, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRegion:
    """Bytes of an open file that `sendfile` may send; the reader that gave it owns the descriptor."""

    fd: int
    offset: int
    size: int


class ObjectReader(Protocol):
    """An open object: always one version of it, never a mixture. Close it."""

    @property
    def info(self) -> ObjectInfo: ...

    async def region(self) -> FileRegion | None:
        """The next run of bytes that lies in a file, or None when the rest must come through `chunks`."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The rest, in pieces of at most 1 MiB."""

    async def close(self) -> None: ...


class ReadyReader(ObjectReader, Protocol):
    """A reader that may have got the whole object with the answer to the question for it."""

    def take_ready(self) -> bytes | None:
        """All the rest, after which there is no more, where it lies in memory; None where it does not."""


def has_ready(reader: ObjectReader) -> TypeGuard[ReadyReader]:
    """What `isinstance` says, as `can_stage` does."""
    return hasattr(reader, "take_ready")


class PortableReader(ObjectReader, Protocol):
    """A reader that can go on under renewed credentials; one that asks a remote store again and again should be one."""

    def go_on_under(self, store: "ObjectStore") -> None:
        """Ask for all that is still to come as another store of the same kind would."""


def can_go_on(reader: ObjectReader) -> TypeGuard[PortableReader]:
    """What `isinstance` says, as `can_stage` does."""
    return hasattr(reader, "go_on_under")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """A multipart upload that was begun before, perhaps by another session. What it is to become was said then:
    `metadata`, the time, and the conditions of `ObjectStore.start_multipart`."""

    place: ObjectPlace
    upload_id: str
    began_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    if_match: str | None = None
    if_none_match: bool = False


class MultipartUpload(Protocol):
    @property
    def upload_id(self) -> str: ...

    @property
    def parts(self) -> Mapping[int, int]:
        """The sizes of the parts that have arrived, by number."""

    def forget_parts(self, above: int) -> None:
        """Parts of a greater number than this will be none of the object, until they are sent again."""

    async def upload_part(self, number: int, body: Sequence[bytes | bytearray | memoryview]) -> None:
        """Part numbers count from 1; parts may be sent at the same time and again."""

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        """A part of bytes that the store has already, as `upload_part` counts it: `size` of them, 1 byte to 5 GiB.

        Raises Unavailable when the key has another object than `source` by now, NotFound when it has none, Unsupported
        for bytes that `source` does not have; Denied also to whoever may not read it.
        """

    async def complete(self) -> ObjectInfo: ...

    async def abort(self) -> None:
        """Leave nothing behind. Safe to call after a failure, and again."""


@runtime_checkable
class PortableUpload(MultipartUpload, Protocol):
    """A multipart upload that can go on under renewed credentials; a remote store's should be one, for an upload may
    last longer than a role session. See `files/renewal.py`."""

    def under(self, store: "ObjectStore") -> MultipartUpload:
        """The same upload as another store of the same kind would send its parts."""


class ObjectStore(Protocol):
    """S3 as one caller may use it: bound to that caller's credentials when made.

    Every method raises NotFound, Denied (its message says which policy), OutOfSpace or Unavailable. Keys are exact:
    `a//b`, `./x` and a trailing slash are kept.
    """

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        """A missing key is NotFound only for a caller that may list the bucket, else Denied, as S3 answers."""

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> ObjectReader: ...

    async def put(
        self, place: ObjectPlace, body: Sequence[bytes | bytearray | memoryview], metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """S3 does not tell a writer the object's time: `modified_at` is when the store answered, by its own clock."""

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> MultipartUpload:
        """`if_match` is the ETag of the object that alone may be replaced, which takes the permission to read it.

        `complete` then raises Unavailable where there is another, and NotFound where there is none. With
        `if_none_match` nothing may be replaced: it raises Exists where there is any object.
        """

    async def resume_multipart(self, begun: OpenUpload) -> MultipartUpload:
        """The upload with the parts that the store has of it, which takes the permission to list them.

        Raises NotFound when it has ended.
        """

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        """A server-side copy with its metadata, of any size. Raises CannotCopy where the store cannot do that itself.

        With `if_none_match` nothing is replaced: it raises Exists where there is an object, whenever that came.
        """

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        """Deleting what is not there succeeds, as in S3.

        So it does when another object is there than that of the ETag `if_match`: that one stays. Naming an ETag takes
        the permission to read.
        """

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing: ...


class StagedPut(Protocol):
    """A single object on its way, whose bytes may come through the kernel; visible only after `commit`.

    Nothing is on disk before `target`, `write` or `begin_with` is called.
    """

    async def target(self) -> int:
        """An open file descriptor positioned at the end, for `splice` and `os.write` from pool threads."""

    def advance(self, count: int) -> None:
        """Tell how many bytes were written through `target`."""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None: ...

    async def begin_with(self, source: ObjectInfo, size: int) -> None:
        """Put the first `size` bytes of an object before all others; authorised as reading it. Once, and first.

        Raises Unavailable when the key has another object than `source` by now, NotFound when it has none.
        """

    async def commit(self, rest: bytes | bytearray | memoryview = b"") -> ObjectInfo:
        """Authorise once more, write the last bytes, make durable, publish."""

    async def discard(self) -> None: ...


@runtime_checkable
class StagingObjectStore(ObjectStore, Protocol):
    """What a store that keeps its bytes on this computer's disk offers besides: see `files/upload.py`."""

    async def stage(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> StagedPut | None:
        """Authorise and begin a put. Raises as `put` does. `commit` tests the conditions, as `start_multipart` says.

        None where the bytes of this place are kept elsewhere: send them in parts.
        """


def can_stage(store: ObjectStore) -> TypeGuard[StagingObjectStore]:
    """What `isinstance` says, without comparing every member of the Protocol: each upload asks twice."""
    return hasattr(store, "stage")
