"""Who expects a data connection, on which of the shared passive ports, from which address. Pure: time is an argument.

All servers on an address share a few ports that stay open. What tells an arriving connection's owner is its port and
the address it comes from: a slot. As soon as a connection has arrived, its slot is free again, so the ports limit
only how many sessions of one address are *waiting* for their connection at the same moment.

A slot that was given up unused rests before another session may have it: the connection may still be on its way, and
must never be taken for another session's. The session itself gets that very slot back, so that it never holds more than
one, however often it asks. Whichever of its connections then comes first is taken: all of them are the same user's. The
other may come later still, and so the slot rests once more.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

REST_S = 60.0


@dataclass(frozen=True, slots=True)
class _Slot:
    port: int
    address: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """Made at a time; `is_again` when the session had given the slot up and took it back while it rested."""

    session: int
    made_at: float
    is_again: bool


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
        self._expected: dict[_Slot, _Claim] = {}
        self._slots: dict[int, _Slot] = {}
        # In the order in which they end.
        self._resting: OrderedDict[_Slot, _Rest] = OrderedDict()
        self._turn = 0

    def claim(self, session: int, address: str, now: float) -> int | None:
        """A port on which `session` expects a connection from `address`, or None when all slots are taken.

        What the session expected before is given up. Ports are taken in turn, so that a slot is used again as late as
        possible.
        """
        self.withdraw(session, now)
        if (own := self.resting_port(session, address, now)) is not None:
            return self._take(session, _Slot(own, address), now)
        for step in range(len(self._ports)):
            slot = _Slot(self._ports[(self._turn + step) % len(self._ports)], address)
            if slot not in self._expected and slot not in self._resting:
                return self._take(session, slot, now)
        return None

    def resting_port(self, session: int, address: str, now: float) -> int | None:
        """The port that this session would get back; None when nothing rests for it."""
        self._forget_rests(now)
        if not self._resting:
            return None
        for port in self._ports:
            rest = self._resting.get(_Slot(port, address))
            if rest is not None and rest.session == session:
                return port
        return None

    def arrive(self, port: int, address: str, now: float, *, accepted_at: float | None = None) -> int | None:
        """The session whose connection this is, or None: nobody expects it, or nobody did when it was accepted.

        `accepted_at` is for connections whose address becomes known later than that (`now`).

        Its slot is free from now on; but it rests when the session had given it up before, because another of the
        session's connections may still be on its way there.
        """
        slot = _Slot(port, address)
        claim = self._expected.get(slot)
        if claim is None or (accepted_at is not None and claim.made_at >= accepted_at):
            return None
        del self._expected[slot]
        del self._slots[claim.session]
        if claim.is_again:
            self._rest(claim.session, slot, now)
        return claim.session

    def withdraw(self, session: int, now: float) -> None:
        """The session expects nothing any more; what it had claimed rests. Harmless when it expects nothing."""
        slot = self._slots.pop(session, None)
        if slot is not None:
            del self._expected[slot]
            self._rest(session, slot, now)

    def next_rest_end(self, address: str, now: float) -> float | None:
        """When the next of this address's resting slots is free for everybody; None when none rests."""
        self._forget_rests(now)
        slots = (_Slot(port, address) for port in self._ports)
        return min((self._resting[slot].until for slot in slots if slot in self._resting), default=None)

    def _take(self, session: int, slot: _Slot, now: float) -> int:
        is_again = self._resting.pop(slot, None) is not None
        self._expected[slot] = _Claim(session, now, is_again)
        self._slots[session] = slot
        self._turn = (self._ports.index(slot.port) + 1) % len(self._ports)
        return slot.port

    def _rest(self, session: int, slot: _Slot, now: float) -> None:
        self._resting[slot] = _Rest(session, now + self._rest_s)
        self._resting.move_to_end(slot)

    def _forget_rests(self, now: float) -> None:
        while self._resting and next(iter(self._resting.values())).until <= now:
            self._resting.popitem(last=False)
