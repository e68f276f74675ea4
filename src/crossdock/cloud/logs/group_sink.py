"""Events of log groups on this computer's disk, each group made when its first event comes."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.cloud.logs.moments import milliseconds
from crossdock.cloud.logs.records import GROUPS, LogGroupRecord, group_key
from crossdock.ports.host import Clock
from crossdock.ports.logs import LogEvent, LogEvents, LogGroupId
from crossdock.ports.state import State, VersionConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSink:
    """See `ports.logs.LogSink`."""

    events: LogEvents
    state: State
    clock: Clock

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None:
        await self._ensure(group)
        await self.events.append(group, events)

    async def _ensure(self, group: LogGroupId) -> None:
        async with self.state.reading() as tx:
            if await GROUPS.get(tx, *group_key(group)) is not None:
                return
        record = LogGroupRecord(
            account_id=group.account_id,
            region=group.region,
            name=group.name,
            created_ms=milliseconds(self.clock.now()),
        )
        try:
            async with self.state.transaction() as tx:
                await GROUPS.put(tx, record, *group_key(group), is_new=True)
        except VersionConflict:
            return
