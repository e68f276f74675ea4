"""Who expects a data connection, on which of the shared passive ports, from which address. Pure: time is an argument.

All servers on an address share a few ports that stay open. What tells an arriving connection's owner is its port and
the address it comes from: a slot. As soon as a connection has arrived, its slot is free again, so the ports limit
only how many sessions of one address are *waiting* for their connection at the same moment.

A slot that was given up unused rests before another session may have it: the connection may still be on its way, and
must never be taken for another session's.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

REST_S = 60.0


@dataclass(frozen=True, slots=True)
class _Slot:
    port: int
    address: str


@dataclass(frozen=True, slots=True)
class _Rest:
    """`session` gave the slot up and may have it back at any time, others from `until` on."""

    session: int
    until: float


class PassiveBook:
    """`ports` are the shared ports; sessions are numbers, addresses are in one spelling (`normal_address`)."""

    def __init__(self, ports: Sequence[int], *, rest_s: float = REST_S) -> None:
        self._ports = tuple(ports)
        self._rest_s = rest_s
        self._expected: dict[_Slot, int] = {}
        self._slots: dict[int, _Slot] = {}
        self._resting: dict[_Slot, _Rest] = {}
        self._rest_ends: deque[tuple[float, _Slot]] = deque()
        self._turn = 0

    def claim(self, session: int, address: str, now: float) -> int | None:
        """A port on which `session` expects a connection from `address`, or None when all slots are taken.

        What the session expected before is given up. Ports are taken in turn, so that a slot is used again as late as
        possible.
        """
        self.withdraw(session, now)
        self._forget_rests(now)
        own: _Slot | None = None
        for step in range(len(self._ports)):
            slot = _Slot(self._ports[(self._turn + step) % len(self._ports)], address)
            rest = self._resting.get(slot)
            if slot in self._expected:
                continue
            if rest is None:
                return self._take(session, slot)
            if rest.session == session and own is None:
                own = slot
        return None if own is None else self._take(session, own)

    def arrive(self, port: int, address: str) -> int | None:
        """The session whose connection this is, or None: nobody expects it. Its slot is free from now on."""
        session = self._expected.pop(_Slot(port, address), None)
        if session is not None:
            del self._slots[session]
        return session

    def withdraw(self, session: int, now: float) -> None:
        """The session expects nothing any more; what it had claimed rests. Harmless when it expects nothing."""
        slot = self._slots.pop(session, None)
        if slot is None:
            return
        del self._expected[slot]
        until = now + self._rest_s
        self._resting[slot] = _Rest(session, until)
        self._rest_ends.append((until, slot))

    def next_rest_end(self, address: str, now: float) -> float | None:
        """When the next of this address's resting slots is free for everybody; None when none rests."""
        self._forget_rests(now)
        slots = (_Slot(port, address) for port in self._ports)
        return min((self._resting[slot].until for slot in slots if slot in self._resting), default=None)

    def _take(self, session: int, slot: _Slot) -> int:
        self._resting.pop(slot, None)
        self._expected[slot] = session
        self._slots[session] = slot
        self._turn = (self._ports.index(slot.port) + 1) % len(self._ports)
        return slot.port

    def _forget_rests(self, now: float) -> None:
        while self._rest_ends and self._rest_ends[0][0] <= now:
            until, slot = self._rest_ends.popleft()
            rest = self._resting.get(slot)
            if rest is not None and rest.until == until:
                del self._resting[slot]
