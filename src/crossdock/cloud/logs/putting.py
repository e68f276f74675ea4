"""PutLogEvents: what is taken, what is refused, and what is left out of a batch that is taken.

Source: CloudWatch Logs API Reference, PutLogEvents and RejectedLogEventsInfo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from crossdock.cloud.logs.archive import Archive
from crossdock.cloud.logs.faults import invalid_parameter
from crossdock.cloud.logs.finding import find_group, meant_group
from crossdock.cloud.logs.moments import DAY_MS, HOUR_MS, milliseconds
from crossdock.cloud.logs.streams import SEQUENCE_TOKEN
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.ports.logs import LogEvent, counted_bytes

MAX_BATCH_BYTES = 1_048_576
MAX_AGE_MS = 14 * DAY_MS
MAX_AHEAD_MS = 2 * HOUR_MS
MAX_SPAN_MS = DAY_MS

_InputEvents = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What of a batch is kept, from `first` on and before `end`; `rejected` tells of the rest as AWS does."""

    first: int
    end: int
    rejected: Mapping[str, int] = field(default_factory=dict)


async def put_log_events(archive: Archive, call: Call) -> Result:
    group = meant_group(call)
    stream: str = call.params["logStreamName"]
    batch: _InputEvents = call.params["logEvents"]
    check_batch(batch)
    async with call.reading() as tx:
        record = await find_group(tx, call, group)
    await archive.require_streams(call, group, [stream])
    now_ms = milliseconds(call.now)
    kept_ms = record.kept_days(archive.default_days) * DAY_MS
    accepted = accept([event["timestamp"] for event in batch], now_ms=now_ms, kept_ms=kept_ms)
    await archive.events.append(
        group,
        [
            LogEvent(stream=stream, timestamp_ms=event["timestamp"], message=event["message"], ingested_ms=now_ms)
            for event in batch[accepted.first : accepted.end]
        ],
    )
    answer: dict[str, Any] = {"nextSequenceToken": SEQUENCE_TOKEN}
    if accepted.rejected:
        answer["rejectedLogEventsInfo"] = dict(accepted.rejected)
    return answer


def check_batch(batch: _InputEvents) -> None:
    """Raises ServiceError InvalidParameterException for a batch that is too large or not in order."""
    size = sum(counted_bytes(event["message"]) for event in batch)
    if size > MAX_BATCH_BYTES:
        raise invalid_parameter(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
    if any(earlier["timestamp"] > later["timestamp"] for earlier, later in pairwise(batch)):
        raise invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.")


def accept(times: Sequence[int], *, now_ms: int, kept_ms: int) -> Accepted:
    """Leave out what is too old, expired or too far ahead; `times` are in order.

    Raises:
        ServiceError: InvalidParameterException when what is left spans more than a day.
    """
    too_old = sum(time < now_ms - MAX_AGE_MS for time in times)
    expired = sum(time < now_ms - kept_ms for time in times)
    end = sum(time <= now_ms + MAX_AHEAD_MS for time in times)
    first = min(max(too_old, expired), end)
    if first < end and times[end - 1] - times[first] > MAX_SPAN_MS:
        raise invalid_parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    rejected: dict[str, int] = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    if end < len(times):
        rejected["tooNewLogEventStartIndex"] = end
    return Accepted(first=first, end=end, rejected=rejected)
