"""What a client hears for whom there is no room: SSH's own words, said before SSH has begun.

A constant, written once to a socket that has room for it. Some clients are then still saying something themselves; were
the connection closed under that, they would be reset and hear nothing. So a few are listened to for a moment, without
anything being made of it; of a flood, all others are closed at once.

Source: RFC 4253 §4.2 (identification), §6 (packets, as yet without encryption), §11.1 (SSH_MSG_DISCONNECT).
"""

import asyncio

from asyncssh.constants import MSG_DISCONNECT
from asyncssh.packet import Byte, String, UInt32

from crossdock.operations.listening import Lobby
from crossdock.sftp.ssh_options import VERSION

MOST_HEARD_OUT = 64
"""So many at once are listened to."""
HEARD_OUT_S = 2.0

_TOO_MANY_CONNECTIONS = 12
_BLOCK, _LEAST_PADDING = 8, 4


def _packet(payload: bytes) -> bytes:
    padding = _LEAST_PADDING + -(4 + 1 + len(payload) + _LEAST_PADDING) % _BLOCK
    return UInt32(1 + len(payload) + padding) + Byte(padding) + payload + bytes(padding)


TOO_MANY_CONNECTIONS = f"SSH-2.0-{VERSION}\r\n".encode() + _packet(
    Byte(MSG_DISCONNECT) + UInt32(_TOO_MANY_CONNECTIONS) + String("Too many connections") + String("en")
)


class Farewells:
    """Sends clients away. Who is still listened to is in the `lobby`."""

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._count = 0

    def too_many(self, transport: asyncio.Transport) -> None:
        transport.write(TOO_MANY_CONNECTIONS)
        if self._count >= MOST_HEARD_OUT or transport.is_closing():
            transport.close()
            return
        self._count += 1
        transport.set_protocol(_HeardOut(self._lobby, transport))
        self._lobby.enter(transport, self._heard_out)
        transport.write_eof()
        transport.resume_reading()

    def _heard_out(self) -> None:
        self._count -= 1


class _HeardOut(asyncio.BufferedProtocol):
    """Reads into nothing, until the client has closed or for long enough."""

    def __init__(self, lobby: Lobby, transport: asyncio.Transport) -> None:
        self._lobby = lobby
        self._transport = transport
        self._nothing = bytearray(1024)
        self._timer = asyncio.get_running_loop().call_later(HEARD_OUT_S, transport.abort)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._nothing

    def buffer_updated(self, nbytes: int) -> None: ...

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._lobby.leave(self._transport)
