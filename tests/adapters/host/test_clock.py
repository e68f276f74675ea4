"""The time of this computer."""

from datetime import UTC, timedelta

from crossdock.adapters.host.clock import SystemClock


def test_the_time_is_told_in_utc_and_goes_on():
    clock = SystemClock()
    first, tick = clock.now(), clock.monotonic()
    assert first.tzinfo is UTC
    assert timedelta(0) <= clock.now() - first < timedelta(minutes=1)
    assert clock.monotonic() >= tick
