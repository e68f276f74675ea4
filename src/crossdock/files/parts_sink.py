"""The sink for a store behind a network: bytes gather in parts; a single put if one suffices, else a multipart upload.

What an upload holds is bounded: the parts on their way (`parts_in_flight.py`), the part being filled, and the first
part until it is known that it was not the last. A prefix is copied inside the store while the client sends, or read and
sent with the first part where it is too small to be a part itself.
"""

from collections.abc import Mapping
from functools import partial

from crossdock.core.errors import OutOfSpace
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BlockPool
from crossdock.files.part_plan import MAX_PARTS
from crossdock.files.parts import Part
from crossdock.files.parts_in_flight import PartsInFlight
from crossdock.files.prefix import CopySizes, Prefix, copied_runs, read_prefix
from crossdock.files.resuming import Interrupted, Resuming
from crossdock.files.upload import Chunk
from crossdock.ports.objects import ObjectInfo, ObjectStore


class PartsSink:
    """See `Sink`. Call `begin` first if there is a `prefix`; the object that it is of is then the only one replaced.

    Args:
        is_new: no object is replaced.
        resuming: where the upload can be left, to be gone on with.
        interrupted: what it goes on with; then there is no prefix.
    """

    def __init__(
        self,
        store: ObjectStore,
        place: ObjectPlace,
        metadata: Mapping[str, str],
        *,
        blocks: BlockPool,
        prefix: Prefix | None = None,
        is_new: bool = False,
        sizes: CopySizes | None = None,
        resuming: Resuming | None = None,
        interrupted: Interrupted | None = None,
    ) -> None:
        self._store = store
        self._place = place
        self._metadata = metadata
        self._blocks = blocks
        self._prefix = prefix
        self._resuming = resuming
        self._is_conditional = prefix is not None or is_new
        self._runs = copied_runs(prefix.size, sizes or CopySizes()) if prefix is not None else []
        self._before = interrupted.parts if interrupted is not None else len(self._runs)
        # The end of one that has a condition, or was tried before, may fail for ever.
        self._may_end_later = interrupted is None and not self._is_conditional
        self._is_ending = False
        self._part = Part(self._before + 1, blocks, begins_small=True)
        # The first part, full, while it may still turn out to be the only one.
        self._first: Part | None = None
        if_match = prefix.source.etag if prefix is not None else None
        self._size = interrupted.size if interrupted is not None else sum(size for _, size in self._runs)
        if resuming is None:
            start = partial(store.start_multipart, place, metadata, if_match=if_match, if_none_match=is_new)
        else:
            start = partial(resuming.begin, place, if_match=if_match, is_new=is_new)
        self._flight = PartsInFlight(place, start, upload=interrupted.upload if interrupted is not None else None)

    async def begin(self) -> None:
        """Put the prefix before all that will be written."""
        if self._prefix is None:
            return
        if self._runs:
            await self._flight.copy(self._prefix.source, self._runs)
        else:
            async for chunk in read_prefix(self._store, self._prefix):
                await self.write(chunk)

    async def write(self, chunk: Chunk) -> None:
        rest = memoryview(chunk)
        while rest:
            room = await self.reserve()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            self.advance(count)
            rest = rest[count:]

    async def reserve(self) -> memoryview:
        self._flight.require_sound()
        self._require_not_too_large()
        if self._part.size:
            await self._send_first()
        if self._part.is_full:
            await self._begin_part()
        if not self._blocks.has_room:
            # Whoever waits for a block lets go of the one that is only held back.
            await self._send_first()
        return await self._part.room()

    async def target(self) -> int | None:
        return None

    def advance(self, count: int) -> None:
        self._part.size += count
        self._size += count

    async def commit(self) -> ObjectInfo:
        self._require_not_too_large()
        self._is_ending = True
        if self._resuming is not None:
            # Another session's, which began there meanwhile: it must not be gone on with in place of this file.
            await self._resuming.drop(self._place, by=self._flight.upload_id)
        # No condition tells a put from its repetition, when the answer to the first was lost.
        is_one_put = not self._is_conditional and not self._flight.upload_id
        if is_one_put and (self._first is None or not self._part.size):
            only = self._first or self._part
            info = await self._store.put(self._place, only.body(), self._metadata)
        else:
            await self._send_first()
            if self._part.size or not self._flight.upload_id:
                await self._flight.send(self._part)
            info = await self._flight.complete()
        self._release()
        return info

    async def keep(self) -> int:
        """Of the last part that has anything nothing is kept, so that a client always has something to send."""
        if self._resuming is None or self._part.number == len(self._runs) + 1:
            return 0  # nothing new has been sent
        if self._is_ending and not self._may_end_later:
            return 0
        if self._part.size:
            await self._send_first()
        upload = await self._flight.leave()
        self._release()
        last = self._part.number if self._part.size else self._part.number - 1
        return 0 if upload is None else await self._resuming.leave(upload, max(last - 1, self._before))

    async def discard(self) -> None:
        # A store that does not answer is asked for minutes to let go of the upload.
        self._release()
        try:
            await self._flight.abort()
        finally:
            self._release()

    def _require_not_too_large(self) -> None:
        if self._size > self._blocks.plan.max_object_size:
            raise self._too_large()

    def _too_large(self) -> OutOfSpace:
        limit = self._blocks.plan.max_object_size
        return OutOfSpace(f"{self._place} would be larger than an object may be here, {limit} bytes")

    async def _send_first(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            await self._flight.send(first)

    async def _begin_part(self) -> None:
        """Put the full part aside, or on its way, and begin another."""
        full = self._part
        if full.number == MAX_PARTS:
            raise self._too_large()
        self._part = Part(full.number + 1, self._blocks)
        if full.number == 1:
            self._first = full
        else:
            await self._flight.send(full)

    def _release(self) -> None:
        for part in (self._first, self._part):
            if part is not None:
                part.release()
        self._first = None
