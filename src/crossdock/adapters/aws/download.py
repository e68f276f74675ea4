"""An object on its way from S3: one version of it, whatever happens to connections or to the key meanwhile.

It is asked for in ranges, some of them ahead of the client that reads, so that neither the distance to S3 nor the speed
of one connection bounds a download; what waits is bounded all the same. Every range names the version by its ETag.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from crossdock.adapters.aws.answers import answered_range, info_of, info_of_range
from crossdock.adapters.aws.connection import BoundS3, OnS3, OpenBody
from crossdock.adapters.aws.failures import status_of
from crossdock.adapters.aws.requests import get_range
from crossdock.core.errors import FileError, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.objects import FileRegion, ObjectInfo, ObjectStore

RANGE_BYTES = 4 << 20
RANGES_AT_ONCE = 3
"""Of one download: what waits in memory is at most so many ranges."""
MAX_BREAKS = 3
"""Connections that may break in a row without a byte, before the download fails."""
_NO_SUCH_RANGE = 416


async def open_reader(s3: BoundS3, place: ObjectPlace, offset: int, *, range_bytes: int = RANGE_BYTES) -> "AwsReader":
    """Begin to read at `offset`; beyond the object's end there is nothing to read. Raises FileError."""
    request = get_range(place, offset, offset + range_bytes)
    try:
        body = await s3.open(request)
    except Unsupported as error:
        if status_of(error) != _NO_SUCH_RANGE:
            raise
        # An object that ends there: of an empty one not even the first byte is a range.
        head = await s3.call("HeadObject", Bucket=place.bucket, Key=place.key)
        info = info_of(place, head, size=head["ContentLength"])
        if offset < info.size:
            raise Unavailable(f"{place} was replaced while it was opened") from error
        return AwsReader(s3, info, info.size, range_bytes=range_bytes)
    try:
        info = info_of_range(place, body.headers)
        if offset and body.status == 200:
            raise Unsupported(f"GetObject of {place}: this S3 answers no ranges")
    except BaseException:
        body.close()
        raise
    return AwsReader(s3, info, offset, range_bytes=range_bytes, body=body)


class AwsReader:
    """See `ports.objects.ObjectReader`."""

    def __init__(
        self, s3: BoundS3, info: ObjectInfo, offset: int, *, range_bytes: int, body: OpenBody | None = None
    ) -> None:
        self._s3 = s3
        self._info = info
        self._range_bytes = range_bytes
        self._supervisor = TaskSupervisor()
        self._ranges: deque[_Range] = deque()
        self._is_closed = False
        self._next = offset
        if body is not None:
            # A store that overlooks ranges answers with the whole object.
            end = offset + range_bytes if body.status == 206 else info.size
            self._add(min(end, info.size), body)

    @property
    def info(self) -> ObjectInfo:
        return self._info

    async def region(self) -> FileRegion | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        while not self._is_closed:
            self._read_ahead()
            if not self._ranges:
                break
            first = self._ranges[0]
            while chunk := await first.next_chunk():
                yield chunk
            if not self._is_closed:
                self._ranges.popleft()
        await self.close()

    async def close(self) -> None:
        self._is_closed = True
        self._ranges.clear()
        await self._supervisor.close()

    def go_on_under(self, store: ObjectStore) -> None:
        """See `ports.objects.PortableReader`: a download may last longer than a role session."""
        if not isinstance(store, OnS3):
            raise TypeError("the download was begun from another kind of store")
        self._s3 = store.bound_s3

    def _read_ahead(self) -> None:
        while self._next < self._info.size and len(self._ranges) < RANGES_AT_ONCE:
            self._add(min(self._next + self._range_bytes, self._info.size), None)

    def _add(self, end: int, body: OpenBody | None) -> None:
        added = _Range(self, self._next, end, body, most_waiting=self._range_bytes)
        self._ranges.append(added)
        self._supervisor.start(added.fetch(), name=f"bytes {self._next} to {end} of {self._info.place}")
        self._next = end

    async def reopen(self, offset: int, end: int) -> OpenBody:
        """The rest of a range, of the same version. Raises Unavailable when the key has another by now."""
        place = self._info.place
        body = await self._s3.open(get_range(place, offset, end, etag=self._info.etag))
        begin = answered_range(body.headers)
        if begin is None or begin[0] != offset:
            body.close()
            raise Unavailable(f"GetObject of {place}: bytes from {offset} were asked for, others were answered")
        return body


class _Range:
    """Bytes of the object that are fetched as fast as they come, and taken when they are wanted.

    Of a store that overlooks ranges it is all of the object; what waits is bounded all the same.
    """

    def __init__(self, reader: AwsReader, offset: int, end: int, body: OpenBody | None, *, most_waiting: int) -> None:
        self._reader = reader
        self._offset = offset
        self._end = end
        self._body = body
        self._most_waiting = most_waiting
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._has_changed = asyncio.Event()
        self._failure: FileError | None = None
        self._is_whole = False

    async def next_chunk(self) -> bytes:
        """Nothing at the range's end. Raises what it failed with, after all that came before."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._is_whole:
                return b""
            await self._change()
        chunk = self._chunks.popleft()
        self._waiting -= len(chunk)
        self._has_changed.set()
        return chunk

    async def fetch(self) -> None:
        try:
            await self._fetch()
            self._is_whole = True
        except FileError as error:
            self._failure = error
        except BaseException as error:
            # Whoever waits for bytes is not left waiting when the reader is closed.
            self._failure = Unavailable(f"GetObject of {self._reader.info.place}: broken off: {type(error).__name__}")
            raise
        finally:
            if self._body is not None:
                self._body.close()
            self._has_changed.set()

    async def _fetch(self) -> None:
        breaks = 0
        while self._offset < self._end:
            while self._waiting >= self._most_waiting:
                await self._change()
            chunk, failure = b"", None
            if self._body is None:
                self._body = await self._reader.reopen(self._offset, self._end)
            try:
                # A store that sends more than was asked for must not make the object longer.
                chunk = (await self._body.read())[: self._end - self._offset]
            except Unavailable as error:
                failure = error
            if chunk:
                breaks = 0
                self._offset += len(chunk)
                self._chunks.append(chunk)
                self._waiting += len(chunk)
                self._has_changed.set()
                continue
            # S3 breaks connections, and proxies do: another one gets the rest.
            self._body.close()
            self._body = None
            breaks += 1
            if breaks > MAX_BREAKS:
                place = self._reader.info.place
                raise failure or Unavailable(f"GetObject of {place}: ended {self._end - self._offset} bytes early")

    async def _change(self) -> None:
        self._has_changed.clear()
        await self._has_changed.wait()
