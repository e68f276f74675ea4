"""Log events on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """`timestamp_ms` and `ingested_ms` count from 1970. `sequence` orders events of one group, given by the store."""

    stream: str
    timestamp_ms: int
    message: str
    ingested_ms: int = 0
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupId:
    account_id: str
    region: str
    name: str


EVENT_OVERHEAD_BYTES = 26
"""What CloudWatch Logs counts for an event besides its message (API Reference, PutLogEvents, "batch size")."""


def counted_bytes(message: str) -> int:
    """Of an event, as CloudWatch Logs counts it; lone surrogates, which are no text, count as question marks."""
    return len(message.encode("utf-8", "replace")) + EVENT_OVERHEAD_BYTES


class LogLines(Protocol):
    def write(self, group: LogGroupId, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Note events, each with its time in milliseconds since 1970. Never blocks, never fails."""


class LogSink(Protocol):
    """Where a `LogWriter` writes."""

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None:
        """Keep events, in their order. Raises FileError when they cannot be kept now: they will come again."""


class LogEvents(Protocol):
    """Log events on disk, group by group, with a size cap over all."""

    async def append(self, group: LogGroupId, events: Sequence[LogEvent]) -> None: ...

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
        """Events of the streams (none = all) with start <= timestamp < end, in order of arrival.

        `after` is the sequence number where the last page ended, in the direction of reading; 0 is the beginning.
        """

    async def streams(
        self, group: LogGroupId, *, prefix: str = "", after: str = "", limit: int = 50
    ) -> list["LogStream"]:
        """Streams by name, from their first event on until the last is forgotten."""

    async def delete(self, group: LogGroupId, *, stream: str | None = None) -> None:
        """Forget the events of a group, or of one of its streams."""

    async def trim(self, *, older_than_ms: Mapping[LogGroupId, int], max_bytes: int) -> int:
        """Forget events with a timestamp below their group's limit, and what is beyond the cap on the sum of
        `stored_bytes`: each time the first to arrive in the group that holds most, so that no group, which one client
        may fill, pushes out what others hold. Returns how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStream:
    """`stored_bytes` is the sum of its events' `counted_bytes`."""

    name: str
    created_ms: int
    first_event_ms: int
    last_event_ms: int
    last_ingested_ms: int
    stored_bytes: int
