"""A request's body on its way to disk: hashed and compared as it comes, never whole in memory, never half kept."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from crossdock.cloud.s3.checksums import DEFAULT_ALGORITHM, Algorithm, Claims, Digests, check_value
from crossdock.cloud.s3.content import open_bytes
from crossdock.cloud.s3.failures import entity_too_large
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import Unavailable
from crossdock.operations.streams import BodyStream
from crossdock.ports.storage import BlobReader, Segment, StagedBlob

MAX_PUT_BYTES = 5 << 30
"""Of one PutObject, UploadPart or copy. Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits"."""

BATCH_BYTES = 1 << 20
"""What is hashed and written at once, and the most that a small body holds in memory."""

INLINE_BYTES = 64 << 10
"""Less than this is hashed sooner than a thread is woken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A body that is durable but not yet part of anything: an index must refer to it, or it must be given up.

    Unless a segment was asked for, an empty body has none, and of a small one the bytes are the `content`. `checksums`
    are by algorithm name: what the client claimed, or what was asked for.
    """

    size: int
    segment: Segment | None
    content: bytes | None = field(default=None, repr=False)
    md5: bytes
    checksums: Mapping[str, str]

    @property
    def segments(self) -> tuple[Segment, ...]:
        return () if self.segment is None else (self.segment,)


async def receive(
    storage: Storage,
    body: BodyStream | None,
    claims: Claims,
    *,
    also: Algorithm | None = None,
    as_segment: bool = False,
    limit: int = MAX_PUT_BYTES,
) -> Received:
    """Take a body in.

    Args:
        claims: what the client says of it; a body that is another one is not kept.
        also: an algorithm to compute besides the claimed one.
        as_segment: whether an empty and a small body too shall have a segment, as parts do.
        limit: how many bytes are taken at most.

    Raises:
        ServiceError: BadDigest and its like, EntityTooLarge, or what the stream raises when it was cut or forged.
    """
    if body is not None and body.length > limit:
        raise entity_too_large(body.length, limit)
    return await _Reception(storage, claims, also=also, limit=limit).take(body, as_segment=as_segment)


class _Reception:
    def __init__(self, storage: Storage, claims: Claims, *, also: Algorithm | None, limit: int) -> None:
        self._storage = storage
        self._limit = limit
        self._claims = claims
        wanted = {a.name: a for a in (claims.algorithm or also or DEFAULT_ALGORITHM, also) if a is not None}
        self._digests = Digests(list(wanted.values()))
        self._size = 0
        # One buffer, not a list of pieces: a client may send them byte by byte.
        self._pending = bytearray()
        self._staged: StagedBlob | None = None

    async def take(self, body: BodyStream | None, *, as_segment: bool) -> Received:
        try:
            if body is not None:
                async for chunk in body:
                    await self._add(chunk)
            claims = self._claims.with_trailers({} if body is None else body.trailers)
            return await self._finish(claims, as_segment=as_segment)
        finally:
            if self._staged is not None:
                await self._staged.discard()

    async def _add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise entity_too_large(self._size, self._limit)
        if len(chunk) >= BATCH_BYTES and not self._pending:
            await self._write(chunk)
            return
        self._pending += chunk
        if len(self._pending) >= BATCH_BYTES:
            await self._write(self._take_pending())

    async def _write(self, batch: bytes) -> None:
        """Write and hash side by side."""
        if self._staged is None:
            self._staged = await self._storage.blobs.stage()
        hashing = _hash(self._storage.executor, self._digests, batch)
        try:
            await self._staged.write(batch)
        finally:
            await hashing

    async def _finish(self, claims: Claims, *, as_segment: bool) -> Received:
        if self._staged is not None and self._pending:
            await self._write(self._take_pending())
        content: bytes | None = None
        if self._staged is not None:
            self._check(claims)
            segment: Segment | None = await self._staged.seal()
        else:
            batch = self._take_pending()
            await _hash(self._storage.executor, self._digests, batch)
            self._check(claims)
            if as_segment or len(batch) > self._storage.indexed_bytes:
                segment = await self._storage.blobs.store([batch])
            else:
                segment, content = None, batch or None
        return await self._received(segment, content, claims)

    async def _received(self, segment: Segment | None, content: bytes | None, claims: Claims) -> Received:
        checksums = self._digests.texts()
        claimed, value = claims.algorithm, claims.value
        if claimed is not None and value is not None and not self._digests.has(claimed):
            # A trailer named an algorithm that no header had announced: the bytes have gone by, so read them again.
            checksums |= await self._checked_again(segment, content, claimed, value)
        return Received(size=self._size, segment=segment, content=content, md5=self._digests.md5, checksums=checksums)

    async def _checked_again(
        self, segment: Segment | None, content: bytes | None, algorithm: Algorithm, value: str
    ) -> Mapping[str, str]:
        segments = () if segment is None else (segment,)
        try:
            digests = Digests([algorithm])
            reader = await open_bytes(self._storage.blobs, segments, content)
            try:
                async for chunk in read_all(reader):
                    await _hash(self._storage.executor, digests, chunk)
            finally:
                reader.close()
            check_value(algorithm, value, digests.text(algorithm))
        except BaseException:
            self._storage.blobs.delete(segments)
            raise
        return digests.texts()

    def _check(self, claims: Claims) -> None:
        claims.check_md5(self._digests)
        if claims.algorithm is not None and claims.value is not None and self._digests.has(claims.algorithm):
            check_value(claims.algorithm, claims.value, self._digests.text(claims.algorithm))

    def _take_pending(self) -> bytes:
        batch = bytes(self._pending)
        self._pending.clear()
        return batch


async def read_all(reader: BlobReader, *, offset: int = 0, size: int | None = None) -> AsyncIterator[bytes]:
    """`size` bytes of an open blob, or all from `offset`, in pieces of at most 1 MiB.

    Raises:
        Unavailable: there are fewer.
    """
    end = reader.size if size is None else offset + size
    while offset < end:
        chunk = await reader.read(offset, min(BATCH_BYTES, end - offset))
        if not chunk:
            raise Unavailable(f"a blob ends {end - offset} bytes early")
        offset += len(chunk)
        yield chunk


def _hash(executor: Executor, digests: Digests, data: bytes) -> asyncio.Future[None]:
    """Hash in the pool what takes long, at once what does not. hashlib lets go of the interpreter lock meanwhile."""
    loop = asyncio.get_running_loop()
    if len(data) >= INLINE_BYTES:
        return loop.run_in_executor(executor, digests.update, data)
    digests.update(data)
    done: asyncio.Future[None] = loop.create_future()
    done.set_result(None)
    return done
