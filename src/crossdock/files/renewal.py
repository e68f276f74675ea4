"""A session's store, whose credentials are renewed before they expire, under the same session name.

There is no timer. Whoever uses the store after four fifths of the credentials' life renews them first; a session that
does nothing needs none. A transfer under way is not touched: it ends with the store it began with, unless its
multipart upload or its reader can go on under the new credentials (`PortableUpload`, `PortableReader`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from crossdock.core.errors import Denied
from crossdock.core.homes import ObjectPlace
from crossdock.ports.authority import AssumeRefused, RoleSession
from crossdock.ports.host import Clock
from crossdock.ports.objects import (
    Copied,
    FileRegion,
    Listing,
    MultipartUpload,
    ObjectInfo,
    ObjectReader,
    ObjectStore,
    OpenUpload,
    PortableReader,
    PortableUpload,
    StagedPut,
    can_go_on,
    can_stage,
)

RENEW_AFTER = 0.8
"""Part of the credentials' life."""

RETRY_AFTER = timedelta(seconds=30)
"""After a refused renewal, before it is tried again. The old credentials serve as long as they are good."""

Assume = Callable[[], Awaitable[RoleSession]]

Refused = Callable[[str], None]
"""Told why a renewal was refused, for the log."""


class RenewedStore:
    """An `ObjectStore` that is always the newest of its session."""

    def __init__(self, session: RoleSession, *, assume: Assume, clock: Clock, refused: Refused) -> None:
        self._assume = assume
        self._clock = clock
        self._refused = refused
        self._turn = asyncio.Lock()
        self._refusal = ""
        self._session = session
        self._renew_at = self._due(session)

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        return await (await self.current()).head(place)

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> ObjectReader:
        reader = await (await self.current()).read(place, offset=offset)
        return _RenewedReader(reader, self) if can_go_on(reader) else reader

    async def put(
        self, place: ObjectPlace, body: Sequence[bytes | bytearray | memoryview], metadata: Mapping[str, str]
    ) -> ObjectInfo:
        return await (await self.current()).put(place, body, metadata)

    async def start_multipart(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> MultipartUpload:
        store = await self.current()
        upload = await store.start_multipart(place, metadata, if_match=if_match, if_none_match=if_none_match)
        return _RenewedUpload(upload, self) if isinstance(upload, PortableUpload) else upload

    async def resume_multipart(self, begun: OpenUpload) -> MultipartUpload:
        upload = await (await self.current()).resume_multipart(begun)
        return _RenewedUpload(upload, self) if isinstance(upload, PortableUpload) else upload

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        return await (await self.current()).copy(source, target, if_none_match=if_none_match)

    async def delete(self, place: ObjectPlace, *, if_match: str | None = None) -> None:
        await (await self.current()).delete(place, if_match=if_match)

    async def list(
        self, bucket: str, prefix: str, *, delimiter: str = "/", token: str | None = None, limit: int = 1000
    ) -> Listing:
        return await (await self.current()).list(bucket, prefix, delimiter=delimiter, token=token, limit=limit)

    async def current(self) -> ObjectStore:
        """The store of the newest credentials. Raises Denied when they have expired and no new ones are to be had."""
        # While one task renews, the others go on with credentials that are still good.
        if self._clock.now() >= self._renew_at and (self._has_expired() or not self._turn.locked()):
            async with self._turn:
                if self._clock.now() >= self._renew_at:
                    await self._renew()
        if self._has_expired():
            raise Denied(f"the credentials have expired and could not be renewed: {self._refusal}")
        return self._session.store

    async def _renew(self) -> None:
        try:
            self._session = await self._assume()
        except AssumeRefused as error:
            self._refusal = str(error)
            self._refused(f"the credentials could not be renewed: {error}")
            self._renew_at = self._clock.now() + RETRY_AFTER
        else:
            self._renew_at = self._due(self._session)

    def _has_expired(self) -> bool:
        return self._clock.now() >= self._session.expires_at

    def _due(self, session: RoleSession) -> datetime:
        now = self._clock.now()
        return now + (session.expires_at - now) * RENEW_AFTER


class RenewedStagingStore(RenewedStore):
    """The same for a store that stages; `renewed` chooses."""

    async def stage(
        self,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
    ) -> StagedPut | None:
        store = await self.current()
        if not can_stage(store):
            raise TypeError("renewed credentials brought another kind of store")
        return await store.stage(place, metadata, if_match=if_match, if_none_match=if_none_match)


class _RenewedReader:
    """A reader that goes on asking under the newest credentials."""

    def __init__(self, reader: PortableReader, store: RenewedStore) -> None:
        self._reader = reader
        self._store = store

    @property
    def info(self) -> ObjectInfo:
        return self._reader.info

    async def region(self) -> FileRegion | None:
        return await self._reader.region()

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._reader.chunks():
            yield chunk
            self._reader.go_on_under(await self._store.current())

    async def close(self) -> None:
        await self._reader.close()


class _RenewedUpload:
    """A multipart upload whose every call goes under the newest credentials."""

    def __init__(self, upload: PortableUpload, store: RenewedStore) -> None:
        self._upload = upload
        self._store = store

    @property
    def upload_id(self) -> str:
        return self._upload.upload_id

    @property
    def parts(self) -> Mapping[int, int]:
        return self._upload.parts

    def forget_parts(self, above: int) -> None:
        self._upload.forget_parts(above)

    async def upload_part(self, number: int, body: Sequence[bytes | bytearray | memoryview]) -> None:
        await self._upload.under(await self._store.current()).upload_part(number, body)

    async def copy_part(self, number: int, source: ObjectInfo, *, offset: int, size: int) -> None:
        await self._upload.under(await self._store.current()).copy_part(number, source, offset=offset, size=size)

    async def complete(self) -> ObjectInfo:
        return await self._upload.under(await self._store.current()).complete()

    async def abort(self) -> None:
        await self._upload.under(await self._store.current()).abort()


def renewed(session: RoleSession, *, assume: Assume, clock: Clock, refused: Refused) -> RenewedStore:
    """The store of a session, with its credentials kept good by `assume`."""
    kind = RenewedStagingStore if can_stage(session.store) else RenewedStore
    return kind(session, assume=assume, clock=clock, refused=refused)
