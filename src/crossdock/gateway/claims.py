"""Whose an address is, when several servers want it. Pure.

All is found by its port: many servers that start at once ask for many ports each.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
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


class Addresses:
    """Which place has which address."""

    def __init__(self) -> None:
        self._of: dict[Place, Address] = {}
        self._at: defaultdict[int, set[Place]] = defaultdict(set)

    def get(self, place: Place) -> Address | None:
        return self._of.get(place)

    def at(self, port: int) -> Iterator[tuple[Place, Address]]:
        return ((place, self._of[place]) for place in self._at.get(port, ()))

    def put(self, place: Place, address: Address) -> None:
        self.drop(place)
        self._of[place] = address
        self._at[address.port].add(place)

    def drop(self, place: Place) -> None:
        if (address := self._of.pop(place, None)) is not None:
            self._at[address.port].discard(place)


class Claims:
    """What servers claim that may not be open now: by their pins, and by where their endpoints were."""

    def __init__(self, known: Iterable[Endpoint], servers: Iterable[Server]) -> None:
        self._ages: dict[str, tuple[datetime, ServerId]] = {}
        self._at: defaultdict[int, list[tuple[Place, Address, Right]]] = defaultdict(list)
        for endpoint in known:
            address = Address(host=endpoint.host, port=endpoint.port)
            right = Right.WAS_BOUND if endpoint.was_bound else Right.TRIED
            self._at[address.port].append(((endpoint.server_id, endpoint.protocol), address, right))
        for server in servers:
            self._ages[server.server_id] = server.age
            for place, address in _pins(server):
                self._at[address.port].append((place, address, Right.PINNED))

    def owner(
        self,
        address: Address,
        sharing: Collection[Place],
        *,
        held: Iterable[tuple[Place, Address]],
        given_up: Place | None = None,
    ) -> Place | None:
        """The place of others to which the address belongs; None when it is free for those of `sharing`.

        The strongest claim counts, and of two equal ones that of the older server.

        Args:
            held: at least what is held of the address's port.
            given_up: it does not come back to where it was.
        """
        before = (one for one in self._at.get(address.port, ()) if one[0] != given_up or one[2] is Right.PINNED)
        claims = [
            (-right, self._ages.get(place[0], UNKNOWN), place)
            for place, claimed, right in (*((*one, Right.HELD) for one in held), *before)
            if claimed.collides(address)
        ]
        first = min(claims, default=None)
        return None if first is None or first[2] in sharing else first[2]


def _pins(server: Server) -> Iterator[tuple[Place, Address]]:
    try:
        pins = parse_pins(server.tags)
    except BadPin:
        return  # It claims nothing; its own start says what is wrong with it.
    for protocol in server.protocols:
        if protocol in pins:
            yield (server.server_id, protocol), pins[protocol]


def stray_pins(server: Server) -> tuple[FileProtocol, ...]:
    """The protocols that the tag pins and the server has not, where it pins none of those that the server has.

    Raises BadPin.
    """
    pins = parse_pins(server.tags)
    return () if any(protocol in pins for protocol in server.protocols) else tuple(pins)
