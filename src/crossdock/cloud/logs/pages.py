"""One page of events: not more than was asked for, than 1 MB, or than it is decent to look through at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crossdock.cloud.logs.faults import invalid_token
from crossdock.ports.logs import LogEvent, LogEvents, LogGroupId

MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1 << 20
MAX_SEARCHED_EVENTS = 20_000
MAX_SEARCHED_BYTES = 16 << 20
FIRST_CHUNK = 64
MIN_CHUNK = 16
MAX_CHUNK = 1000
FOREVER_MS = (1 << 63) - 1
MAX_SEQUENCE_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which events are looked at: `start_ms` <= time < `end_ms`; no streams means all of them."""

    group: LogGroupId
    streams: Sequence[str] = ()
    start_ms: int = 0
    end_ms: int = FOREVER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`events` in the order of reading. `last` is where the next page goes on; `is_end` when nothing comes after."""

    events: Sequence[LogEvent]
    last: int
    is_end: bool


async def read_page(
    events: LogEvents,
    span: Span,
    *,
    after: int,
    limit: int,
    newest_first: bool,
    matches: Callable[[LogEvent], bool] = lambda _event: True,
) -> Page:
    """Look through the span from `after` on; the first event that matches is given however large it is."""
    found: list[LogEvent] = []
    size = searched = searched_bytes = 0
    chunk = FIRST_CHUNK
    last = after
    while searched < MAX_SEARCHED_EVENTS and searched_bytes < MAX_SEARCHED_BYTES:
        looked_at = await events.read(
            span.group,
            streams=span.streams,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            after=last,
            limit=chunk,
            newest_first=newest_first,
        )
        for event in looked_at:
            searched_bytes += len(event.message)
            if matches(event):
                length = len(event.message.encode())
                if found and (len(found) == limit or size + length > MAX_PAGE_BYTES):
                    return Page(events=found, last=last, is_end=False)
                found.append(event)
                size += length
            last = event.sequence
        searched += len(looked_at)
        if len(looked_at) < chunk:
            return Page(events=found, last=last, is_end=True)
        chunk = max(MIN_CHUNK, min(MAX_CHUNK, MAX_PAGE_BYTES * searched // max(searched_bytes, 1)))
    return Page(events=found, last=last, is_end=False)


def by_time(events: Sequence[LogEvent]) -> list[LogEvent]:
    return sorted(events, key=lambda event: (event.timestamp_ms, event.sequence))


def event_number(sequence: int) -> str:
    """As many digits as AWS's event ids and tokens have."""
    return f"{sequence:056d}"


def parse_number(text: str) -> int:
    """Raises ServiceError InvalidParameterException for what `event_number` did not write."""
    if not (text.isascii() and text.isdecimal()) or len(text.lstrip("0")) > MAX_SEQUENCE_DIGITS:
        raise invalid_token()
    return int(text)
