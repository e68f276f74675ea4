"""A connection before SSH: who comes, whether they may, and what a load balancer says of them."""

import asyncio
import logging
from typing import Protocol, cast

from crossdock.core.networks import normal_address
from crossdock.core.proxy_protocol import BadProxyHeader, NeedMore, parse_proxy_header

_log = logging.getLogger(__name__)


class ArrivalDoor(Protocol):
    """An open port, as a connection meets it."""

    def header_timeout_s(self, address: str) -> float | None:
        """How long a connection of this address has for its PROXY protocol header; None when it has none to send."""

    def receive(self, address: str, transport: asyncio.Transport, seen: bytes) -> None:
        """Somebody is there, of whom these bytes have come. The transport is theirs to read on, or to close."""


class Arrival(asyncio.Protocol):
    """Until the door has received it. Nothing is read then, so that what comes next is for whom the door sets."""

    def __init__(self, door: ArrivalDoor) -> None:
        self._door = door
        self._timer: asyncio.TimerHandle | None = None
        self._seen = bytearray()
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not peer:
            self._transport.abort()  # gone already
            return
        self._address = normal_address(peer[0])
        timeout_s = self._door.header_timeout_s(self._address)
        if timeout_s is None:
            self._receive(self._address)
        else:
            self._timer = asyncio.get_running_loop().call_later(timeout_s, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if self._timer is None:
            return
        try:
            header = parse_proxy_header(bytes(self._seen))
        except BadProxyHeader as error:
            _log.warning("a load balancer's connection is refused", extra={"reason": str(error)})
            self._transport.abort()
            return
        if isinstance(header, NeedMore):
            return
        self._stop_timer()
        del self._seen[: header.size]
        self._receive(header.source.host if header.source is not None else self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()

    def _receive(self, address: str) -> None:
        self._transport.pause_reading()
        self._door.receive(address, self._transport, bytes(self._seen))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
