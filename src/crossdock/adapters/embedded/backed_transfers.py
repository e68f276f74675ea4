"""Downloads and uploads of a bucket that is backed by another S3's, while they are under way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from crossdock.adapters.embedded.backing_names import BackingNames
from crossdock.adapters.embedded.local_objects import named
from crossdock.adapters.embedded.pieces import Piece
from crossdock.adapters.embedded.s3_client import OnClient, S3Client
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.etags import quoted
from crossdock.core.errors import NotFound
from crossdock.core.homes import ObjectPlace
from crossdock.operations.call import Call
from crossdock.ports.objects import (
    FileRegion,
    MultipartUpload,
    ObjectInfo,
    ObjectReader,
    ObjectStore,
    PortableUpload,
)

T = TypeVar("T")

SURE_BYTES, SURE_S = 2 << 20, 1.0
"""Of a download, before its credentials are looked after again: less than is asked for at once, and than a client may
pause for without being asked for more."""


class OtherS3(Protocol):
    """The bucket at the other S3: `backed_objects.BackedObjects`."""

    @property
    def client(self) -> S3Client: ...

    @property
    def bucket(self) -> Bucket: ...

    async def authorise(self, operation: str, params: Mapping[str, Any]) -> Call:
        """Raises Denied; Unavailable when the bucket is by now another, or backed otherwise."""

    async def ask(self, act: Callable[[ObjectStore], Awaitable[T]]) -> T:
        """Let it do something, with the backing's credentials of this moment; errors are told as the bucket's."""

    def telling(self) -> AbstractContextManager[None]:
        """In the block, its errors are told as the bucket's."""

    def with_client(self, client: S3Client) -> "OtherS3":
        """The same for another caller."""

    def at(self, bucket: Bucket) -> "OtherS3":
        """Another bucket for the same caller. Raises CannotCopy where the S3 cannot copy from that one."""

    @property
    def names(self) -> BackingNames: ...


class BackedReader:
    """See `ports.objects.ObjectReader`. It has been authorised as any download is: when it was opened."""

    def __init__(self, reader: ObjectReader, *, info: ObjectInfo, other: OtherS3) -> None:
        self._reader = reader
        self._info = info
        self._other = other
        # The credentials have just been looked after.
        self._sure_until = asyncio.get_running_loop().time() + SURE_S

    @property
    def info(self) -> ObjectInfo:
        return self._info

    async def region(self) -> FileRegion | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        chunks, sure, until = aiter(self._reader.chunks()), SURE_BYTES, self._sure_until
        loop = asyncio.get_running_loop()
        while True:
            if sure > 0 and loop.time() < until:
                with self._other.telling():
                    chunk = await anext(chunks, b"")
            else:
                # What is fetched ahead is asked for with the backing's credentials, which may have changed.
                sure, until = SURE_BYTES, loop.time() + SURE_S
                chunk = await self._other.ask(lambda _: anext(chunks, b""))
            if not chunk:
                return
            sure -= len(chunk)
            yield chunk

    async def close(self) -> None:
        await self._reader.close()


@dataclass(frozen=True, slots=True)
class BackedUpload:
    """See `ports.objects.PortableUpload`. Each call is authorised as it would be if the parts came to us."""

    _other: OtherS3
    _place: ObjectPlace
    _upload: PortableUpload
    _condition: Mapping[str, str]

    @property
    def upload_id(self) -> str:
        """As the other S3 has it."""
        return self._upload.upload_id

    @property
    def parts(self) -> Mapping[int, int]:
        return self._upload.parts

    def forget_parts(self, above: int) -> None:
        self._upload.forget_parts(above)

    async def upload_part(self, number: int, body: Sequence[Piece]) -> None:
        await self._authorise("UploadPart", PartNumber=number)
        await self._ask(lambda upload: upload.upload_part(number, body))

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        bucket = await self._other.client.storage.buckets.find(source.place.bucket)
        if bucket is None:
            raise NotFound(f"there is no bucket {source.place.bucket}")
        there = self._other.at(bucket).names.info_there(source)
        await self._authorise(
            "UploadPartCopy",
            PartNumber=number,
            CopySource=quote(f"{source.place.bucket}/{source.place.key}"),
            CopySourceIfMatch=quoted(source.etag),
        )
        await self._ask(lambda upload: upload.copy_part(number, there, offset=offset, size=size))

    async def complete(self) -> ObjectInfo:
        await self._authorise("CompleteMultipartUpload", **self._condition)
        written = await self._ask(lambda upload: upload.complete())
        return replace(written, place=self._place)

    async def abort(self) -> None:
        # A bucket that was detached meanwhile has no policy any more, and nobody else would clear up behind it.
        with suppress(NotFound):
            await self._other.client.authorise("AbortMultipartUpload", self._params())
        await self._ask(lambda upload: upload.abort())

    def under(self, store: ObjectStore) -> MultipartUpload:
        if not isinstance(store, OnClient):
            raise TypeError("the upload was begun in another kind of store")
        return replace(self, _other=self._other.with_client(store.client))

    async def _authorise(self, operation: str, **further: Any) -> None:
        await self._other.authorise(operation, self._params(**further))

    async def _ask(self, act: Callable[[MultipartUpload], Awaitable[T]]) -> T:
        return await self._other.ask(lambda store: act(self._upload.under(store)))

    def _params(self, **further: Any) -> Mapping[str, Any]:
        return named(self._place, UploadId="of the other S3", **further)
