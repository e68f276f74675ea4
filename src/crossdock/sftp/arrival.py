"""A connection before SSH: who comes, whether they may, and what a load balancer says of them."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol, cast

from crossdock.core.networks import normal_address
from crossdock.core.proxy_protocol import BadProxyHeader, NeedMore, is_version_2, parse_proxy_header
from crossdock.operations.listening import Lobby

_log = logging.getLogger(__name__)

SILENCE_S = 1.0
"""Who need not send a header, and has sent nothing for so long, sends none: some clients let the server speak first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRule:
    """A connection begins with a PROXY protocol header, within `timeout_s`.

    `is_optional`: it may also begin with SSH. `is_version_2`: the older version is none.
    """

    timeout_s: float
    is_optional: bool = False
    is_version_2: bool = False


class ArrivalDoor(Protocol):
    """An open port, as a connection meets it."""

    @property
    def lobby(self) -> Lobby:
        """Where a connection is while it owes its header."""

    def let_wait(self, address: str, transport: asyncio.Transport) -> bool:
        """Take a connection of this address into the lobby, or close it."""

    def header_rule(self, address: str) -> HeaderRule | None:
        """What a connection of this address has to begin with; None for SSH, which a header may precede unheeded."""

    def receive(self, address: str, transport: asyncio.Transport, seen: bytes, *, balancer: str = "") -> None:
        """Somebody is there, of whom these bytes have come. The transport is theirs to read on, or to close.

        `balancer` is who says that they have this address, if somebody does.
        """


class Arrival(asyncio.Protocol):
    """Until the door has received it. Nothing is read then, so that what comes next is for whom the door sets."""

    def __init__(self, door: ArrivalDoor) -> None:
        self._door = door
        self._timer: asyncio.TimerHandle | None = None
        self._rule: HeaderRule | None = None
        self._seen = bytearray()
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not peer:
            self._transport.abort()  # gone already
            return
        self._address = normal_address(peer[0])
        self._rule = self._door.header_rule(self._address)
        if self._rule is None:
            self._receive(self._address)
        elif self._door.let_wait(self._address, self._transport):
            timeout_s = min(SILENCE_S, self._rule.timeout_s) if self._rule.is_optional else self._rule.timeout_s
            self._timer = asyncio.get_running_loop().call_later(timeout_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if self._timer is None or self._rule is None:
            return
        seen = bytes(self._seen)
        try:
            header = parse_proxy_header(seen)
        except BadProxyHeader as error:
            self._has_none(self._rule, str(error))
            return
        if isinstance(header, NeedMore):
            return
        if self._rule.is_version_2 and not is_version_2(seen):
            self._refuse("the header is not of version 2, which the server demands")
            return
        self._stop_timer()
        del self._seen[: header.size]
        if header.source is None:
            self._receive(self._address)
        else:
            self._receive(header.source.host, balancer=self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._door.lobby.leave(self._transport)

    def _has_none(self, rule: HeaderRule, reason: str) -> None:
        if rule.is_optional:
            self._stop_timer()
            self._receive(self._address)
        else:
            self._refuse(reason)

    def _give_up(self) -> None:
        """In time there was no header; whoever sent none of it may need none. Checkers of health send nothing."""
        self._timer = None
        if self._rule is not None and self._rule.is_optional and not self._seen:
            self._receive(self._address)
        elif self._seen:
            self._refuse("the header did not come in time")
        else:
            self._transport.abort()

    def _refuse(self, reason: str) -> None:
        self._stop_timer()
        _log.warning("a load balancer's connection is refused", extra={"source_ip": self._address, "reason": reason})
        self._transport.abort()

    def _receive(self, address: str, *, balancer: str = "") -> None:
        self._door.lobby.leave(self._transport)
        self._transport.pause_reading()
        self._door.receive(address, self._transport, bytes(self._seen), balancer=balancer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
