"""How a password comes in (RFC 4252 §8).

asyncssh's own passes it through SASLprep first, which makes one of several passwords, and drops a connection whose
password that does not admit. A provider is to get what was typed, as over FTP.
"""

from typing import TYPE_CHECKING

from asyncssh.auth import ServerAuth
from asyncssh.packet import SSHPacket

if TYPE_CHECKING:
    from crossdock.sftp.ssh_connection import SshConnection


class PasswordAuth(ServerAuth):
    """One request. A password that is no UTF-8 is nobody's, and none is changed here: both are failures."""

    _conn: "SshConnection"

    async def _start(self, packet: SSHPacket) -> None:
        self._conn.has_begun(self)
        is_change = packet.get_boolean()
        password = packet.get_string()
        if is_change:
            packet.get_string()
        packet.check_end()
        text = _text(password)
        if text is not None and not is_change and await self._conn.validate_password(self._username, text):
            await self.send_success()
        else:
            self.send_failure()


def _text(password: bytes) -> str | None:
    try:
        return password.decode()
    except UnicodeDecodeError:
        return None
