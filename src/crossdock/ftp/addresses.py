"""IP addresses as the FTP edge compares and prints them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossdock.core.networks import Network, parse_address, parse_network

AUTO = "AUTO"
NO_ADDRESS = "0.0.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassiveOverride:
    """What PASV names to the clients of a network: AUTO, or a dotted quad."""

    network: Network
    host: str


def is_ipv6(normal: str) -> bool:
    return ":" in normal


def passive_overrides(setting: Mapping[str, str]) -> tuple[PassiveOverride, ...]:
    """The setting `passive_ip`, the most specific network first. Raises BadNetwork."""
    found = [PassiveOverride(network=parse_network(cidr), host=host) for cidr, host in setting.items()]
    return tuple(sorted(found, key=lambda one: one.network.prefixlen, reverse=True))


def passive_host(
    setting: str, local_address: str, *, client_address: str = NO_ADDRESS, overrides: Sequence[PassiveOverride] = ()
) -> str:
    """The dotted quad that a PASV reply names.

    Args:
        setting: the server's PassiveIp: AUTO for the address that the client itself connected to, else a dotted quad,
            of which `0.0.0.0` tells clients to use the address they know.
        overrides: as `passive_overrides` orders them. The first whose network has the client counts in place of the
            setting: clients of this side of a NAT cannot use the address of the other.
    """
    client = parse_address(client_address)
    chosen = next((one.host for one in overrides if client in one.network), setting)
    return local_address if chosen == AUTO else chosen
