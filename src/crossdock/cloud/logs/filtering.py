"""FilterLogEvents: all streams of a group, or some, through a filter pattern.

Source: CloudWatch Logs API Reference, FilterLogEvents.
"""

from collections.abc import Callable, Sequence
from typing import Any

from crossdock.cloud.logs.archive import Archive
from crossdock.cloud.logs.faults import invalid_parameter, invalid_token
from crossdock.cloud.logs.filter_pattern import parse_filter
from crossdock.cloud.logs.finding import checked_text, find_group, meant_group
from crossdock.cloud.logs.pages import FOREVER_MS, MAX_EVENTS, Span, by_time, event_number, parse_number, read_page
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.logs import LogEvent, LogGroupId

MAX_NAMED_STREAMS = 100
NEWEST_FIRST_SINCE_MS = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""

FORWARD, BACKWARD = "f", "b"


async def filter_log_events(archive: Archive, call: Call) -> Result:
    params = call.params
    group = meant_group(call)
    names: Sequence[str] = params.get("logStreamNames", ())
    prefix = checked_text(params.get("logStreamNamePrefix", ""))
    if names and prefix:
        raise invalid_parameter("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
    start_ms, end_ms = params.get("startTime", 0), params.get("endTime", FOREVER_MS)
    if start_ms > end_ms:
        raise invalid_parameter("startTime must be less than or equal to endTime.")
    pattern = parse_filter(params.get("filterPattern", ""))
    if params.get("startFromHead") is False and 0 < start_ms < NEWEST_FIRST_SINCE_MS:
        raise invalid_parameter("startFromHead false is supported only for a startTime on or after 2024-01-01.")
    newest_first, after = _place(params)
    async with call.reading() as tx:
        await find_group(tx, call, group)
    await archive.require_streams(call, group, names)
    if prefix:
        begun = await _begun_with(archive, group, prefix)
        if begun == ():
            return {"events": [], "searchedLogStreams": []}
        names = begun or ()
    page = await read_page(
        archive.events,
        # Other than GetLogEvents, an event just at endTime is given.
        Span(group=group, streams=tuple(names), start_ms=start_ms, end_ms=min(end_ms + 1, FOREVER_MS)),
        after=after,
        limit=params.get("limit", MAX_EVENTS),
        newest_first=newest_first,
        matches=_both(prefix, pattern),
    )
    ordered = by_time(page.events)
    answer: dict[str, Any] = {
        "events": [_answered(event) for event in (reversed(ordered) if newest_first else ordered)],
        # "This parameter is no longer supported. This parameter returns an empty list."
        "searchedLogStreams": [],
    }
    if not page.is_end:
        answer["nextToken"] = page_token((BACKWARD if newest_first else FORWARD, event_number(page.last)))
    return answer


def _place(params: Params) -> tuple[bool, int]:
    """Newest first or not, and behind which event. A token knows its direction."""
    key = page_key(params.get("nextToken"), error_code="InvalidParameterException")
    if key is None:
        return params.get("startFromHead") is False, 0
    if len(key) != 2 or key[0] not in (FORWARD, BACKWARD):
        raise invalid_token()
    return key[0] == BACKWARD, parse_number(key[1])


async def _begun_with(archive: Archive, group: LogGroupId, prefix: str) -> Sequence[str] | None:
    """The names of streams that begin so; None for so many that every event is better looked at."""
    found = await archive.events.streams(group, prefix=prefix, limit=MAX_NAMED_STREAMS + 1)
    return None if len(found) > MAX_NAMED_STREAMS else tuple(stream.name for stream in found)


def _both(prefix: str, pattern: Callable[[str], bool]) -> Callable[[LogEvent], bool]:
    return lambda event: event.stream.startswith(prefix) and pattern(event.message)


def _answered(event: LogEvent) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingested_ms,
        "eventId": event_number(event.sequence),
    }
