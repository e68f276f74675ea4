"""Who may reach a server, as security groups say."""

from collections.abc import Sequence
from typing import Protocol

from crossdock.core.servers import FileProtocol, Server
from crossdock.ports.state import Transaction


class Ingress(Protocol):
    """What the security groups of a server let in. Answers at once, from memory; a changed rule counts at the next
    question.

    A group that exists is enforced, and one without rules lets nobody in. An id that was never a group's restricts
    nothing.
    """

    def is_restricted(self, server: Server) -> bool:
        """A group of the server is enforced."""

    def admits(self, server: Server, address: str, *, protocol: FileProtocol, port: int) -> bool:
        """Whether a client may connect; data connections follow their control connection.

        Args:
            address: the client's; an IPv4 address inside IPv6 counts as IPv4.
            port: the one the client reached. A rule counts that covers it, or AWS's port of the protocol.
        """


class SecurityGroupUse(Protocol):
    """Who names security groups."""

    async def servers_with(self, tx: Transaction, account_id: str, region: str, group_id: str) -> Sequence[str]:
        """Ids of the servers of that account and region which name the group."""
