"""The objects of a bucket that is backed by another S3's, as one caller may use them.

Our policies decide about our names, with the very questions that the embedded S3 asks of each operation; only then the
other S3 is called, with the backing's credentials and its own names. Nothing of what it answers is kept.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote

from crossdock.adapters.embedded.backed_transfers import BackedReader, BackedUpload
from crossdock.adapters.embedded.backing_names import BackingNames
from crossdock.adapters.embedded.file_errors import file_errors
from crossdock.adapters.embedded.local_objects import named, write_condition
from crossdock.adapters.embedded.pieces import Piece
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.permissions import presence_permission
from crossdock.core.errors import CannotCopy, FileError, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.call import Call
from crossdock.ports.objects import Copied, Listing, ObjectInfo, ObjectStore, OpenUpload, PortableUpload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BackedObjects:
    """See `ports.objects.ObjectStore`; of one bucket. `bucket` has a backing."""

    client: S3Client
    bucket: Bucket

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        call = await self.authorise("HeadObject", named(place))
        try:
            return self.names.info_here(await self.ask(lambda store: store.head(self.names.there(place))))
        except NotFound as error:
            raise await self._missing(call, place) from error

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> BackedReader:
        call = await self.authorise("GetObject", named(place))
        try:
            reader = await self.ask(lambda store: store.read(self.names.there(place), offset=offset))
        except NotFound as error:
            raise await self._missing(call, place) from error
        return BackedReader(reader, info=self.names.info_here(reader.info), other=self)

    async def put(self, place: ObjectPlace, body: Sequence[Piece], metadata: Mapping[str, str]) -> ObjectInfo:
        await self.authorise("PutObject", named(place, Metadata=metadata))
        return self.names.info_here(await self.ask(lambda store: store.put(self.names.there(place), body, metadata)))

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> BackedUpload:
        await self.authorise("CreateMultipartUpload", named(place, Metadata=metadata))
        upload = await self.ask(
            lambda store: store.start_multipart(
                self.names.there(place), metadata, if_match=if_match, if_none_match=if_none_match
            )
        )
        if not isinstance(upload, PortableUpload):
            raise TypeError(f"a {type(upload).__name__} cannot go on under other credentials")
        return BackedUpload(self, place, upload, write_condition(if_match, if_none_match=if_none_match))

    async def resume_multipart(self, begun: OpenUpload) -> BackedUpload:
        await self.authorise("ListParts", named(begun.place, UploadId=begun.upload_id))
        there = replace(begun, place=self.names.there(begun.place))
        upload = await self.ask(lambda store: store.resume_multipart(there))
        if not isinstance(upload, PortableUpload):
            raise TypeError(f"a {type(upload).__name__} cannot go on under other credentials")
        condition = write_condition(begun.if_match, if_none_match=begun.if_none_match)
        return BackedUpload(self, begun.place, upload, condition)

    async def copy_from(
        self, origin: Bucket, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool
    ) -> Copied:
        """A copy to this bucket, made by the other S3."""
        there = self.at(origin)
        condition = write_condition(None, if_none_match=if_none_match)
        asked = named(target, CopySource=quote(f"{source.bucket}/{source.key}"), **condition)
        call = await self.authorise("CopyObject", asked)
        try:
            copied = await self.ask(
                lambda store: store.copy(
                    there.names.there(source), self.names.there(target), if_none_match=if_none_match
                )
            )
        except NotFound as error:
            raise await there._missing(call, source) from error
        return Copied(source=there.names.info_here(copied.source), target=self.names.info_here(copied.target))

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        await self.authorise("DeleteObject", named(place, **write_condition(if_match)))
        await self.ask(lambda store: store.delete(self.names.there(place), if_match=if_match))

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": limit}
        if delimiter:
            params["Delimiter"] = delimiter
        await self.authorise("ListObjectsV2", params)
        backing = self.names.backing
        page = await self.ask(
            lambda store: store.list(
                backing.bucket, backing.prefix_of(prefix), delimiter=delimiter, token=token, limit=limit
            )
        )
        return Listing(
            # An S3 that shows directories has one for the prefix itself, whose name here is empty: no key.
            objects=tuple(self.names.info_here(info) for info in page.objects if info.place.key != backing.prefix),
            prefixes=tuple(self.names.key_here(rolled) for rolled in page.prefixes),
            next_token=page.next_token,
        )

    @property
    def names(self) -> BackingNames:
        return BackingNames(self.bucket)

    async def authorise(self, operation: str, params: Mapping[str, Any]) -> Call:
        """Raises Denied; Unavailable when the bucket that was decided about is by now another, or backed otherwise."""
        call = await self.client.authorise(operation, params)
        if await self.client.storage.buckets.find(self.bucket.name) != self.bucket:
            raise Unavailable(f"the bucket {self.bucket.name} was attached elsewhere meanwhile")
        return call

    async def ask(self, act: Callable[[ObjectStore], Awaitable[T]]) -> T:
        """Let the other S3 do something, and tell its errors as those of the bucket."""
        try:
            store = await self.client.storage.foreign.store_of(self.names.backing)
        except Unavailable as error:
            _tell_operator(self, error)
            raise
        with self.telling():
            return await act(store)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """In the block, errors of the other S3 are told as those of the bucket."""
        try:
            yield
        except FileError as error:
            kind = self.client.storage.foreign.kind_of(error)
            # What has no cause, or another such error, is about an object: that it changed while it was read, say.
            if kind is not Unavailable:
                self.client.storage.outages.worked(self.bucket.name)
            elif not isinstance(error.__cause__, FileError | None):
                _tell_operator(self, error)
            raise kind(f"behind the bucket {self.bucket.name}: {error}") from error
        self.client.storage.outages.worked(self.bucket.name)

    def with_client(self, client: S3Client) -> "BackedObjects":
        """The same bucket for another caller."""
        return BackedObjects(client, self.bucket)

    def at(self, bucket: Bucket) -> "BackedObjects":
        """Another bucket for the same caller. Raises CannotCopy where the S3 cannot copy from that one to this."""
        if bucket.backing is None or not bucket.backing.is_beside(self.names.backing):
            raise CannotCopy(
                f"the bytes of the buckets {bucket.name} and {self.bucket.name} lie in different S3s, or under "
                "different credentials: nothing is copied or renamed from one to the other"
            )
        return BackedObjects(self.client, bucket)

    async def _missing(self, call: Call, place: ObjectPlace) -> NotFound:
        """What to say of a key that has no object. Raises Denied for who may not list the bucket, as S3 answers."""
        with file_errors():
            await call.demand(presence_permission(self.bucket))
        return NotFound(f"there is no object s3://{place.bucket}/{place.key}")


def _tell_operator(objects: BackedObjects, error: FileError) -> None:
    """In the service's log: those of the sessions are their users'."""
    name = objects.bucket.name
    objects.client.storage.outages.failed(name, bucket=name, behind=objects.names.backing.where, reason=str(error))
