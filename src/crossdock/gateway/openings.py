"""Opens one endpoint on the address that it should have, or says why it cannot."""

import errno
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from crossdock.core.endpoint_addresses import PIN_TAG, Address, BadPin, candidates, parse_pins, pin_example
from crossdock.core.servers import Endpoint, FileProtocol, Server, ServerState
from crossdock.gateway.claims import owner, stray_pins
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
        self._held: dict[Place, Address] = {}

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
        self._held.pop(place, None)

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
        before = (one for one in known if (one.server_id, one.protocol) == (server.server_id, protocol))
        blank = next(before, None) or self.blank(server, protocol)
        if protocol not in self._edges:
            return replace(blank, state=ServerState.OFFLINE, message=f"{protocol} is not served yet"), None
        address = Address(host=blank.host, port=blank.port)
        try:
            if strays := stray_pins(server):
                raise BadPin(
                    f"the tag {PIN_TAG} is for {', '.join(strays)}, which the server does not have: "
                    f"write {pin_example(protocol)}"
                )
            address, outcome = await self._first_that_opens(server, protocol, blank, known, servers)
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
        return _failed(blank, address, outcome), None

    async def _first_that_opens(
        self,
        server: Server,
        protocol: FileProtocol,
        blank: Endpoint,
        known: Sequence[Endpoint],
        servers: Collection[Server],
    ) -> tuple[Address, Listener | str]:
        """The listener, or why there is none, and the address that was tried last. Raises BadPin."""
        place = (server.server_id, protocol)
        sharing = sharing_places(server, protocol, servers)
        if protocol is FileProtocol.FTP:
            # A port that both had before is FTP's when FTPS needs another by now (implicit TLS).
            known = [one for one in known if (one.server_id, one.protocol) != (server.server_id, FileProtocol.FTPS)]

        def belongs_to(address: Address) -> Place | None:
            return owner(address, sharing, held=self._held, known=known, servers=servers)

        address = Address(host=self._host, port=self._default_ports.get(protocol, 0))
        for candidate in candidates(
            pin=parse_pins(server.tags).get(protocol),
            kept_port=blank.port if blank.was_bound else 0,
            beside=next((self._held[one] for one in sharing - {place} if one in self._held), None),
            host=self._host,
            default_port=address.port,
            reserved=frozenset(self._default_ports.values()),
            is_free=lambda address: belongs_to(address) is None,
        ):
            address = candidate.address
            if (other := belongs_to(address)) is not None:
                return address, _whose(address, server, protocol, other[0], servers)
            if objection := self.objection(server, protocol, address.host):
                return address, objection
            self._held[place] = address
            try:
                listener = await self._edges[protocol].open(server, protocol, address.host, address.port)
            except OSError as error:
                if candidate.must_be_had or error.errno != errno.EADDRINUSE:
                    return address, _why_not(protocol, address, error)
                continue
            self._held[place] = replace(address, port=listener.port)
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


def _failed(blank: Endpoint, address: Address, message: str) -> Endpoint:
    """What is known of the endpoint stays, so that a later start takes the same ports."""
    return replace(
        blank,
        state=ServerState.START_FAILED,
        host=address.host,
        port=address.port,
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
