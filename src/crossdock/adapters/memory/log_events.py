"""Log events that are forgotten with the process."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from crossdock.adapters.host.log_rows import storable
from crossdock.ports.logs import LogEvent, LogGroupId, LogStream, counted_bytes


class MemoryLogEvents:
    """See `ports.logs.LogEvents`."""

    def __init__(self) -> None:
        self._sequences = count(1)
        self._events: list[tuple[LogGroupId, LogEvent]] = []
        self._created_ms: dict[tuple[LogGroupId, str], int] = {}

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None:
        await asyncio.sleep(0)
        for event in events:
            kept = replace(event, message=storable(event.message), sequence=next(self._sequences))
            self._events.append((group, kept))
            self._created_ms.setdefault((group, event.stream), event.ingested_ms)

    async def read(
        self,
        group: LogGroupId,
        *,
        streams: Sequence[str] = (),
        start_ms: int = 0,
        end_ms: int | None = None,
        after: int = 0,
        limit: int = 10_000,
        newest_first: bool = False,
    ) -> list[LogEvent]:
        await asyncio.sleep(0)
        found = [
            event
            for owner, event in self._events
            if owner == group
            and (not streams or event.stream in streams)
            and start_ms <= event.timestamp_ms
            and (end_ms is None or event.timestamp_ms < end_ms)
            and (not after or (event.sequence < after if newest_first else event.sequence > after))
        ]
        return found[::-1][:limit] if newest_first else found[:limit]

    async def streams(
        self, group: LogGroupId, *, prefix: str = "", after: str = "", limit: int = 50
    ) -> list[LogStream]:
        await asyncio.sleep(0)
        held: dict[str, list[LogEvent]] = {}
        for owner, event in self._events:
            if owner == group and event.stream.startswith(prefix) and event.stream > after:
                held.setdefault(event.stream, []).append(event)
        return [self._stream(group, name, held[name]) for name in sorted(held)[:limit]]

    async def delete(self, group: LogGroupId, *, stream: str | None = None) -> None:
        await asyncio.sleep(0)
        self._keep(pair for pair in self._events if pair[0] != group or stream not in (None, pair[1].stream))

    async def trim(self, *, older_than_ms: Mapping[LogGroupId, int], max_bytes: int) -> int:
        await asyncio.sleep(0)
        before = len(self._events)
        kept = [pair for pair in self._events if pair[1].timestamp_ms >= older_than_ms.get(pair[0], 0)]
        sizes: Counter[LogGroupId] = Counter()
        for group, event in kept:
            sizes[group] += counted_bytes(event.message)
        while sizes.total() > max_bytes:
            largest = max(sizes, key=sizes.__getitem__)
            first = next(pair for pair in kept if pair[0] == largest)
            sizes[largest] -= counted_bytes(first[1].message)
            kept.remove(first)
        self._keep(kept)
        return before - len(self._events)

    def _keep(self, pairs: Iterable[tuple[LogGroupId, LogEvent]]) -> None:
        self._events = list(pairs)
        left = {(group, event.stream) for group, event in self._events}
        self._created_ms = {name: created for name, created in self._created_ms.items() if name in left}

    def _stream(self, group: LogGroupId, name: str, events: Sequence[LogEvent]) -> LogStream:
        return LogStream(
            name=name,
            created_ms=self._created_ms[group, name],
            first_event_ms=min(event.timestamp_ms for event in events),
            last_event_ms=max(event.timestamp_ms for event in events),
            last_ingested_ms=max(event.ingested_ms for event in events),
            stored_bytes=sum(counted_bytes(event.message) for event in events),
        )
