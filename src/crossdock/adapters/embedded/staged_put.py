"""An object on its way through the kernel into a staged file, or, when it is small, from memory in one go."""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.embedded.pieces import Piece
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.cloud.s3.reading import object_info
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import FileRegion, ObjectInfo, ObjectReader
from crossdock.ports.storage import StagedBlob


class EmbeddedStagedPut:
    """See `ports.objects.StagedPut`."""

    def __init__(self, client: S3Client, place: ObjectPlace, params: Mapping[str, Any]) -> None:
        self._client = client
        self._place = place
        self._params = params
        self._staged: StagedBlob | None = None

    async def target(self) -> int:
        return (await self._stage()).fileno()

    def advance(self, count: int) -> None:
        if self._staged is None:
            raise RuntimeError("there is no target to which bytes could have gone")
        self._staged.advance(count)

    async def write(self, chunk: Piece) -> None:
        await (await self._stage()).write(chunk)

    async def begin_with(self, source: ObjectInfo, size: int) -> None:
        reader = await self._client.read(source.place, if_match=source.etag)
        try:
            missing = await _append(await self._stage(), reader, size)
            if missing:
                raise Unavailable(f"{source.place} ended {missing} bytes early")
        finally:
            await reader.close()

    async def commit(self, rest: Piece = b"") -> ObjectInfo:
        entry = await self._client.commit(self._params, self._staged, rest)
        return object_info(self._place.bucket, self._place.key, entry)

    async def discard(self) -> None:
        if self._staged is not None:
            await self._staged.discard()

    async def _stage(self) -> StagedBlob:
        if self._staged is None:
            self._staged = await self._client.stage()
        return self._staged


async def _append(staged: StagedBlob, reader: ObjectReader, size: int) -> int:
    """Append the first `size` bytes of an object; returns how many of them it has not."""
    while size and (region := await reader.region()) is not None:
        wanted = FileRegion(fd=region.fd, offset=region.offset, size=min(region.size, size))
        await staged.append(wanted)
        size -= wanted.size
    if size:
        async for chunk in reader.chunks():
            wanted_bytes = chunk[:size]
            await staged.write(wanted_bytes)
            size -= len(wanted_bytes)
            if not size:
                break
    return size
