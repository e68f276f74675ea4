"""Batches that CloudWatch Logs takes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.aws.log_batches import MAX_EVENTS, batches
from crossdock.cloud.logs.putting import MAX_BATCH_BYTES, MAX_SPAN_MS
from crossdock.ports.logs import EVENT_OVERHEAD_BYTES, LogEvent

HOUR_MS = 3600 * 1000


def event(timestamp_ms: int, message: str = "m") -> LogEvent:
    return LogEvent(stream="s", timestamp_ms=timestamp_ms, message=message)


def test_what_fits_goes_at_once_in_the_order_of_time():
    assert list(batches([])) == []
    assert list(batches([event(2, "b"), event(1, "a"), event(2, "c")])) == [
        [event(1, "a"), event(2, "b"), event(2, "c")]
    ]


def test_a_batch_ends_at_each_of_the_limits():
    many = [event(n) for n in range(MAX_EVENTS + 1)]
    assert [len(batch) for batch in batches(many)] == [MAX_EVENTS, 1]
    half = "é" * ((MAX_BATCH_BYTES // 2 - EVENT_OVERHEAD_BYTES) // 2)
    assert [len(batch) for batch in batches([event(1, half), event(2, half), event(3, "")])] == [2, 1]
    assert [len(batch) for batch in batches([event(0), event(MAX_SPAN_MS - 1), event(MAX_SPAN_MS)])] == [2, 1]


@given(st.lists(st.builds(event, st.integers(0, 100 * HOUR_MS), st.text(max_size=5)), max_size=50))
def test_every_event_is_in_one_batch_and_no_time_goes_back(events):
    made = list(batches(events))
    assert sorted((e for batch in made for e in batch), key=repr) == sorted(events, key=repr)
    for batch in made:
        assert all(a.timestamp_ms <= b.timestamp_ms for a, b in pairwise(batch))
        assert batch[-1].timestamp_ms - batch[0].timestamp_ms < MAX_SPAN_MS
