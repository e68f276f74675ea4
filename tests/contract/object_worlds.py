"""A bucket and its owner in each kind of store, and ways to look at what a store gives."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tests.contract.object_stores import ObjectStores

from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import Listing, ObjectReader, ObjectStore

MIB = 1 << 20
PART = 5 * MIB
AGENT = {"user-agent": "AWSTransfer", "user-agent-id": "user1@s-0123456789abcdef0"}


@dataclass(frozen=True, slots=True)
class World:
    """A bucket, and somebody who may do everything in it."""

    stores: ObjectStores
    bucket: str
    store: ObjectStore
    longest_key: int = 1024

    def at(self, key: str) -> ObjectPlace:
        return ObjectPlace(bucket=self.bucket, key=key)

    async def store_with(self, *actions: str) -> ObjectStore:
        return (await self.stores.caller(self.bucket, actions=actions)).store

    async def put(self, key: str, content: bytes = b"") -> None:
        await self.store.put(self.at(key), [content], {})


async def content_of(reader: ObjectReader) -> bytes:
    """All that a reader gives, regions first, as an edge takes it."""
    parts: list[bytes] = []
    try:
        while (region := await reader.region()) is not None:
            assert region.size > 0
            parts.append(os.pread(region.fd, region.size, region.offset))
            assert len(parts[-1]) == region.size
        parts.extend([chunk async for chunk in reader.chunks()])
    finally:
        await reader.close()
    return b"".join(parts)


async def read(store: ObjectStore, place: ObjectPlace, offset: int = 0) -> bytes:
    return await content_of(await store.read(place, offset=offset))


async def all_pages(store: ObjectStore, bucket: str, prefix: str, delimiter: str, limit: int) -> list[Listing]:
    pages = [await store.list(bucket, prefix, delimiter=delimiter, limit=limit)]
    while (token := pages[-1].next_token) is not None:
        pages.append(await store.list(bucket, prefix, delimiter=delimiter, token=token, limit=limit))
    return pages


def keys_of(pages: Sequence[Listing]) -> list[str]:
    return [info.place.key for page in pages for info in page.objects]
