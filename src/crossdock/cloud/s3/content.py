"""Opening an object's bytes, whether they are blobs or lie in the index."""

from collections.abc import Sequence

from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import BlobReader, Blobs, Segment


async def open_bytes(blobs: Blobs, segments: Sequence[Segment], content: bytes | None) -> BlobReader:
    """Open what an entry refers to. Raises NotFound when one of its segments was deleted before."""
    return await blobs.open(segments) if content is None else ContentReader(content)


class ContentReader:
    """See `ports.storage.BlobReader`. Of bytes that were read with their entry: there is no file behind them."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def size(self) -> int:
        return len(self.content)

    async def region(self, offset: int) -> FileRegion | None:
        return None

    async def read(self, offset: int, size: int) -> bytes:
        return self.content[offset : offset + size]

    def close(self) -> None:
        """Nothing was opened."""
