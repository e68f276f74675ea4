"""An object that is open for reading: always one version of it, whatever happens to its key meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from crossdock.cloud.s3.content import ContentReader, open_bytes
from crossdock.cloud.s3.ranges import ByteRange, overlapping
from crossdock.cloud.s3.receiving import read_all
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import NotFound
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import FileRegion, ObjectInfo
from crossdock.ports.storage import BlobReader, ObjectEntry


def object_info(bucket: str, key: str, entry: ObjectEntry) -> ObjectInfo:
    return ObjectInfo(
        place=ObjectPlace(bucket=bucket, key=key),
        size=entry.size,
        etag=entry.etag,
        modified_at=entry.modified_at,
        metadata=entry.metadata,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The wanted bytes of an object, open: they begin at `offset` of `blob`, which may hold more than them."""

    blob: BlobReader
    offset: int
    size: int


async def open_window(storage: Storage, entry: ObjectEntry, wanted: ByteRange | None) -> Window | None:
    """Open the bytes of a range, or all. None when the object was replaced since the index was read: read it again."""
    segments, offset = entry.segments, 0
    if wanted is not None:
        segments, offset = overlapping(segments, wanted) if entry.content is None else ((), wanted.offset)
    try:
        blob = await open_bytes(storage.blobs, segments, entry.content)
    except NotFound:
        return None
    return Window(blob=blob, offset=offset, size=entry.size if wanted is None else wanted.size)


class WindowReader:
    """See `ports.objects.ObjectReader`. Gives the bytes of a window, front to back, and ends with it."""

    def __init__(self, info: ObjectInfo, window: Window) -> None:
        self._info = info
        self._blob = window.blob
        self._position = window.offset
        self._end = window.offset + window.size

    @property
    def info(self) -> ObjectInfo:
        return self._info

    def skip(self, count: int) -> None:
        """Leave out the next bytes; at most all that are left."""
        self._position = min(self._position + count, self._end)

    def take_ready(self) -> bytes | None:
        if not isinstance(self._blob, ContentReader):
            return None
        data = self._blob.content[self._position : self._end]
        self._position = self._end
        return data

    async def region(self) -> FileRegion | None:
        if self._position >= self._end:
            return None
        region = await self._blob.region(self._position)
        if region is None:
            return None
        size = min(region.size, self._end - self._position)
        self._position += size
        return FileRegion(fd=region.fd, offset=region.offset, size=size)

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in read_all(self._blob, offset=self._position, size=self._end - self._position):
            self._position += len(chunk)
            yield chunk

    async def close(self) -> None:
        self._blob.close()
