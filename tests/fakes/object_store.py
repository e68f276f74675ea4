"""S3 in memory: the twin of the ports ObjectStore and StagingObjectStore, for every test of files.

    s3 = MemoryS3()
    s3.add_bucket("bucket")
    store = s3.store(actions={"s3:PutObject"})     # may put and nothing else; without `actions`, everything
    s3.store(stages=True)                          # stages on this computer, with real file descriptors

`s3.calls` are the calls it saw. `s3.fail("PutObject", Unavailable("…"))` makes the next such call fail, and
`gate = s3.hold("UploadPart")` makes such calls wait, so that a test can cancel in the middle:
`await gate.entered.wait()`.
"""

import asyncio
import os
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from tempfile import gettempdir

from tests.fakes.clock import START

from crossdock.cloud.s3.conditions import WriteCondition
from crossdock.core.arns import bucket_arn, object_arn
from crossdock.core.errors import Denied, Exists, FileError, NotFound, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import Copied, FileRegion, Listing, ObjectInfo, ObjectStore, OpenUpload

CHUNK = 64 << 10
MIN_PART = 5 << 20
Body = Sequence[bytes | bytearray | memoryview]
Allows = Callable[[str, str, str], bool]
"""(action, bucket, key) -> may this caller?"""


@dataclass(frozen=True, slots=True)
class SeenCall:
    operation: str
    bucket: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    content: bytes
    info: ObjectInfo


@dataclass(slots=True)
class Gate:
    """Calls wait here until `open` is set; `entered` is set when the first has come."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryS3:
    """The buckets, and what is under way in them."""

    def __init__(self, *, min_part: int = MIN_PART) -> None:
        self.min_part = min_part
        self.buckets: dict[str, dict[str, Stored]] = {}
        self.calls: list[SeenCall] = []
        self.uploads: dict[str, MemoryUpload] = {}
        self.staged: set[MemoryStagedPut] = set()
        self.ready_bytes = 0  # objects of at most so many come whole with the answer, where the store stages
        self._failures: dict[str, list[FileError]] = {}
        self._gates: dict[str, Gate] = {}
        self._numbers = count(1)

    def add_bucket(self, name: str) -> None:
        self.buckets[name] = {}

    def add(self, bucket: str, key: str, content: bytes = b"", metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Put an object without asking anybody."""
        number = next(self._numbers)
        info = ObjectInfo(
            place=ObjectPlace(bucket=bucket, key=key),
            size=len(content),
            etag=f"{number:032x}-1",
            modified_at=START + timedelta(seconds=number),
            metadata=dict(metadata or {}),
        )
        self.buckets[bucket][key] = Stored(content, info)
        return info

    def content(self, bucket: str, key: str) -> bytes:
        return self.buckets[bucket][key].content

    def keys(self, bucket: str) -> list[str]:
        return sorted(self.buckets[bucket])

    def fail(self, operation: str, error: FileError) -> None:
        self._failures.setdefault(operation, []).append(error)

    def hold(self, operation: str) -> Gate:
        self._gates[operation] = Gate()
        return self._gates[operation]

    def store(
        self, *, actions: Iterable[str] | None = None, allows: Allows | None = None, stages: bool = False
    ) -> "MemoryStore":
        """A store bound to a caller who may do everything, these actions, or what `allows` says."""
        if actions is not None:
            allowed = frozenset(actions)
            allows = lambda action, bucket, key: action in allowed  # noqa: E731
        return (MemoryStagingStore if stages else MemoryStore)(self, allows or (lambda *asked: True))

    def parts(self) -> int:
        """How many parts have arrived of uploads that have not ended."""
        return sum(len(upload.contents) for upload in self.uploads.values())

    async def enter(self, call: SeenCall) -> None:
        """What happens at the beginning of every call."""
        self.calls.append(call)
        await asyncio.sleep(0)
        if gate := self._gates.get(call.operation):
            gate.entered.set()
            await gate.open.wait()
        if failures := self._failures.get(call.operation):
            raise failures.pop(0)
        if call.bucket not in self.buckets:
            raise NotFound(f"NoSuchBucket: {call.bucket}")

    def new_id(self) -> str:
        return f"upload-{next(self._numbers)}"


class MemoryStore:
    """See `ports.objects.ObjectStore`."""

    def __init__(self, s3: MemoryS3, allows: Allows) -> None:
        self.s3 = s3
        self.allows = allows

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        await self.s3.enter(SeenCall("HeadObject", place.bucket, place.key))
        return self.find(place).info

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> "MemoryReader":
        await self.s3.enter(SeenCall("GetObject", place.bucket, place.key))
        return MemoryReader(self.find(place), offset)

    async def put(self, place: ObjectPlace, body: Body, metadata: Mapping[str, str]) -> ObjectInfo:
        await self.s3.enter(SeenCall("PutObject", place.bucket, place.key))
        self.require("s3:PutObject", place)
        return self.s3.add(place.bucket, place.key, b"".join(body), metadata)

    async def start_multipart(
        self, place: ObjectPlace, metadata: Mapping[str, str], **condition: str | bool | None
    ) -> "MemoryUpload":
        await self.s3.enter(SeenCall("CreateMultipartUpload", place.bucket, place.key))
        self.require("s3:PutObject", place)
        upload = MemoryUpload(self, place, metadata, self.s3.new_id(), {}, WriteCondition(**condition))
        self.s3.uploads[upload.upload_id] = upload
        return upload

    async def resume_multipart(self, begun: OpenUpload) -> "MemoryUpload":
        await self.s3.enter(SeenCall("ListParts", begun.place.bucket, begun.place.key))
        self.require("s3:ListMultipartUploadParts", begun.place)
        found = self.s3.uploads.get(begun.upload_id)
        if found is None or found.place != begun.place:
            raise NotFound("NoSuchUpload")
        condition = WriteCondition(if_match=begun.if_match, if_none_match=begun.if_none_match)
        known = set(found.contents)
        return MemoryUpload(self, begun.place, begun.metadata, begun.upload_id, found.contents, condition, known)

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        await self.s3.enter(SeenCall("CopyObject", source.bucket, source.key))
        # S3 looks whether something is there when all is allowed.
        self.require("s3:GetObject", source)
        self.require("s3:PutObject", target)
        stored = self.find(source)
        if if_none_match and target.key in self.s3.buckets[target.bucket]:
            raise Exists(f"{target} is there already")
        made = self.s3.add(target.bucket, target.key, stored.content, stored.info.metadata)
        return Copied(source=stored.info, target=made)

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        await self.s3.enter(SeenCall("DeleteObject", place.bucket, place.key))
        self.require("s3:DeleteObject", place)
        if if_match is not None:
            self.require("s3:GetObject", place)
        stored = self.s3.buckets[place.bucket].get(place.key)
        if stored is not None and if_match in (None, stored.info.etag):
            del self.s3.buckets[place.bucket][place.key]

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        await self.s3.enter(SeenCall("ListObjectsV2", bucket, prefix))
        if not self.allows("s3:ListBucket", bucket, prefix):
            raise Denied(f"no policy allows s3:ListBucket on {bucket_arn(bucket)}")
        objects: list[ObjectInfo] = []
        prefixes: list[str] = []
        last = token
        for key in self.s3.keys(bucket):
            if not key.startswith(prefix) or (token is not None and _is_behind(key, token, prefix, delimiter)):
                continue
            rest = key[len(prefix) :]
            rolled = prefix + rest.partition(delimiter)[0] + delimiter if delimiter and delimiter in rest else None
            if rolled is not None and prefixes and prefixes[-1] == rolled:
                continue
            if len(objects) + len(prefixes) == limit:
                return Listing(objects=tuple(objects), prefixes=tuple(prefixes), next_token=last)
            if rolled is None:
                objects.append(self.s3.buckets[bucket][key].info)
            else:
                prefixes.append(rolled)
            last = rolled or key
        return Listing(objects=tuple(objects), prefixes=tuple(prefixes), next_token=None)

    def require(self, action: str, place: ObjectPlace) -> None:
        if not self.allows(action, place.bucket, place.key):
            raise Denied(f"no policy allows {action} on {object_arn(place.bucket, place.key)}")

    def find_version(self, info: ObjectInfo) -> Stored:
        """What If-Match on a source finds."""
        stored = self.find(info.place)
        if stored.info.etag != info.etag:
            raise Unavailable(f"PreconditionFailed: {info.place}")
        return stored

    def require_version(self, place: ObjectPlace, condition: WriteCondition) -> None:
        """What If-Match and If-None-Match on a target ask."""
        if condition.if_none_match and place.key in self.s3.buckets[place.bucket]:
            raise Exists(f"PreconditionFailed: {place}")
        if condition.if_match is not None and self.find(place).info.etag != condition.if_match:
            raise Unavailable(f"PreconditionFailed: {place}")

    def find(self, place: ObjectPlace) -> Stored:
        self.require("s3:GetObject", place)
        stored = self.s3.buckets[place.bucket].get(place.key)
        if stored is not None:
            return stored
        # S3 tells that a key is missing only to those who may list.
        if not self.allows("s3:ListBucket", place.bucket, ""):
            raise Denied(f"no policy allows s3:ListBucket on {bucket_arn(place.bucket)}")
        raise NotFound(f"NoSuchKey: {place}")


class MemoryReader:
    """See `ports.objects.ObjectReader`."""

    def __init__(self, stored: Stored, offset: int) -> None:
        self._content = stored.content[offset:]
        self._info = stored.info
        self.is_closed = False

    @property
    def info(self) -> ObjectInfo:
        return self._info

    async def region(self) -> FileRegion | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._content), CHUNK):
            await asyncio.sleep(0)
            yield self._content[at : at + CHUNK]

    async def close(self) -> None:
        self.is_closed = True


class MemoryUpload:
    """See `ports.objects.PortableUpload`."""

    def __init__(
        self,
        store: MemoryStore,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        upload_id: str,
        parts: dict[int, bytes],
        condition: WriteCondition,
        known: set[int] | None = None,
    ) -> None:
        self.store = store
        self.place = place
        self.metadata = metadata
        self.upload_id = upload_id
        self.contents = parts
        self.condition = condition
        self.known: set[int] = set() if known is None else known
        """Of the parts that the store has, those that shall be the object."""

    @property
    def parts(self) -> Mapping[int, int]:
        return {number: len(self.contents[number]) for number in self.known}

    def forget_parts(self, above: int) -> None:
        self.known -= {number for number in self.known if number > above}

    def under(self, store: ObjectStore) -> "MemoryUpload":
        assert isinstance(store, MemoryStore)
        return MemoryUpload(store, self.place, self.metadata, self.upload_id, self.contents, self.condition, self.known)

    async def upload_part(self, number: int, body: Body) -> None:
        await self._enter("UploadPart")
        self.store.require("s3:PutObject", self.place)
        self.contents[number] = b"".join(body)
        self.known.add(number)

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        await self._enter("UploadPartCopy")
        content = self.store.find_version(source).content[offset : offset + size]
        self.store.require("s3:PutObject", self.place)
        if len(content) != size or not size:
            raise Unsupported("InvalidArgument: the range is not in the source")
        self.contents[number] = content
        self.known.add(number)

    async def complete(self) -> ObjectInfo:
        await self._enter("CompleteMultipartUpload")
        self.store.require("s3:PutObject", self.place)
        numbers = sorted(self.known)
        if any(len(self.contents[number]) < self._s3.min_part for number in numbers[:-1]):
            raise Unavailable("EntityTooSmall")
        self.store.require_version(self.place, self.condition)
        del self._s3.uploads[self.upload_id]
        content = b"".join(self.contents[number] for number in numbers)
        return self._s3.add(self.place.bucket, self.place.key, content, self.metadata)

    async def abort(self) -> None:
        await self._s3.enter(SeenCall("AbortMultipartUpload", self.place.bucket, self.place.key))
        self.store.require("s3:AbortMultipartUpload", self.place)
        self._s3.uploads.pop(self.upload_id, None)

    @property
    def _s3(self) -> MemoryS3:
        return self.store.s3

    async def _enter(self, operation: str) -> None:
        await self._s3.enter(SeenCall(operation, self.place.bucket, self.place.key))
        if self.upload_id not in self._s3.uploads:
            raise NotFound("NoSuchUpload")


class MemoryStagingStore(MemoryStore):
    """See `ports.objects.StagingObjectStore`: bytes go through files without names."""

    async def stage(
        self, place: ObjectPlace, metadata: Mapping[str, str], **condition: str | bool | None
    ) -> "MemoryStagedPut":
        await self.s3.enter(SeenCall("PutObject", place.bucket, place.key))
        self.require("s3:PutObject", place)
        return MemoryStagedPut(self, place, metadata, WriteCondition(**condition))

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> "MemoryReader":
        await self.s3.enter(SeenCall("GetObject", place.bucket, place.key))
        found = self.find(place)
        return (MemoryReadyReader if len(found.content) <= self.s3.ready_bytes else MemoryFileReader)(found, offset)


class MemoryReadyReader(MemoryReader):
    """See `ports.objects.ReadyReader`."""

    def take_ready(self) -> bytes | None:
        content, self._content = self._content, b""
        return content


class MemoryFileReader(MemoryReader):
    """A reader whose bytes lie in files, as those of an object of segments do: by turns on a disk and where nothing can
    be said about what is in memory."""

    _is_on_disk = False

    async def region(self) -> FileRegion | None:
        if not self._content:
            return None
        half = (len(self._content) + 1) // 2
        part, self._content = self._content[:half], self._content[half:]
        self._is_on_disk = not self._is_on_disk
        fd = os.open(gettempdir(), os.O_TMPFILE | os.O_RDWR) if self._is_on_disk else os.memfd_create("region")
        weakref.finalize(self, os.close, fd)
        os.write(fd, b"before" + part + b"behind")
        return FileRegion(fd=fd, offset=len(b"before"), size=len(part))


class MemoryStagedPut:
    """See `ports.objects.StagedPut`."""

    def __init__(
        self, store: MemoryStagingStore, place: ObjectPlace, metadata: Mapping[str, str], condition: WriteCondition
    ) -> None:
        self._store = store
        self._condition = condition
        self._place = place
        self._metadata = metadata
        self._fd = os.memfd_create("staged")
        self._size = 0
        store.s3.staged.add(self)

    async def target(self) -> int:
        return self._fd

    def advance(self, count: int) -> None:
        self._size += count

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        await self._store.s3.enter(SeenCall("(write)", self._place.bucket, self._place.key))
        os.write(self._fd, chunk)
        self._size += len(chunk)

    async def begin_with(self, source: ObjectInfo, size: int) -> None:
        await self._store.s3.enter(SeenCall("GetObject", source.place.bucket, source.place.key))
        self._size += os.write(self._fd, self._store.find_version(source).content[:size])

    async def commit(self, rest: bytes | bytearray | memoryview = b"") -> ObjectInfo:
        await self._store.s3.enter(SeenCall("PutObject", self._place.bucket, self._place.key))
        self._store.require("s3:PutObject", self._place)
        self._store.require_version(self._place, self._condition)
        self._size += os.pwrite(self._fd, rest, self._size)
        content = os.pread(self._fd, self._size, 0)
        assert len(content) == self._size, "more bytes were told of than written"
        self._end()
        return self._store.s3.add(self._place.bucket, self._place.key, content, self._metadata)

    async def discard(self) -> None:
        await self._store.s3.enter(SeenCall("(discard)", self._place.bucket, self._place.key))
        self._end()

    def _end(self) -> None:
        if self in self._store.s3.staged:
            self._store.s3.staged.discard(self)
            os.close(self._fd)


def _is_behind(key: str, token: str, prefix: str, delimiter: str) -> bool:
    """Whether a listing that ended at `token` has shown the key. A token may be a rolled-up prefix."""
    is_rolled_up = bool(delimiter) and token.endswith(delimiter) and token != prefix
    return key <= token or (is_rolled_up and key.startswith(token))
