"""An object on its way through the kernel into a staged file."""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.embedded.pieces import Piece
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.cloud.s3.reading import object_info
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectInfo
from crossdock.ports.storage import StagedBlob


class EmbeddedStagedPut:
    """See `ports.objects.StagedPut`."""

    def __init__(self, client: S3Client, place: ObjectPlace, params: Mapping[str, Any], staged: StagedBlob) -> None:
        self._client = client
        self._place = place
        self._params = params
        self._staged = staged

    def fileno(self) -> int:
        return self._staged.fileno()

    def advance(self, count: int) -> None:
        self._staged.advance(count)

    async def write(self, chunk: Piece) -> None:
        await self._staged.write(chunk)

    async def commit(self) -> ObjectInfo:
        entry = await self._client.commit(self._params, self._staged)
        return object_info(self._place.bucket, self._place.key, entry)

    async def discard(self) -> None:
        await self._staged.discard()
