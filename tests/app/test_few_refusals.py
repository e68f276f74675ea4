"""One line for each address and minute of refused connections, and no refusal uncounted."""

import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.app.few_refusals import MOST, WINDOW_S, FewRefusals


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(record)


class Log:
    """A logger of its own; `say` writes as at that second."""

    def __init__(self) -> None:
        self.few, self.lines = FewRefusals(), Lines()
        self.lines.addFilter(self.few)
        self.logger = logging.Logger("tests.refusals", logging.INFO)
        self.logger.addHandler(self.lines)
        # Summaries go to the logger of this name, as those of the service do.
        logging.Logger.manager.loggerDict["tests.refusals"] = self.logger

    def say(self, second: float, message: str = "ssh connection refused", **extra: Any) -> None:
        record = self.logger.makeRecord("tests.refusals", logging.INFO, __file__, 1, message, (), None, extra=extra)
        record.created = second
        self.logger.handle(record)

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(one.__dict__.get("source_ip", ""), getattr(one, "further", 0)) for one in self.lines.written]


@pytest.fixture
def log() -> Iterator[Log]:
    yield Log()
    del logging.Logger.manager.loggerDict["tests.refusals"]


def test_a_flood_of_one_address_is_a_line_and_their_number_after_a_minute(log: Log) -> None:
    for second in range(50):
        log.say(second, source_ip="192.0.2.7", reason="no ingress rule")
    assert log.told == [("192.0.2.7", 0)]
    log.say(WINDOW_S, "something else")
    assert log.told == [("192.0.2.7", 0), ("192.0.2.7", 49), ("", 0)]
    assert log.lines.written[1].reason == "no ingress rule"  # type: ignore[attr-defined]
    log.say(WINDOW_S + 1, source_ip="192.0.2.7")
    assert log.told[-1] == ("192.0.2.7", 0)


def test_addresses_and_protocols_are_told_apart_but_not_those_of_one_subscriber(log: Log) -> None:
    log.say(0, source_ip="192.0.2.7")
    log.say(0, source_ip="192.0.2.8")
    log.say(0, "ftp connection refused", source_ip="192.0.2.7")
    log.say(0, source_ip="2001:db8::1")
    log.say(0, source_ip="2001:db8::2")
    assert [address for address, _ in log.told] == ["192.0.2.7", "192.0.2.8", "192.0.2.7", "2001:db8::1"]


def test_what_is_no_refusal_of_an_address_passes(log: Log) -> None:
    for _ in range(3):
        log.say(0, "ssh connection failed", source_ip="192.0.2.7")
        log.say(0)
    assert len(log.told) == 6


def test_what_was_counted_is_told_at_the_end(log: Log) -> None:
    for _ in range(3):
        log.say(0, source_ip="192.0.2.7")
    log.few.tell_all()
    assert log.told == [("192.0.2.7", 0), ("192.0.2.7", 2)]
    log.few.tell_all()
    assert len(log.told) == 2


def test_only_so_many_addresses_are_remembered(log: Log) -> None:
    for number in range(MOST + 1):
        for _ in range(2 if number == 0 else 1):
            log.say(0, source_ip=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert ("10.0.0.0", 1) in log.told
    assert len(log.told) == MOST + 2


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
def test_threads_that_refuse_at_once_lose_no_count(log: Log) -> None:
    threads, refusals = 4, 2000
    errors: list[BaseException] = []

    def refuse() -> None:
        try:
            for number in range(refusals):
                log.say(number * WINDOW_S / 4, source_ip=f"192.0.2.{number % 3}")
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=refuse) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    log.few.tell_all()
    assert errors == []
    assert sum(further or 1 for _, further in log.told) == threads * refusals


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]))))
def test_every_refusal_is_a_line_or_counted(refused: list[tuple[int, str]]) -> None:
    log = Log()
    for second, address in sorted(refused):
        log.say(second, source_ip=address)
    log.few.tell_all()
    for address in {address for _, address in refused}:
        lines = [further for told, further in log.told if told == address]
        assert sum(further or 1 for further in lines) == len([one for one in refused if one[1] == address])
        assert len([one for one in lines if not one]) <= 1 + 200 // WINDOW_S
