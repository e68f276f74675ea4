"""Where an endpoint may listen: what its server's tag pins, the port it had before, the first port that is free."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from crossdock.core.errors import CrossdockError
from crossdock.core.networks import normal_address
from crossdock.core.ports_text import MAX_PORT
from crossdock.core.servers import FileProtocol

PIN_TAG = "crossdock:endpoint"
PORTS_TO_TRY = 200
_FORM = "PROTOCOL=HOST:PORT, for several protocols with commas between them"
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})


class BadPin(CrossdockError, ValueError):
    """A tag that names no address; the message says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{in_brackets(self.host)}:{self.port}"

    def collides(self, other: "Address") -> bool:
        """Both cannot be listened on at the same time. Port 0 is no port yet."""
        if not self.port == other.port != 0:
            return False
        hosts = {_normal_host(self.host), _normal_host(other.host)}
        return len(hosts) == 1 or bool(hosts & _ALL_ADDRESSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`must_be_had`: this address or none, for somebody relies on it."""

    address: Address
    must_be_had: bool


def candidates(
    *,
    pin: Address | None,
    kept_port: int,
    beside: Address | None = None,
    host: str,
    default_port: int,
    reserved: Container[int],
    is_free: Callable[[Address], bool],
) -> Iterator[Candidate]:
    """Addresses to try, the best first.

    A pin is taken as it is, then the port that the endpoint had before, then that of another protocol of its server;
    with the other's host when both are the same port.
    Else the first server of a protocol takes the default port and later ones the next free.

    Args:
        kept_port: 0 when it never had one.
        beside: where an open endpoint is that shares its port.
        default_port: 0 = the system chooses.
        reserved: ports that are meant for something else.
        is_free: no other server has or claims the address; asked when the candidate's turn comes.
    """
    kept, default = Address(host=host, port=kept_port), Address(host=host, port=default_port)
    if pin is not None:
        yield Candidate(address=pin, must_be_had=True)
    elif kept_port and beside is not None and beside.port == kept_port:
        yield Candidate(address=beside, must_be_had=True)
    elif kept_port and is_free(kept):
        yield Candidate(address=kept, must_be_had=True)
    elif beside is not None:
        yield Candidate(address=beside, must_be_had=True)
    elif default_port == 0 or is_free(default):
        yield Candidate(address=default, must_be_had=True)
    else:
        for port in range(default_port + 1, min(default_port + PORTS_TO_TRY, MAX_PORT + 1)):
            address = Address(host=host, port=port)
            if port not in reserved and is_free(address):
                yield Candidate(address=address, must_be_had=False)


def parse_pins(tags: Mapping[str, str]) -> dict[FileProtocol, Address]:
    """What the tag pins; nothing when there is none.

    Raises:
        BadPin: the tag is there and cannot be meant.
    """
    pins: dict[FileProtocol, Address] = {}
    for part in filter(None, (part.strip() for part in tags.get(PIN_TAG, "").split(","))):
        name, _, address = part.partition("=")
        protocol = name.strip().upper()
        if protocol not in FileProtocol.__members__:
            raise BadPin(f"the tag {PIN_TAG} has {part!r}: write {_FORM}")
        if FileProtocol(protocol) in pins:
            raise BadPin(f"the tag {PIN_TAG} has {protocol} twice")
        pins[FileProtocol(protocol)] = _parse_address(address.strip(), part)
    return pins


def pin_example(protocol: FileProtocol) -> str:
    """The tag as an owner would write it, for sentences."""
    return f"{PIN_TAG}={protocol.lower()}=HOST:PORT"


def in_brackets(host: str) -> str:
    """An IPv6 address as it stands before a colon and a port (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host


@lru_cache(maxsize=256)
def _normal_host(host: str) -> str:
    """One spelling for an address, and for the one name that every machine has for itself."""
    try:
        return normal_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        return "127.0.0.1" if name == "localhost" else name


def _parse_address(address: str, part: str) -> Address:
    host, _, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise BadPin(f"the tag {PIN_TAG} has {part!r}: an IPv6 address stands in brackets, [::1]:2121")
    if not (host and port.isascii() and port.isdecimal() and 0 < int(port) <= MAX_PORT):
        raise BadPin(f"the tag {PIN_TAG} has {part!r}: write {_FORM}; a port is 1 to {MAX_PORT}")
    return Address(host=host, port=int(port))
