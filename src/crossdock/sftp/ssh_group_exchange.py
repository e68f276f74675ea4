"""Diffie-Hellman group exchange (RFC 4419) with groups that are large enough.

asyncssh gives a client that asks for a small group one of 1,024 bits. OpenSSH gives nobody less than 2,048.

Source: RFC 8270; OpenSSH's `DH_GRP_MIN` and kexgexs.c.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from asyncssh import kex
from asyncssh.kex_dh import MSG_KEX_DH_GEX_REQUEST, MSG_KEX_DH_GEX_REQUEST_OLD, _KexDHGex
from asyncssh.misc import KeyExchangeFailed
from asyncssh.packet import SSHPacket, UInt32

LEAST_BITS = 2048


class GroupExchange(_KexDHGex):
    """asyncssh's, which is asked for a larger group than the client did if that would do for the client."""

    def _answer(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        asked = packet.get_remaining_payload()
        is_old = pkttype == MSG_KEX_DH_GEX_REQUEST_OLD
        least = 0 if is_old else packet.get_uint32()
        preferred = max(packet.get_uint32(), LEAST_BITS)
        most = 0 if is_old else packet.get_uint32()
        packet.check_end()
        if not is_old and most < max(least, LEAST_BITS):
            raise KeyExchangeFailed(f"the client admits no Diffie-Hellman group of {LEAST_BITS} bits or more")
        enough = UInt32(preferred) if is_old else UInt32(least) + UInt32(preferred) + UInt32(most)
        self._process_request(pkttype, pktid, SSHPacket(enough))
        # Both sides' hash is of what the client said.
        self._gex_data = asked + self._gex_data[len(enough) :]

    _packet_handlers: Mapping[int, Callable[..., None]] = MappingProxyType(
        {
            **_KexDHGex._packet_handlers,
            MSG_KEX_DH_GEX_REQUEST_OLD: _answer,
            MSG_KEX_DH_GEX_REQUEST: _answer,
        }
    )


def demand_large_groups() -> None:
    """From now on asyncssh, in this process, makes every such exchange so."""
    for name, (handler, hash_algorithm, arguments) in list(kex._kex_handlers.items()):
        if handler is _KexDHGex:
            kex._kex_handlers[name] = (GroupExchange, hash_algorithm, arguments)
