"""Whether an endpoint may be opened to other machines with what the operator has said so far."""

from ipaddress import ip_address

from crossdock.core.networks import Address, parse_address
from crossdock.core.servers import FileProtocol

_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})


def exposure_refusal(
    *, protocol: FileProtocol, host: str, is_restricted: bool, allow_public_ftp: bool, allow_open_servers: bool
) -> str:
    """Why the endpoint must not be opened, a sentence that names the setting; empty when it may.

    An address beyond loopback is for everybody whom no security group keeps out. Plain FTP shows passwords to whoever
    is on the way, so that it needs a word of its own where that way may be the Internet.

    Args:
        host: the address to listen on.
        is_restricted: a security group that exists says who may connect.
        allow_public_ftp: the setting of this name; `allow_open_servers` likewise.
    """
    if is_loopback(host):
        return ""
    if not is_restricted and not allow_open_servers:
        return (
            f"{protocol} on {host} would be open to whoever reaches this machine: name a security group that exists "
            "in the server's EndpointDetails.SecurityGroupIds, or set allow_open_servers = true "
            "(--allow-open-servers) and start Crossdock again"
        )
    if protocol is FileProtocol.FTP and not allow_public_ftp and is_public(host):
        return (
            f"FTP sends passwords unencrypted, and {host} may be reached from the Internet: listen on a private "
            "address, or set allow_public_ftp = true (--allow-public-ftp) and start Crossdock again"
        )
    return ""


def is_loopback(host: str) -> bool:
    """Only this machine reaches it. A host name but `localhost` (RFC 6761 §6.3) may be anything."""
    address = _address(host)
    return host.lower() in _LOOPBACK_NAMES if address is None else address.is_loopback


def is_public(host: str) -> bool:
    """The Internet may reach it: a global address, a name, and every wildcard.

    Which addresses a machine has does not tell: behind NAT a machine with a private one may be reached all the same.
    """
    address = _address(host)
    return address is None or address.is_global or address.is_unspecified


def _address(host: str) -> Address | None:
    try:
        # A link-local address may have its zone; `::ffff:127.0.0.1` is loopback.
        ip_address(host)
        return parse_address(host)
    except ValueError:
        return None
