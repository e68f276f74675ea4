"""Where the clients of a door are served: here, or in another process."""

import asyncio
from collections.abc import Callable
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


class Rooms(Protocol):
    async def receive(
        self,
        server: Server,
        address: str,
        transport: asyncio.Transport,
        seen: bytes,
        *,
        is_proxied: bool,
        left: Left,
    ) -> Guest | None:
        """Serve a client from now on; None when that cannot be, and the transport is whose it was.

        The transport reads nothing as yet, beyond what was `seen`. `is_proxied`: a load balancer's word is behind the
        address. `left` is not called before this has returned.
        """
