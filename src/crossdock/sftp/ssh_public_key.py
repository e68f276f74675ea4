"""How a public key is offered and proved (RFC 4252 §7; RFC 8332 §3).

asyncssh's own goes by what a key can sign with: algorithms that the security policy does not have would do, SHA-1 among
them. Here the algorithm is one of the policy's, or the key is not looked at; and a signature is verified only of a key
that would log the user in, since verifying is work, and the largest keys are those of strangers.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.auth import MSG_USERAUTH_PK_OK, ServerAuth
from asyncssh.packet import PacketDecodeError, SSHPacket, String
from asyncssh.public_key import decode_ssh_public_key

if TYPE_CHECKING:
    from crossdock.sftp.ssh_connection import SshConnection

_RSA = b"ssh-rsa"
_MOST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """What a request says. `signed` is what was signed, but for the session's id; empty where nothing was."""

    algorithm: bytes
    blob: bytes
    signed: bytes = b""
    signature: bytes = b""

    @property
    def line(self) -> str:
        """OpenSSH's one-line form. What is no key makes a line that is none, and is refused as such."""
        kind = self._kind[:_MOST_NAME].decode("ascii", "replace")
        return f"{kind} {base64.b64encode(self.blob).decode()}"

    def objection(self, admitted: Sequence[bytes]) -> str:
        """Why this is not looked at any further; nothing if it is. `admitted` are algorithms of signatures."""
        name = self.algorithm[:_MOST_NAME].decode("ascii", "replace")
        if self.algorithm not in admitted:
            return f"the security policy has no signatures of {name}"
        expected = _RSA if self.algorithm.startswith(b"rsa-sha2-") else self.algorithm
        return "" if self._kind == expected else f"the key is none for {name}"

    def is_proof(self, session_id: bytes, admitted: Sequence[bytes]) -> bool:
        """Whether the key has signed."""
        try:
            # Some clients name another algorithm of their key in the signature than in the request.
            if SSHPacket(self.signature).get_string() not in admitted:
                return False
            return decode_ssh_public_key(self.blob).verify(String(session_id) + self.signed, self.signature)
        except (asyncssh.KeyImportError, asyncssh.ProtocolError, PacketDecodeError):
            return False

    @property
    def _kind(self) -> bytes:
        size = int.from_bytes(self.blob[:4])
        return self.blob[4 : 4 + size]


class PublicKeyAuth(ServerAuth):
    """One request."""

    _conn: "SshConnection"

    async def _start(self, packet: SSHPacket) -> None:
        self._conn.has_begun(self)
        key = read_shown_key(packet)
        if not await self._conn.validate_key(self._username, key):
            self.send_failure()
        elif key.signed:
            await self.send_success()
        else:
            self.send_packet(MSG_USERAUTH_PK_OK, String(key.algorithm), String(key.blob))


def read_shown_key(packet: SSHPacket) -> ShownKey:
    """From behind the method's name on. Raises PacketDecodeError."""
    is_signed = packet.get_boolean()
    algorithm, blob = packet.get_string(), packet.get_string()
    if not is_signed:
        packet.check_end()
        return ShownKey(algorithm=algorithm, blob=blob)
    signed = packet.get_consumed_payload()
    signature = packet.get_string()
    packet.check_end()
    return ShownKey(algorithm=algorithm, blob=blob, signed=signed, signature=signature)
