"""Tells the operator which client addresses find no passive port free."""

import logging
from collections import OrderedDict

_log = logging.getLogger(__name__)

QUIET_S = 60.0
"""Between two warnings about one address."""
MOST_REMEMBERED = 1000


class PortShortage:
    """Warns about an address, then holds its peace for a while. The oldest are forgotten when there are very many."""

    def __init__(self) -> None:
        self._warned: OrderedDict[str, float] = OrderedDict()

    def noticed(self, address: str, now: float) -> None:
        """A client of this address hears 425."""
        if self._warned.get(address, -QUIET_S) + QUIET_S > now:
            return
        self._warned[address] = now
        self._warned.move_to_end(address)
        if len(self._warned) > MOST_REMEMBERED:
            self._warned.popitem(last=False)
        _log.warning(
            "no passive port is free for a client address: its sessions wait at every one, or gave it up unused less "
            "than a minute ago; if many clients share the address, widen passive_ports",
            extra={"source_ip": address},
        )
