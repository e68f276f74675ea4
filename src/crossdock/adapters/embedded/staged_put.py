"""An object on its way through the kernel into a staged file, or, when it is small, from memory in one go."""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.embedded.pieces import Piece
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.cloud.s3.reading import object_info
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import FileRegion, ObjectInfo
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
            staged = await self._stage()
            missing = size
            while missing:
                region = await reader.region()
                if region is None:
                    raise Unavailable(f"{source.place} ended {missing} bytes early")
                wanted = FileRegion(fd=region.fd, offset=region.offset, size=min(region.size, missing))
                await staged.append(wanted)
                missing -= wanted.size
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
