"""Where one server lies: what runs of it, and the latest that is known of its owner's wish."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.gateway.edges import Listener


@dataclass(slots=True, eq=False)
class Berth:
    """Mutable: the gateway's look writes the wish, the server's own task all else.

    `served` is the server as its listeners know it, or are about to; None before it had any.
    `told` is what the directory took last of the gateway's reports, `must_tell` that it may have changed since.
    `bell` rings when there is something to do, `settled` is set when nothing is.
    """

    server: Server
    is_deleted: bool = False
    served: Server | None = None
    listeners: dict[FileProtocol, Listener] = field(default_factory=dict)
    endpoints: dict[FileProtocol, Endpoint] = field(default_factory=dict)
    announced: set[FileProtocol] = field(default_factory=set)
    draining: set[asyncio.Task[None]] = field(default_factory=set)
    told: tuple[ServerState, Sequence[Endpoint]] | None = None
    must_tell: bool = False
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None

    def see(self, server: Server) -> None:
        """Note what the directory says now; ring when there is something to do about it."""
        if self.told is None or server.state is not self.told[0] or _wish(server) != _wish(self.server):
            self.server = server
            self.must_tell = True
            self.ring()

    def ring(self) -> None:
        self.settled.clear()
        self.bell.set()

    def drained(self, drain: asyncio.Task[None]) -> None:
        """The end of the last transfer is something to tell the directory."""
        self.draining.discard(drain)
        if not self.draining:
            self.ring()


def _wish(server: Server) -> Server:
    """The server without what became of it."""
    return replace(server, state=ServerState.OFFLINE)
