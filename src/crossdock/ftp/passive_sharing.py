"""Which doors share which passive ports: all on one address, and all that a wildcard address covers."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.core.networks import Network, normal_address
from crossdock.ftp.passive import CLAIM_S, PassivePorts

_IPV4_WILDCARD, _IPV6_WILDCARD = "0.0.0.0", "::"


@dataclass(slots=True, kw_only=True)
class SharedPorts:
    """The passive ports of an address (`normal_address`), and how many doors use them.

    `lost` are those that another program had when they were opened.
    """

    address: str
    passive: PassivePorts
    chosen: tuple[int, ...] = ()
    lost: Sequence[int] = ()
    users: int = 0


class PassiveSharing:
    """Opens passive ports with their first user, and closes them with the last. Not for several tasks at once.

    Args:
        ports: of every address; a port of 0 is chosen by the system, and kept for as long as this object lives.
        are_kept: the system chose the ports before; it chooses others for those that another program has by now.
        claim_s: the least time that a port is kept for a session that was told it.
    """

    def __init__(
        self,
        ports: Sequence[int],
        *,
        balancers: Sequence[Network],
        claim_s: float = CLAIM_S,
        are_kept: bool = False,
    ) -> None:
        self._ports = tuple(ports)
        self._may_replace = are_kept or 0 in self._ports
        self._balancers = balancers
        self._claim_s = max(claim_s, CLAIM_S)
        self._shared: dict[str, SharedPorts] = {}

    async def acquire(self, host: str) -> SharedPorts:
        """Those of the address, or of the wildcard that is open and covers it.

        Raises OSError; without an errno, and with a sentence, where no port can be had.
        """
        address = await _resolved(host)
        shared = self._open_for(address) or self._shared.get(address)
        if shared is None:
            passive = PassivePorts(balancers=self._balancers, claim_s=self._claim_s)
            shared = self._shared[address] = SharedPorts(address=address, passive=passive)
        if not shared.users:
            ports = self._ports if not self._may_replace else shared.chosen or self._ports
            self._refuse_beside_own(address, ports)
            try:
                shared.lost = await shared.passive.open(host, ports, replaces=self._may_replace)
            except BaseException:
                shared.passive.close()
                raise
            shared.chosen = shared.passive.ports
        shared.users += 1
        return shared

    def release(self, shared: SharedPorts) -> None:
        shared.users -= 1
        if not shared.users:
            shared.passive.close()

    def _open_for(self, address: str) -> SharedPorts | None:
        in_use = [one for one in self._shared.values() if one.users]
        return next((one for one in in_use if one.address == address or _covers(one.address, address)), None)

    def _refuse_beside_own(self, address: str, ports: Sequence[int]) -> None:
        """A wildcard cannot be listened on beside an address that it covers."""
        for one in self._shared.values():
            if one.users and _covers(address, one.address) and {*ports} & {*one.passive.ports}:
                raise OSError(
                    f"the passive ports cannot be opened on {address}, for they are open on {one.address} for other "
                    "servers of Crossdock: name one address in the tags crossdock:endpoint of all of them"
                )


def _covers(wildcard: str, address: str) -> bool:
    """Whether a listener on the one takes what comes for the other; an IPv6 wildcard takes IPv4 clients too."""
    return wildcard != address and (wildcard == _IPV6_WILDCARD or (wildcard == _IPV4_WILDCARD and ":" not in address))


async def _resolved(host: str) -> str:
    """The address that `listen` takes for a host, in one spelling. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    return normal_address(str(found[0][4][0]))
