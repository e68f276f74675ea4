"""An object on its way from S3: one version of it, whatever happens to connections or to the key meanwhile.

It is asked for in ranges, some of them ahead of the client that reads, so that neither the distance to S3 nor the speed
of one connection bounds a download; what waits is bounded all the same. Every range names the version by its ETag.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from crossdock.adapters.aws.answers import answered_range, info_of, info_of_range
from crossdock.adapters.aws.connection import BoundS3, OnS3, OpenBody
from crossdock.adapters.aws.direct_body import MOST_WAITING
from crossdock.adapters.aws.failures import status_of
from crossdock.adapters.aws.requests import get_range
from crossdock.cloud.s3.etags import unquoted
from crossdock.core.errors import FileError, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.objects import FileRegion, ObjectInfo, ObjectStore

RANGE_BYTES = MOST_WAITING
"""Which is taken whole even where the client is slow, so that its connection is free again."""
MOST_RANGES = 4
"""So many of them may be one, for clients that are fast: the request is an eighth of what 3 MiB cost."""
FAST = 16 << 20
"""Such a client, in bytes a second."""
RANGES_AT_ONCE = 3
MAX_BREAKS = 3
"""Connections that may break in a row without a byte, before the download fails."""
_PARTIAL, _NO_SUCH_RANGE = 206, 416


async def open_reader(
    s3: BoundS3, place: ObjectPlace, offset: int, *, range_bytes: int = RANGE_BYTES, fast: float = FAST
) -> "AwsReader":
    """Begin to read at `offset`; beyond the object's end there is nothing to read. Raises FileError."""
    request = get_range(place, offset, offset + range_bytes)
    try:
        body = await s3.open(request)
    except Unsupported as error:
        if status_of(error) != _NO_SUCH_RANGE:
            raise
        # An object that ends there: of an empty one not even the first byte is a range.
        head = await s3.call("HeadObject", Bucket=place.bucket, Key=place.key)
        info = info_of(place, head)
        if offset < info.size:
            raise Unavailable(f"{place} was replaced while it was opened") from error
        return AwsReader(s3, info, info.size, range_bytes=range_bytes, fast=fast)
    try:
        info = info_of_range(place, body.headers)
        if body.status == _PARTIAL:
            _require_begin(place, body.headers, offset)
        elif offset:
            raise Unsupported(f"GetObject of {place}: this S3 answers no ranges")
    except BaseException:
        body.close()
        raise
    return AwsReader(s3, info, offset, range_bytes=range_bytes, fast=fast, body=body)


class AwsReader:
    """See `ports.objects.ObjectReader`."""

    def __init__(
        self, s3: BoundS3, info: ObjectInfo, offset: int, *, range_bytes: int, fast: float, body: OpenBody | None = None
    ) -> None:
        self._s3 = s3
        self._info = info
        self._range_bytes = range_bytes
        self._fast = fast
        self._supervisor = TaskSupervisor()
        self._ranges: deque[_Range] = deque()
        self._next = offset
        self._size = range_bytes
        self.is_closed = False
        if body is not None:
            # A store that overlooks ranges answers with the whole object.
            end = offset + range_bytes if body.status == _PARTIAL else info.size
            self._ranges.append(_Range(self, offset, min(end, info.size), body))
            self._next = self._ranges[0].end

    @property
    def info(self) -> ObjectInfo:
        return self._info

    async def region(self) -> FileRegion | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        while not self.is_closed:
            self._read_ahead()
            if not self._ranges:
                break
            first, began = self._ranges[0], loop.time()
            while chunk := await first.next_chunk():
                yield chunk
            if not self.is_closed:
                self._ranges.popleft()
                self._choose_size(first.size / max(loop.time() - began, 1e-6))
        await self.close()

    async def close(self) -> None:
        self.is_closed = True
        for each in self._ranges:
            each.close()
        self._ranges.clear()
        await self._supervisor.close()

    def go_on_under(self, store: ObjectStore) -> None:
        """See `ports.objects.PortableReader`: a download may last longer than a role session."""
        if not isinstance(store, OnS3):
            raise TypeError("the download was begun from another kind of store")
        self._s3 = store.bound_s3

    def _read_ahead(self) -> None:
        while self._next < self._info.size and len(self._ranges) < RANGES_AT_ONCE:
            added = _Range(self, self._next, min(self._next + self._size, self._info.size), None)
            self._ranges.append(added)
            self._supervisor.start(added.open_ahead(), name=f"bytes from {self._next} of {self._info.place}")
            self._next = added.end

    def _choose_size(self, bytes_per_s: float) -> None:
        if bytes_per_s < self._fast:
            self._size = self._range_bytes
        else:
            self._size = min(2 * self._size, MOST_RANGES * self._range_bytes)

    async def reopen(self, offset: int, end: int) -> OpenBody:
        """The rest of a range, of the same version. Raises Unavailable when the key has another by now."""
        place = self._info.place
        body = await self._s3.open(get_range(place, offset, end, etag=self._info.etag))
        try:
            size = _require_begin(place, body.headers, offset)
            # A cache between here and the store may overlook If-Match.
            etag = unquoted(body.headers.get("ETag", self._info.etag))
            if (size, etag) != (self._info.size, self._info.etag):
                raise Unavailable(f"{place} was replaced while it was read")
        except BaseException:
            body.close()
            raise
        return body


class _Range:
    """Bytes of the object. They come as fast as S3 sends them, as far as `DirectBody` lets them wait."""

    def __init__(self, reader: AwsReader, offset: int, end: int, body: OpenBody | None) -> None:
        self._reader = reader
        self._offset = offset
        self.end = end
        self.size = end - offset
        self._body = body
        self._has_begun = asyncio.Event()
        if body is not None:
            self._has_begun.set()

    async def open_ahead(self) -> None:
        try:
            # Where that fails it is tried again when the bytes are wanted: by then all may be well.
            with suppress(FileError):
                self._body = await self._reader.reopen(self._offset, self.end)
        finally:
            self._has_begun.set()

    async def next_chunk(self) -> bytes:
        """Nothing at the range's end. Raises FileError after all that came before."""
        await self._has_begun.wait()
        failure: FileError | None = None
        try:
            for _ in range(MAX_BREAKS + 1):
                if self._offset == self.end:
                    break
                if self._body is None and not self._reader.is_closed:
                    self._body = await self._reader.reopen(self._offset, self.end)
                if self._body is None or self._reader.is_closed:
                    raise Unavailable(f"GetObject of {self._reader.info.place}: broken off")
                chunk, failure = await self._read(self._body)
                if chunk:
                    return chunk
                # S3 breaks connections, and proxies do: another one gets the rest.
                self.close()
        except BaseException:
            self.close()
            raise
        self.close()
        if self._offset < self.end:
            place = self._reader.info.place
            raise failure or Unavailable(f"GetObject of {place}: ended {self.end - self._offset} bytes early")
        return b""

    async def _read(self, body: OpenBody) -> tuple[bytes, FileError | None]:
        try:
            # A store that sends more than was asked for must not make the object longer.
            chunk = (await body.read())[: self.end - self._offset]
        except Unavailable as error:
            return b"", error
        self._offset += len(chunk)
        return chunk, None

    def close(self) -> None:
        """Whoever waits for bytes is not left waiting."""
        self._has_begun.set()
        if self._body is not None:
            self._body.close()
            self._body = None


def _require_begin(place: ObjectPlace, headers: Mapping[str, str], offset: int) -> int:
    """The size of the whole object. Raises Unavailable where other bytes are answered than were asked for."""
    answered = answered_range(headers)
    if answered is None or answered[0] != offset:
        raise Unavailable(f"GetObject of {place}: bytes from {offset} were asked for, others were answered")
    return answered[1]
