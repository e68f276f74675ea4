"""IP networks and addresses as settings, security groups and edges compare them."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from crossdock.core.errors import CrossdockError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class BadNetwork(CrossdockError, ValueError):
    """A text that names no network; the message says what would be right."""


def parse_network(text: str) -> Network:
    """`10.0.0.0/8`, `2001:db8::/32`, or one address.

    Raises:
        BadNetwork: something else, or an address with bits beyond its prefix, which may be meant either way.
    """
    try:
        return ip_network(text)
    except ValueError as error:
        try:
            meant = ip_network(text, strict=False)
        except ValueError:
            raise BadNetwork(f"{text!r} is not a network such as 10.0.0.0/8, nor an address") from error
        raise BadNetwork(f"{text!r} has bits beyond its prefix: {meant} is meant, or another prefix") from error


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address:
    """An address without its zone; an IPv4 address that arrived inside IPv6 (`::ffff:a.b.c.d`) is that IPv4 address.

    Raises:
        ValueError: the text is no address.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def normal_address(text: str) -> str:
    """One spelling per host: no IPv6 zone, and an IPv4 address that arrived inside IPv6 as plain IPv4."""
    return str(parse_address(text))


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Of the two families each is within its own networks only."""
    return any(address in network for network in networks)
