"""Work on uploads: one after the other in each bucket, in all buckets at once. An S3 that hangs holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from crossdock.ports.state import Key

Work = Callable[[Key], Awaitable[bool]]


class BucketQueues:
    """Called again while a bucket is worked on, it hands its work to whoever does that, and does not wait for it."""

    def __init__(self) -> None:
        # Of the buckets that are worked on. In the order of coming, each once.
        self._queues: dict[str, dict[Key, None]] = {}

    async def work(self, items: Iterable[tuple[str, Key]], do: Work) -> int:
        """Do it with each key of a bucket, and tell how often it was done here. Raises what `do` has raised first.

        What came after that in the same bucket is left undone.
        """
        mine: list[str] = []
        for bucket, key in items:
            if bucket not in self._queues:
                self._queues[bucket] = {}
                mine.append(bucket)
            self._queues[bucket][key] = None
        counts = await asyncio.gather(*(self._drain(bucket, do) for bucket in mine), return_exceptions=True)
        done = 0
        for count in counts:
            if isinstance(count, BaseException):
                raise count
            done += count
        return done

    async def _drain(self, bucket: str, do: Work) -> int:
        queue, done = self._queues[bucket], 0
        try:
            while queue:
                key = next(iter(queue))
                del queue[key]
                done += await do(key)
        finally:
            del self._queues[bucket]
        return done
