"""Refused connections in the service's log: one line for each address and minute, however many there are."""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from crossdock.files.limits import network_of

REFUSALS = frozenset({"ftp connection refused", "ssh connection refused"})
WINDOW_S = 60.0
MOST = 10_000
"""Addresses that are remembered; beyond, the one that was refused first is told of at once."""

_Key = tuple[object, str]


@dataclass(slots=True)
class _Told:
    """`record` is the last one, `further` how many there were after the first, whose line is written."""

    first_at: float
    record: logging.LogRecord
    further: int = 0


class FewRefusals(logging.Filter):
    """Lets the first refusal of an address pass and counts those of the minute that follows.

    Where there were any, a line of their number, `further`, is written with the next line of the log after that minute,
    whatever that is about, or by `tell_all`. Threads may log at once: a handler asks its filters before it takes its
    lock.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: OrderedDict[_Key, _Told] = OrderedDict()
        # Whoever tells of the refusals of an address is asked about that line, too.
        self._lock = threading.RLock()

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "further"):
            return True
        with self._lock:
            return self._passes(record)

    def _passes(self, record: logging.LogRecord) -> bool:
        self._tell(until=record.created - WINDOW_S)
        address = record.__dict__.get("source_ip")
        if record.msg not in REFUSALS or not isinstance(address, str):
            return True
        key = (record.msg, network_of(address))
        told = self._told.get(key)
        if told is not None:
            told.further += 1
            told.record = record
            return False
        if len(self._told) >= MOST:
            self._tell_of(self._told.popitem(last=False)[1])
        self._told[key] = _Told(first_at=record.created, record=record)
        return True

    def tell_all(self) -> None:
        """At the end: nothing that was counted is lost."""
        with self._lock:
            self._tell(until=float("inf"))

    def _tell(self, *, until: float) -> None:
        while self._told and next(iter(self._told.values())).first_at <= until:
            self._tell_of(self._told.popitem(last=False)[1])

    def _tell_of(self, told: _Told) -> None:
        if told.further:
            summary = logging.makeLogRecord({**told.record.__dict__, "further": told.further})
            logging.getLogger(told.record.name).handle(summary)
