"""How many connections there may be, in total and from one address, before anybody has said who they are. Pure."""

from ipaddress import IPv6Address, ip_address

from crossdock.core.logins import Refusal


class Admittance:
    """A counted connection. Release it when the connection ends."""

    __slots__ = ("_is_held", "_limits", "_network")

    def __init__(self, limits: "LoginLimits", network: str) -> None:
        self._limits = limits
        self._network = network
        self._is_held = True

    def release(self) -> None:
        """Count the connection no longer; again is harmless."""
        if self._is_held:
            self._is_held = False
            self._limits.forget(self._network)


class LoginLimits:
    """Counts the connections of one server, or of all. Not for several threads."""

    def __init__(self, *, per_address: int, total: int) -> None:
        self._per_address = per_address
        self._total = total
        self._held: dict[str, int] = {}
        self._count = 0

    @property
    def connections(self) -> int:
        return self._count

    def acquire(self, address: str, *, is_shared: bool = False) -> Admittance | Refusal:
        """Count a connection, or say why it is one too many; `is_shared` for an address that many clients have."""
        network = network_of(address)
        held = self._held.get(network, 0)
        if self._count >= self._total:
            return Refusal(reason=f"{self._count} connections are open, as many as login.connections allows")
        if held >= self._per_address and not is_shared:
            return Refusal(
                reason=f"{held} connections of {network} are open, as many as login.connections_per_address allows"
            )
        self._held[network] = held + 1
        self._count += 1
        return Admittance(self, network)

    def forget(self, network: str) -> None:
        """What `Admittance.release` calls. Addresses without connections are not remembered."""
        self._count -= 1
        self._held[network] -= 1
        if not self._held[network]:
            del self._held[network]


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or a /64 of IPv6, which is what one subscriber has (RFC 6177).

    An IPv4 address that an IPv6 socket shows (`::ffff:a.b.c.d`) is that IPv4 address. Anything else is taken as it is.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
