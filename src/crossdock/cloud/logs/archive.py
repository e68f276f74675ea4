"""What the handlers stand on, and the few questions that several of them ask."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.cloud.logs.faults import no_such_stream
from crossdock.cloud.logs.finding import checked_text
from crossdock.cloud.logs.records import STREAMS, group_key
from crossdock.operations.call import Call
from crossdock.ports.logs import LogEvents, LogGroupId

STREAMS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """`default_days` is how long a group keeps events that has no retention of its own."""

    events: LogEvents
    default_days: int

    async def stored_bytes(self, group: LogGroupId) -> int:
        total, after = 0, ""
        while page := await self.events.streams(group, after=after, limit=STREAMS_AT_ONCE):
            total += sum(stream.stored_bytes for stream in page)
            after = page[-1].name
        return total

    async def has_stream(self, call: Call, group: LogGroupId, name: str) -> bool:
        checked_text(name)
        async with call.reading() as tx:
            if await STREAMS.get(tx, *group_key(group), name) is not None:
                return True
        # A name sorts before every longer one that begins with it.
        return any(stream.name == name for stream in await self.events.streams(group, prefix=name, limit=1))

    async def require_streams(self, call: Call, group: LogGroupId, names: Sequence[str]) -> None:
        """Raises ServiceError ResourceNotFoundException."""
        for name in names:
            if not await self.has_stream(call, group, name):
                raise no_such_stream()
