"""Where the clients of a door are served: here, or in another process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.core.servers import Server


class Guest(Protocol):
    """A client whom a door has let in, wherever it is served."""

    def drain(self) -> None:
        """End as soon as no file is open and no answer is owed."""

    def cut(self, reason: str) -> None:
        """Close now: an upload that is not yet being committed is lost."""


Left = Callable[[Guest], None]
"""Told of a guest once, when everything is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A client whom a door lets in, and nobody serves as yet: the transport has read nothing beyond what was `seen`.

    `is_proxied`: a load balancer's word is behind the address.
    """

    server: Server
    address: str
    is_proxied: bool
    transport: asyncio.Transport
    seen: bytes = field(repr=False)


class Rooms(Protocol):
    async def receive(self, arrived: Arrived, left: Left) -> Guest | None:
        """Serve a client from now on; None when that cannot be, and the transport is whose it was.

        `left` is not called before this has returned.
        """
