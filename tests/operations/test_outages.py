"""One line when something begins to fail, one when it works again."""

import pytest
from tests.fakes.clock import FakeClock

from crossdock.operations.outages import MAX_KNOWN, Outages


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outages(clock: FakeClock) -> Outages:
    return Outages("it fails", "it works again", pause_s=60.0, now=clock.monotonic)


def test_a_failure_is_told_once_with_its_cause_and_so_is_its_end(outages, caplog):
    outages.worked("a")
    for reason in ("nobody listens", "did not answer"):
        outages.failed("a", reason=reason, bucket="a", where="there")
    outages.worked("a")
    outages.worked("a")
    assert [record.getMessage() for record in caplog.records] == ["it fails", "it works again"]
    first, last = (vars(record) for record in caplog.records)
    assert (first["reason"], first["bucket"], first["where"]) == ("nobody listens", "a", "there")
    assert (last["bucket"], last["where"]) == ("a", "there")


def test_what_fails_now_and_then_is_told_once_a_minute(outages, clock, caplog):
    for _ in range(120):
        outages.failed("a", reason="no")
        outages.worked("a")
        clock.advance(1.0)
    assert [record.getMessage() for record in caplog.records] == ["it fails", "it works again"] * 2


def test_each_thing_is_one_of_its_own_and_not_too_many_are_remembered(outages, caplog):
    for number in range(MAX_KNOWN + 1):
        outages.failed(str(number), reason="no")
    assert len(caplog.records) == MAX_KNOWN + 1
    outages.failed(str(MAX_KNOWN), reason="no")
    assert len(caplog.records) == MAX_KNOWN + 1


async def test_the_time_is_the_loops_unless_another_is_given(caplog):
    outages = Outages("it fails", "it works again")
    outages.failed("a", reason="no")
    outages.worked("a")
    outages.failed("a", reason="no")
    assert len(caplog.records) == 2
