"""Opens one endpoint on the address that it should have, or says why it cannot."""

import errno
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from crossdock.core.endpoint_addresses import (
    PIN_TAG,
    Address,
    BadPin,
    Candidate,
    candidates,
    parse_pins,
    pin_example,
)
from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.gateway.claims import Addresses, Claims, stray_pins
from crossdock.gateway.edges import Edge, Listener
from crossdock.gateway.sharing import Place, missing_to_share, sharing_places

_log = logging.getLogger(__name__)


Objection = Callable[[Server, FileProtocol, str], str]


class Openings:
    """Who has which address, so that no two endpoints want the same one.

    Args:
        default_ports: each protocol's first port, 0 = the system chooses.
        objection: why a server's protocol must not be opened on a host; empty when it may.
    """

    def __init__(
        self,
        edges: Mapping[FileProtocol, Edge],
        *,
        host: str,
        default_ports: Mapping[FileProtocol, int],
        objection: Objection,
    ) -> None:
        self.objection = objection
        self._edges = edges
        self._host = host
        self._default_ports = default_ports
        self._held, self._meant = Addresses(), Addresses()

    def can_serve(self, protocols: Iterable[FileProtocol]) -> bool:
        """There is an edge for at least one of them."""
        return any(protocol in self._edges for protocol in protocols)

    def blank(self, server: Server, protocol: FileProtocol) -> Endpoint:
        """An endpoint that was never open."""
        return Endpoint(
            server_id=server.server_id,
            account_id=server.account_id,
            region=server.region,
            state=ServerState.OFFLINE,
            protocol=protocol,
            host=self._host,
            port=0,
        )

    def release(self, place: Place) -> None:
        """The endpoint was closed; others may have its address, if its server does not keep it."""
        self._held.drop(place)

    def plan(self, coming: Iterable[Server], *, known: Sequence[Endpoint], servers: Collection[Server]) -> None:
        """Give out addresses in this order, which is then not that in which the servers come to open them.

        A server keeps what is meant for it until it has opened, or is told to `forget` it.
        """
        claims = Claims(known, servers)
        for server in coming:
            for protocol in server.protocols:
                if protocol in self._edges and (address := self._first_free(server, protocol, known, servers, claims)):
                    self._meant.put((server.server_id, protocol), address)

    def forget(self, server_id: str) -> None:
        """The server opens nothing of what was meant for it any more."""
        for protocol in FileProtocol:
            self._meant.drop((server_id, protocol))

    def is_outcast(self, server: Server, protocol: FileProtocol, others: Collection[Server]) -> bool:
        """Whether it lies on one address with another server that does not share it: tags have changed.

        Args:
            others: as their listeners know them. What one of them is to be next does not count against this one.
        """
        address = self._held.get((server.server_id, protocol))
        sharing = sharing_places(server, protocol, others)
        places = ((other.server_id, one) for other in others for one in FileProtocol)
        held = (self._held.get(place) for place in places if place not in sharing)
        return address is not None and any(one is not None and one.collides(address) for one in held)

    async def open(
        self, server: Server, protocol: FileProtocol, *, known: Sequence[Endpoint], servers: Collection[Server]
    ) -> tuple[Endpoint, Listener | None]:
        """Open an endpoint, or describe why it is not: START_FAILED, or OFFLINE when nothing serves the protocol.

        Never raises, so that the server's other endpoints come up.

        Args:
            known: where endpoints were bound before.
            servers: all there are; what their tags pin is theirs.
        """
        blank = self._before(server, protocol, known)
        if protocol not in self._edges:
            return replace(blank, state=ServerState.OFFLINE, message=f"{protocol} is not served yet"), None
        address = Address(host=blank.host, port=blank.port)
        try:
            if strays := stray_pins(server):
                raise BadPin(
                    f"the tag {PIN_TAG} is for {', '.join(strays)}, which the server does not have: "
                    f"write {pin_example(protocol)}"
                )
            address, outcome = await self._first_that_opens(server, protocol, known, servers)
        except BadPin as error:
            outcome = str(error)
        except Exception:
            # The boundary between endpoints: what is wrong with one is not the others' business.
            _log.exception("endpoint not opened", extra={"server_id": server.server_id, "protocol": protocol})
            outcome = f"{protocol} could not be opened because of an error in Crossdock: the service's log has it"
        if not isinstance(outcome, str):
            return _online(blank, address, outcome), outcome
        self.release((server.server_id, protocol))
        _log.error("endpoint not opened", extra={"server_id": server.server_id, "reason": outcome})
        return _failed(blank, address, outcome, passive_ports=self._edges[protocol].passive_ports), None

    def _before(self, server: Server, protocol: FileProtocol, known: Iterable[Endpoint]) -> Endpoint:
        before = (one for one in known if (one.server_id, one.protocol) == (server.server_id, protocol))
        return next(before, None) or self.blank(server, protocol)

    def _first_free(
        self,
        server: Server,
        protocol: FileProtocol,
        known: Sequence[Endpoint],
        servers: Collection[Server],
        claims: Claims,
    ) -> Address | None:
        """The address to try first; None when it is another's, or the server's tag is wrong: its start says so."""
        belongs_to = self._belongs_to(server, protocol, servers, claims)
        try:
            if stray_pins(server):
                return None
            first = next(self._candidates(server, protocol, known, servers, self._held_or_meant, belongs_to), None)
        except BadPin:
            return None
        return first.address if first is not None and belongs_to(first.address) is None else None

    def _candidates(
        self,
        server: Server,
        protocol: FileProtocol,
        known: Iterable[Endpoint],
        servers: Collection[Server],
        address_of: Callable[[Place], Address | None],
        belongs_to: Callable[[Address], Place | None],
    ) -> Iterator[Candidate]:
        """`address_of` tells beside which the endpoint may lie. Raises BadPin."""
        blank = self._before(server, protocol, known)
        others = sharing_places(server, protocol, servers) - {(server.server_id, protocol)}
        return candidates(
            pin=parse_pins(server.tags).get(protocol),
            kept_port=blank.port if blank.was_bound else 0,
            beside=next((address for one in others if (address := address_of(one)) is not None), None),
            host=self._host,
            default_port=self._default_ports.get(protocol, 0),
            reserved=frozenset(self._default_ports.values()),
            is_free=lambda address: belongs_to(address) is None,
        )

    def _belongs_to(
        self, server: Server, protocol: FileProtocol, servers: Collection[Server], claims: Claims
    ) -> Callable[[Address], Place | None]:
        """Tells whose an address is, if it is not the endpoint's to take."""
        sharing = sharing_places(server, protocol, servers)
        # A port that both had before is FTP's when FTPS needs another by now (implicit TLS).
        given_up = (server.server_id, FileProtocol.FTPS) if protocol is FileProtocol.FTP else None

        def belongs_to(address: Address) -> Place | None:
            meant = (one for one in self._meant.at(address.port) if self._held.get(one[0]) is None)
            held = (*self._held.at(address.port), *meant)
            return claims.owner(address, sharing, held=held, given_up=given_up)

        return belongs_to

    def _held_or_meant(self, place: Place) -> Address | None:
        return self._held.get(place) or self._meant.get(place)

    async def _first_that_opens(
        self, server: Server, protocol: FileProtocol, known: Sequence[Endpoint], servers: Collection[Server]
    ) -> tuple[Address, Listener | str]:
        """The listener, or why there is none, and the address that was tried last. Raises BadPin."""
        place = (server.server_id, protocol)
        belongs_to = self._belongs_to(server, protocol, servers, Claims(known, servers))
        address = Address(host=self._host, port=self._default_ports.get(protocol, 0))
        for candidate in self._candidates(server, protocol, known, servers, self._held.get, belongs_to):
            address = candidate.address
            if (other := belongs_to(address)) is not None:
                return address, _whose(address, server, protocol, other[0], servers)
            if objection := self.objection(server, protocol, address.host):
                return address, objection
            self._held.put(place, address)
            try:
                listener = await self._edges[protocol].open(server, protocol, address.host, address.port)
            except OSError as error:
                if candidate.must_be_had or error.errno != errno.EADDRINUSE:
                    return address, _why_not(protocol, address, error)
                continue
            self._held.put(place, replace(address, port=listener.port))
            return address, listener
        return address, f"no port for {protocol} after {address} is free: {_remedy(protocol)}"


def _online(blank: Endpoint, address: Address, listener: Listener) -> Endpoint:
    return replace(
        blank,
        state=ServerState.ONLINE,
        host=address.host,
        port=listener.port,
        passive_ports=listener.passive_ports,
        message="",
        was_bound=True,
    )


def _failed(blank: Endpoint, address: Address, message: str, *, passive_ports: tuple[int, ...]) -> Endpoint:
    """What is known of the endpoint stays, so that a later start takes the same ports, but for what is configured."""
    return replace(
        blank,
        state=ServerState.START_FAILED,
        host=address.host,
        port=address.port,
        passive_ports=passive_ports or blank.passive_ports,
        message=message,
        was_bound=blank.was_bound and address.port == blank.port,
    )


def _whose(address: Address, server: Server, protocol: FileProtocol, owner_id: str, servers: Collection[Server]) -> str:
    """Who has the port, and what to change; of another account's server only that there is one."""
    found = next((one for one in servers if one.server_id == owner_id), None)
    port = f"port {address.port} on {address.host} belongs to"
    if found is None or found.account_id != server.account_id:
        return f"{port} a server of another account: {_remedy(protocol)}"
    hint = missing_to_share(server, protocol, found)
    return f"{port} server {owner_id}: {hint}{_remedy(protocol)}"


def _why_not(protocol: FileProtocol, address: Address, error: OSError) -> str:
    if error.errno is None:
        return str(error)
    if error.errno == errno.EADDRINUSE:
        return f"port {address.port} on {address.host} is in use by another program: stop it, or {_remedy(protocol)}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no address {address.host}: name one that it has in the tag {pin_example(protocol)}"
    if error.errno == errno.EACCES:
        return (
            f"this user may not open port {address.port} on {address.host}: give the service CAP_NET_BIND_SERVICE, "
            f"or {_remedy(protocol)}"
        )
    return f"cannot listen on {address} ({error.strerror or error}): {_remedy(protocol)}"


def _remedy(protocol: FileProtocol) -> str:
    return f"choose another port with the server's tag {pin_example(protocol)}; then start the server again"
