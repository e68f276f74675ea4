"""IP addresses as the FTP edge compares and prints them. Pure."""

from ipaddress import IPv6Address, ip_address

AUTO = "AUTO"
NO_ADDRESS = "0.0.0.0"


def normal_address(text: str) -> str:
    """One spelling per host: no IPv6 zone, and an IPv4 address that arrived inside IPv6 as plain IPv4."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def is_ipv6(normal: str) -> bool:
    return ":" in normal


def passive_host(setting: str, local_address: str) -> str:
    """The dotted quad that a PASV reply names.

    `setting` is the server's PassiveIp: AUTO for the address that the client itself connected to, else a dotted quad,
    of which `0.0.0.0` tells clients to use the address they know.
    """
    return local_address if setting == AUTO else setting
