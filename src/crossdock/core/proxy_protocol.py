"""The PROXY protocol, versions 1 and 2: what a load balancer says of the client, before anything else.

Pure. A header is read of trusted balancers only, and of them always: who may send one is never guessed from what came.

Source: HAProxy, "The PROXY protocol", versions 1 and 2 (proxy-protocol.txt).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from crossdock.core.errors import CrossdockError
from crossdock.core.networks import Network, is_within, normal_address, parse_address
from crossdock.core.ports_text import MAX_PORT

MAX_LINE: Final = 107
"""Bytes of a header of version 1, with its CRLF."""
MAX_BLOCK: Final = 4096
"""Bytes of a header of version 2 in all. The format has room for more than any balancer has to say."""

_V1 = b"PROXY "
_UNKNOWN = b"PROXY UNKNOWN"
_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_FIXED = len(_V2) + 4
_LOCAL, _PROXY = 0x20, 0x21
_MAX_FAMILY, _MAX_TRANSPORT = 3, 2
_STREAM = 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}", re.ASCII)


class BadProxyHeader(CrossdockError):
    """A connection that does not begin with a header of the PROXY protocol; the sentence is for the log."""


@dataclass(frozen=True, slots=True)
class NeedMore:
    """What has come is the beginning of a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyAddress:
    """`host` is a normal address (`networks.normal_address`)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeader:
    """`size` bytes of the connection are the header; what follows is the client's.

    Without a `source` and `destination` the connection's own ends count: the balancer checks the server's health, or
    cannot tell for whom it connects.
    """

    size: int
    source: ProxyAddress | None = None
    destination: ProxyAddress | None = None


def expects_header(address: str, trusted: Sequence[Network]) -> bool:
    """Whether connections of an address begin with a header. Of others nothing is read as one."""
    if not trusted:
        return False
    try:
        return is_within(parse_address(address), trusted)
    except ValueError:
        return False


def is_version_2(data: bytes) -> bool:
    """Whether a header that was parsed is of version 2."""
    return data.startswith(_V2)


def parse_proxy_header(data: bytes) -> ProxyHeader | NeedMore:
    """The header at the beginning of a connection, of which these bytes have come.

    Raises:
        BadProxyHeader: they cannot become one, as early as that can be told.
    """
    if data.startswith(_V2):
        return _parse_block(data)
    if data.startswith(_V1):
        return _parse_line(data)
    if _V2.startswith(data) or _V1.startswith(data):
        return NeedMore()
    raise BadProxyHeader("the connection does not begin with a PROXY protocol header")


def _parse_line(data: bytes) -> ProxyHeader | NeedMore:
    end = data.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE:
            raise BadProxyHeader(f"no end of line in the first {MAX_LINE} bytes")
        return NeedMore()
    size = end + len(b"\r\n")
    if data.startswith(_UNKNOWN) and data[len(_UNKNOWN) : len(_UNKNOWN) + 1] in (b" ", b"\r"):
        return ProxyHeader(size=size)
    try:
        words = data[:end].decode("ascii").split(" ")
    except UnicodeDecodeError as error:
        raise BadProxyHeader("the line is not ASCII") from error
    if len(words) != 6 or words[1] not in _FAMILIES:
        raise BadProxyHeader("the line is not PROXY, TCP4 or TCP6, two addresses and two ports")
    host_of = _FAMILIES[words[1]]
    return ProxyHeader(
        size=size,
        source=ProxyAddress(host=host_of(words[2]), port=_port(words[4])),
        destination=ProxyAddress(host=host_of(words[3]), port=_port(words[5])),
    )


def _parse_block(data: bytes) -> ProxyHeader | NeedMore:
    """A checksum that a balancer adds is skipped with everything else behind the addresses; TCP has its own."""
    if len(data) < _V2_FIXED:
        return NeedMore()
    command, family_and_transport = data[len(_V2)], data[len(_V2) + 1]
    size = _V2_FIXED + int.from_bytes(data[len(_V2) + 2 : _V2_FIXED])
    if command not in (_LOCAL, _PROXY):
        raise BadProxyHeader(f"version and command {command:#04x} are unknown")
    if size > MAX_BLOCK:
        raise BadProxyHeader(f"a header of {size} bytes, more than {MAX_BLOCK}")
    if len(data) < size:
        return NeedMore()
    if command == _LOCAL:
        return ProxyHeader(size=size)
    family, transport = family_and_transport >> 4, family_and_transport & 0x0F
    if family > _MAX_FAMILY or transport > _MAX_TRANSPORT:
        raise BadProxyHeader(f"address family and transport {family_and_transport:#04x} are unknown")
    width = _WIDTHS.get(family)
    if width is None or transport != _STREAM:
        # Addresses that no TCP client has: the balancer cannot tell for whom it connects.
        return ProxyHeader(size=size)
    block = data[_V2_FIXED:size]
    if len(block) < 2 * width + 4:
        raise BadProxyHeader(f"{len(block)} bytes are too few for two addresses and two ports")
    hosts, ports = block[: 2 * width], block[2 * width : 2 * width + 4]
    return ProxyHeader(
        size=size,
        source=ProxyAddress(host=_packed(hosts[:width]), port=int.from_bytes(ports[:2])),
        destination=ProxyAddress(host=_packed(hosts[width:]), port=int.from_bytes(ports[2:])),
    )


_WIDTHS = {1: 4, 2: 16}
"""Bytes of an address, by family."""


def _packed(address: bytes) -> str:
    return normal_address(str(IPv4Address(address) if len(address) == 4 else IPv6Address(address)))


def _tcp4(text: str) -> str:
    try:
        return normal_address(str(IPv4Address(text)))
    except ValueError as error:
        raise BadProxyHeader("an address of TCP4 is no IPv4 address") from error


def _tcp6(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError(text)
        return normal_address(str(IPv6Address(text)))
    except ValueError as error:
        raise BadProxyHeader("an address of TCP6 is no IPv6 address") from error


_FAMILIES: dict[str, Callable[[str], str]] = {"TCP4": _tcp4, "TCP6": _tcp6}


def _port(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > MAX_PORT:
        raise BadProxyHeader("a port is no number up to 65535")
    return int(text)
