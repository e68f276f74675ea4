"""Which endpoints may lie on one port: FTP and FTPS, told apart by AUTH TLS, and servers told apart by HOST. Pure."""

from collections.abc import Collection

from crossdock.core.endpoint_addresses import PIN_TAG, Address, BadPin, parse_pins
from crossdock.core.servers import HOSTNAME_TAG, FileProtocol, Server

Place = tuple[str, FileProtocol]
"""A server's id and one of its protocols."""

_BY_AUTH = (FileProtocol.FTP, FileProtocol.FTPS)


def sharing_places(server: Server, protocol: FileProtocol, servers: Collection[Server]) -> frozenset[Place]:
    """The places that may have the same port as this protocol of this server, its own included.

    Another server's only when it is of the same account, and both are pinned to that very address and have host names
    (RFC 7151): an owner who does not say so means a port of its own, and clients that do not say HOST, with their
    passwords, must never meet another account's server because the one that they mean is stopped.
    """
    own = (server.server_id, protocol)
    if not _is_shareable(server, protocol):
        return frozenset({own})
    address = _pinned(server, protocol)
    return frozenset(
        {own}
        | {(server.server_id, one) for one in _BY_AUTH if _is_shareable(server, one)}
        | {
            (other.server_id, one)
            for other in servers
            if other.server_id != server.server_id
            and other.account_id == server.account_id
            and server.hostname
            and other.hostname not in ("", server.hostname)
            for one in _BY_AUTH
            if address is not None and _is_shareable(other, one) and _pinned(other, one) == address
        }
    )


def missing_to_share(server: Server, protocol: FileProtocol, other: Server) -> str:
    """What keeps two servers of an account from having one port, as the beginning of a sentence; empty when nothing can
    be done about it."""
    if other.server_id == server.server_id or not _is_shareable(server, protocol):
        return ""
    theirs = [_pinned(other, one) for one in _BY_AUTH if _is_shareable(other, one)]
    missing = []
    if theirs and (_pinned(server, protocol) is None or _pinned(server, protocol) not in theirs):
        missing.append(f"pin both to the same address with the tag {PIN_TAG}")
    if theirs and (not (server.hostname and other.hostname) or server.hostname == other.hostname):
        missing.append(f"give each a host name of its own with the tag {HOSTNAME_TAG}")
    return f"to share it, {' and '.join(missing)}; or " if missing else ""


def _is_shareable(server: Server, protocol: FileProtocol) -> bool:
    is_implicit = protocol is FileProtocol.FTPS and server.is_tls_implicit
    return protocol in _BY_AUTH and protocol in server.protocols and not is_implicit


def _pinned(server: Server, protocol: FileProtocol) -> Address | None:
    try:
        return parse_pins(server.tags).get(protocol)
    except BadPin:
        return None  # its own start says what is wrong with it
