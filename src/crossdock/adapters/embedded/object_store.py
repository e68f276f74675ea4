"""The embedded S3 as one caller may use it, wherever the bytes of a bucket lie."""

from collections.abc import Mapping, Sequence

from crossdock.adapters.embedded.backed_objects import BackedObjects
from crossdock.adapters.embedded.local_objects import LocalObjects, named, write_condition
from crossdock.adapters.embedded.pieces import Piece
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.core.errors import CannotCopy
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import (
    Copied,
    Listing,
    MultipartUpload,
    ObjectInfo,
    ObjectReader,
    OpenUpload,
    StagedPut,
)


class EmbeddedObjectStore:
    """See `ports.objects.StagingObjectStore`. Only buckets whose bytes lie here are staged to."""

    def __init__(self, client: S3Client) -> None:
        self.client = client
        self._local = LocalObjects(client)

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        return await (await self._of(place.bucket)).head(place)

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> ObjectReader:
        return await (await self._of(place.bucket)).read(place, offset=offset)

    async def put(self, place: ObjectPlace, body: Sequence[Piece], metadata: Mapping[str, str]) -> ObjectInfo:
        return await (await self._of(place.bucket)).put(place, body, metadata)

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> MultipartUpload:
        objects = await self._of(place.bucket)
        return await objects.start_multipart(place, metadata, if_match=if_match, if_none_match=if_none_match)

    async def resume_multipart(self, begun: OpenUpload) -> MultipartUpload:
        return await (await self._of(begun.place.bucket)).resume_multipart(begun)

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        """Raises CannotCopy where the bytes would have to come through this computer, from one S3 to another."""
        origin, goal = await self._backed(source.bucket), await self._backed(target.bucket)
        if origin is not None and goal is not None:
            return await BackedObjects(self.client, goal).copy_from(origin, source, target, if_none_match=if_none_match)
        if origin is not None or goal is not None:
            raise CannotCopy(
                f"{source} is not copied or renamed to {target}: the bytes of one bucket lie here, those of the other "
                "in another S3"
            )
        return await self._local.copy(source, target, if_none_match=if_none_match)

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        await (await self._of(place.bucket)).delete(place, if_match=if_match)

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        return await (await self._of(bucket)).list(bucket, prefix, delimiter=delimiter, token=token, limit=limit)

    async def stage(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> StagedPut | None:
        if await self._backed(place.bucket) is not None:
            # The parts will be authorised too, but the first only when it is full.
            condition = write_condition(if_match, if_none_match=if_none_match)
            await self.client.authorise("PutObject", named(place, Metadata=metadata, **condition))
            return None
        return await self._local.stage(place, metadata, if_match=if_match, if_none_match=if_none_match)

    async def _of(self, name: str) -> LocalObjects | BackedObjects:
        bucket = await self._backed(name)
        return self._local if bucket is None else BackedObjects(self.client, bucket)

    async def _backed(self, name: str) -> Bucket | None:
        """None for a bucket whose bytes lie here, and for what is no bucket."""
        bucket = await self.client.storage.buckets.find(name)
        return None if bucket is None or bucket.backing is None else bucket
