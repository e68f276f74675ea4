"""Which addresses a security group lets in.

Source: Amazon VPC User Guide, "Security group rules".
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from crossdock.core.networks import Network, parse_address
from crossdock.core.servers import FileProtocol

ALL_PROTOCOLS: Final = "-1"
TCP: Final = "tcp"

AWS_PORTS = {FileProtocol.FTP: 21, FileProtocol.FTPS: 21, FileProtocol.SFTP: 22}
"""The control port at which AWS serves a protocol, whatever port it has here."""

UNRESTRICTED: Final = "unrestricted"
RESTRICTED: Final = "restricted"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressRule:
    """`protocol` is `tcp`, another protocol's name or number, or `-1` for all, whose ports do not matter."""

    network: Network
    protocol: str
    from_port: int
    to_port: int

    def covers(self, port: int) -> bool:
        """TCP reaches the port by this rule."""
        if self.protocol == ALL_PROTOCOLS:
            return True
        return self.protocol == TCP and self.from_port <= port <= self.to_port


IngressRules = Collection[IngressRule]
"""Of all groups of a server together: each rule only adds to what the others let in."""


def admits(rules: IngressRules, address: str, ports: Iterable[int]) -> bool:
    """A rule lets the address in at one of the ports. What is no address is let in by nothing."""
    try:
        parsed = parse_address(address)
    except ValueError:
        return False
    reached = frozenset(ports)
    return any(parsed in rule.network and any(map(rule.covers, reached)) for rule in rules)


def ports_reached(protocol: FileProtocol, port: int) -> tuple[int, ...]:
    """The ports that a rule may name for a connection: AWS's own of the protocol, so that rules written for AWS hold,
    and the one that the client reached."""
    return (AWS_PORTS.get(protocol, port), port)
