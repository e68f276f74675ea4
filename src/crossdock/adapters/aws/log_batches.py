"""Log events in the batches that CloudWatch Logs takes.

Source: CloudWatch Logs API Reference, PutLogEvents: at most 10,000 events and 1 MiB, in chronological order, all within
24 hours.
"""

from collections.abc import Iterator, Sequence

from crossdock.cloud.logs.putting import MAX_BATCH_BYTES, MAX_SPAN_MS
from crossdock.ports.logs import LogEvent, counted_bytes

MAX_EVENTS = 10_000


def batches(events: Sequence[LogEvent]) -> Iterator[list[LogEvent]]:
    """Events of one stream, in the order of their times and otherwise as they came."""
    batch: list[LogEvent] = []
    size = 0
    for event in sorted(events, key=lambda event: event.timestamp_ms):
        taken = counted_bytes(event.message)
        is_full = len(batch) == MAX_EVENTS or size + taken > MAX_BATCH_BYTES
        if batch and (is_full or event.timestamp_ms - batch[0].timestamp_ms >= MAX_SPAN_MS):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += taken
    if batch:
        yield batch
