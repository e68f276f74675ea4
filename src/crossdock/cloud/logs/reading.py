"""GetLogEvents: one stream, forwards and backwards.

A token says between which two events the reader stands: `f/N` goes on behind the event N, `b/N` before it. At an end
nothing lies there, and the same token comes back.

Source: CloudWatch Logs API Reference, GetLogEvents.
"""

from crossdock.cloud.logs.archive import Archive
from crossdock.cloud.logs.faults import invalid_parameter, invalid_token
from crossdock.cloud.logs.finding import find_group, meant_group
from crossdock.cloud.logs.pages import (
    FOREVER_MS,
    MAX_EVENTS,
    Span,
    by_time,
    event_number,
    parse_number,
    read_page,
)
from crossdock.operations.call import Call
from crossdock.operations.operation import Result

FORWARD, BACKWARD = "f/", "b/"


async def get_log_events(archive: Archive, call: Call) -> Result:
    params = call.params
    group = meant_group(call)
    stream: str = params["logStreamName"]
    async with call.reading() as tx:
        await find_group(tx, call, group)
    await archive.require_streams(call, group, [stream])
    start_ms, end_ms = params.get("startTime", 0), params.get("endTime", FOREVER_MS)
    if start_ms > end_ms:
        raise invalid_parameter("startTime must be less than or equal to endTime.")
    is_forward, number = _direction(params.get("nextToken"), bool(params.get("startFromHead")))
    page = await read_page(
        archive.events,
        Span(group=group, streams=(stream,), start_ms=start_ms, end_ms=end_ms),
        after=number,
        limit=params.get("limit", MAX_EVENTS),
        newest_first=not is_forward,
    )
    numbers = [event.sequence for event in page.events]
    # A page with nothing in it stays where it was; 0 without a token is before everything, whichever way is gone.
    first, last = (
        (min(numbers), max(numbers)) if numbers else (number + 1, number) if is_forward else (number, number - 1)
    )
    return {
        "events": [
            {"timestamp": event.timestamp_ms, "message": event.message, "ingestionTime": event.ingested_ms}
            for event in by_time(page.events)
        ],
        "nextForwardToken": FORWARD + event_number(max(last, 0)),
        "nextBackwardToken": BACKWARD + event_number(max(first, 1)),
    }


def _direction(token: str | None, from_head: bool) -> tuple[bool, int]:
    """Whether to go forwards, and from behind or before which event. A token knows its direction."""
    if token is None:
        return from_head, 0
    direction, number = token[:2], parse_number(token[2:])
    if direction == FORWARD:
        return True, number
    # There is no event before the first one; `b/0` would mean the newest.
    if direction == BACKWARD and number > 0:
        return False, number
    raise invalid_token()
