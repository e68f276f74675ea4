"""Whose an address is, when several servers want it. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import IntEnum

from crossdock.core.endpoint_addresses import Address, BadPin, parse_pins
from crossdock.core.ids import ServerId
from crossdock.core.servers import Endpoint, FileProtocol, Server
from crossdock.gateway.sharing import Place


class Right(IntEnum):
    """Why a place has a claim to an address, the weakest first.

    A port that was once had is kept while its server is stopped, and whoever pins it meanwhile does not get it: clients
    would bring their passwords to the wrong server.
    """

    TRIED = 0
    PINNED = 1
    WAS_BOUND = 2
    HELD = 3


UNKNOWN = (datetime.max.replace(tzinfo=UTC), ServerId(""))
"""The age of what is no server any more: the youngest."""


def owner(
    address: Address,
    sharing: Collection[Place],
    *,
    held: Mapping[Place, Address],
    known: Iterable[Endpoint],
    servers: Collection[Server],
) -> Place | None:
    """The place of others to which the address belongs; None when it is free for those of `sharing`.

    The strongest claim counts, and of two equal ones that of the older server.
    """
    ages = {server.server_id: server.age for server in servers}
    claims = [
        (-right, ages.get(ServerId(place[0]), UNKNOWN), place)
        for place, claimed, right in _claims(held, known, servers)
        if claimed.collides(address)
    ]
    first = min(claims, default=None)
    return None if first is None or first[2] in sharing else first[2]


def _claims(
    held: Mapping[Place, Address], known: Iterable[Endpoint], servers: Iterable[Server]
) -> Iterator[tuple[Place, Address, Right]]:
    for place, address in held.items():
        yield place, address, Right.HELD
    for endpoint in known:
        right = Right.WAS_BOUND if endpoint.was_bound else Right.TRIED
        yield (endpoint.server_id, endpoint.protocol), Address(host=endpoint.host, port=endpoint.port), right
    for server in servers:
        try:
            pins = parse_pins(server.tags)
        except BadPin:
            continue  # It claims nothing; its own start says what is wrong with it.
        for protocol in server.protocols:
            if protocol in pins:
                yield (server.server_id, protocol), pins[protocol], Right.PINNED


def stray_pins(server: Server) -> tuple[FileProtocol, ...]:
    """The protocols that the tag pins and the server has not, where it pins none of those that the server has.

    Raises BadPin.
    """
    pins = parse_pins(server.tags)
    return () if any(protocol in pins for protocol in server.protocols) else tuple(pins)
