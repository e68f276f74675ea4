"""An S3 storage on memory in which a test may act just before any step, and that counts what is left open.

    steps.before("objects.put", act)               # once, the next time that step is reached
    steps.fail("blobs.write", OutOfSpace("full"))

Steps are `blobs.` stage, write, append, seal, store, open, read; `objects.` get, put, link, delete, scan; `uploads.`
get, start, put_part, parts, complete, abort.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from crossdock.adapters.memory.blobs import MemoryBlobReader, MemoryBlobs, MemoryStagedBlob
from crossdock.adapters.memory.object_index import MemoryObjectIndex, MemoryObjects, MemoryUploadIndex
from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import Buffer, Segment

Act = Callable[[], Awaitable[Any]]


class Steps:
    """What a test does between the steps of an operation, each act once and in the order they were given."""

    def __init__(self) -> None:
        self._acts: dict[str, list[Act]] = defaultdict(list)

    def before(self, step: str, act: Act) -> None:
        self._acts[step].append(act)

    def fail(self, step: str, error: BaseException) -> None:
        async def act() -> None:
            raise error

        self.before(step, act)

    async def reach(self, step: str) -> None:
        if self._acts[step]:
            await self._acts[step].pop(0)()

    @property
    def all_reached(self) -> bool:
        return not any(self._acts.values())


class WatchedBlobs:
    """See `ports.storage.Blobs`. `being_staged` and `being_read` are what was not given back yet."""

    def __init__(self, steps: Steps) -> None:
        self._blobs = MemoryBlobs()
        self.steps = steps
        self.being_staged: set[object] = set()
        self.being_read: set[object] = set()
        self.largest_write = 0

    @property
    def blob_ids(self) -> frozenset[str]:
        return self._blobs.blob_ids

    async def stage(self) -> "WatchedStagedBlob":
        await self.steps.reach("blobs.stage")
        staged = WatchedStagedBlob(self, await self._blobs.stage())
        self.being_staged.add(staged)
        return staged

    async def store(self, body: Sequence[Buffer]) -> Segment:
        await self.steps.reach("blobs.store")
        staged = await self.stage()
        try:
            for chunk in body:
                await staged.write(chunk)
            return await staged.seal()
        finally:
            await staged.discard()

    async def open(self, segments: Sequence[Segment]) -> "WatchedReader":
        await self.steps.reach("blobs.open")
        reader = WatchedReader(self, await self._blobs.open(segments))
        self.being_read.add(reader)
        return reader

    def delete(self, segments: Sequence[Segment]) -> None:
        self._blobs.delete(segments)

    def forget(self, blob_id: str) -> None:
        """What the next sweep would do with it."""
        self._blobs.delete([Segment(blob_id=blob_id, size=0)])

    async def sweep(self, in_use: Any) -> int:
        return await self._blobs.sweep(in_use)


class WatchedStagedBlob:
    """See `ports.storage.StagedBlob`."""

    def __init__(self, blobs: WatchedBlobs, staged: MemoryStagedBlob) -> None:
        self._blobs = blobs
        self._staged = staged

    @property
    def size(self) -> int:
        return self._staged.size

    def fileno(self) -> int:
        return self._staged.fileno()

    def advance(self, count: int) -> None:
        self._staged.advance(count)

    async def write(self, chunk: Buffer) -> None:
        await self._blobs.steps.reach("blobs.write")
        self._blobs.largest_write = max(self._blobs.largest_write, memoryview(chunk).nbytes)
        await self._staged.write(chunk)

    async def append(self, source: FileRegion) -> None:
        await self._blobs.steps.reach("blobs.append")
        await self._staged.append(source)

    async def seal(self) -> Segment:
        await self._blobs.steps.reach("blobs.seal")
        segment = await self._staged.seal()
        self._blobs.being_staged.discard(self)
        return segment

    async def discard(self) -> None:
        await self._staged.discard()
        self._blobs.being_staged.discard(self)


class WatchedReader:
    """See `ports.storage.BlobReader`."""

    def __init__(self, blobs: WatchedBlobs, reader: MemoryBlobReader) -> None:
        self._blobs = blobs
        self._reader = reader

    @property
    def size(self) -> int:
        return self._reader.size

    async def region(self, offset: int) -> FileRegion | None:
        return await self._reader.region(offset)

    async def read(self, offset: int, size: int) -> bytes:
        await self._blobs.steps.reach("blobs.read")
        return await self._reader.read(offset, size)

    def close(self) -> None:
        self._reader.close()
        self._blobs.being_read.discard(self)


class SteppedObjects(MemoryObjectIndex):
    """See `ports.storage.ObjectIndex`."""

    def __init__(self, objects: MemoryObjects, steps: Steps) -> None:
        super().__init__(objects)
        self._steps = steps

    async def get(self, bucket_id: str, key: str) -> Any:
        await self._steps.reach("objects.get")
        return await super().get(bucket_id, key)

    async def put(self, bucket_id: str, key: str, entry: Any, **conditions: Any) -> tuple[Segment, ...]:
        await self._steps.reach("objects.put")
        return await super().put(bucket_id, key, entry, **conditions)

    async def link(self, bucket_id: str, key: str, entry: Any, **source: Any) -> tuple[Segment, ...]:
        await self._steps.reach("objects.link")
        return await super().link(bucket_id, key, entry, **source)

    async def delete(self, bucket_id: str, key: str, **condition: Any) -> tuple[Segment, ...]:
        await self._steps.reach("objects.delete")
        return await super().delete(bucket_id, key, **condition)

    async def scan(self, bucket_id: str, **params: Any) -> Any:
        await self._steps.reach("objects.scan")
        return await super().scan(bucket_id, **params)


class SteppedUploads(MemoryUploadIndex):
    """See `ports.storage.UploadIndex`."""

    def __init__(self, objects: MemoryObjects, steps: Steps) -> None:
        super().__init__(objects)
        self._steps = steps

    async def start(self, upload: Any) -> None:
        await self._steps.reach("uploads.start")
        await super().start(upload)

    async def get(self, upload_id: str) -> Any:
        await self._steps.reach("uploads.get")
        return await super().get(upload_id)

    async def put_part(self, upload_id: str, part: Any) -> tuple[Segment, ...]:
        await self._steps.reach("uploads.put_part")
        return await super().put_part(upload_id, part)

    async def parts(self, upload_id: str, **params: Any) -> Any:
        await self._steps.reach("uploads.parts")
        return await super().parts(upload_id, **params)

    async def complete(self, upload_id: str, entry: Any, **conditions: Any) -> tuple[Segment, ...]:
        await self._steps.reach("uploads.complete")
        return await super().complete(upload_id, entry, **conditions)

    async def abort(self, upload_id: str) -> tuple[Segment, ...]:
        await self._steps.reach("uploads.abort")
        return await super().abort(upload_id)
