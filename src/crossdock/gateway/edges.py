"""What the gateway needs of a file protocol."""

from typing import Protocol

from crossdock.core.servers import FileProtocol, Server


class Listener(Protocol):
    """An open endpoint: one protocol of one server."""

    @property
    def port(self) -> int: ...

    @property
    def passive_ports(self) -> tuple[int, ...]: ...

    def update(self, server: Server) -> None:
        """Take over changed settings; sessions that are under way keep theirs."""

    async def close(self, *, drain_timeout_s: float) -> None:
        """Accept nobody more, let transfers finish for that long, then end them.

        The port is free again before this first awaits anything.
        """


class Edge(Protocol):
    """File protocols that can be served."""

    @property
    def passive_ports(self) -> tuple[int, ...]:
        """Those that are configured; empty where the system chooses them, or endpoints have none."""

    async def open(self, server: Server, protocol: FileProtocol, host: str, port: int) -> Listener:
        """FTP and FTPS may be opened on one port (see `gateway.sharing`).

        Raises OSError when the port cannot be had; without an errno, its text is a sentence for the owner.
        """
