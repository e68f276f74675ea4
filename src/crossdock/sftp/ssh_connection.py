"""asyncssh's server connection with what it does not offer: partial success, a limit of attempts, policies for keys,
one request after the other, and word of a socket that takes no more.

Overridden is what asyncssh calls itself by; `tests/sftp/test_ssh_connection.py` notices when a new asyncssh does not.

Source: RFC 4252 §5.1 (partial success, requests in order), §7 (keys); RFC 8332 (what RSA keys sign with).
"""

import asyncio
import base64
from collections.abc import Callable
from typing import cast

import asyncssh
from asyncssh.packet import SSHPacket, String
from asyncssh.public_key import decode_ssh_public_key

from crossdock.core.proxy_protocol import BadProxyHeader, NeedMore, parse_proxy_header
from crossdock.sftp.ssh_applicant import Applicant
from crossdock.sftp.ssh_password import PasswordAuth

DISC_NO_MORE_AUTH_METHODS = 14
REQUESTS_PER_ATTEMPT = 4
"""A client may ask about a key and then sign with it; who sends far more requests than may fail waits for no answer."""
MOST_UNHEARD_BYTES = 64 << 10
"""What a client may send ahead of its login's outcome; a packet has at most 35,000 (RFC 4253 §6.1)."""
MOST_UNSENT_BYTES = 256 << 10
"""What may wait for the socket before `socket_is_full` is told; half of it before it is told again."""


class BareChannel(asyncssh.SSHServerChannel[bytes]):
    """asyncssh's, but for a client's environment, which asyncssh would keep without a limit."""

    def _process_env_request(self, packet: SSHPacket) -> bool:
        return False


class SshConnection(asyncssh.SSHServerConnection):
    """`owner` is what asyncssh makes by itself otherwise; with so many failed `attempts` the client is sent away.

    `socket_is_full` is told whether the socket takes no more, so that what is sent piles up here.
    """

    def __init__(
        self,
        options: asyncssh.SSHServerConnectionOptions,
        owner: asyncssh.SSHServer,
        applicant: Applicant,
        *,
        attempts: int,
        socket_is_full: Callable[[bool], None],
    ) -> None:
        super().__init__(asyncio.get_running_loop(), options)
        self._protocol_factory = lambda: owner
        self._applicant = applicant
        self._attempts = attempts
        self._failed = 0
        self._requests = 0
        self._method = b""
        self._socket_is_full = socket_is_full
        self._preface: bytes | None = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).set_write_buffer_limits(MOST_UNSENT_BYTES, MOST_UNSENT_BYTES // 2)
        super().connection_made(transport)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        if self._preface is not None:
            data = self._behind_header(self._preface + data)
        if not self._auth_complete and len(self._inpbuf) + len(data) > MOST_UNHEARD_BYTES:
            self._force_close(asyncssh.ProtocolError("too much was sent ahead of the login's outcome"))
        else:
            super().data_received(data, datatype)

    def _behind_header(self, begin: bytes) -> bytes:
        """What follows a PROXY protocol header, which is not believed: AWS's ProxyConfig NONE. No client begins so."""
        self._preface = None
        try:
            header = parse_proxy_header(begin)
        except BadProxyHeader:
            return begin
        if isinstance(header, NeedMore):
            self._preface = begin
            return b""
        return begin[header.size :]

    def pause_writing(self) -> None:
        self._socket_is_full(True)

    def resume_writing(self) -> None:
        self._socket_is_full(False)

    async def reload_config(self) -> None:
        """There are no files of OpenSSH's kind that a user's name could match."""

    async def _finish_userauth(self, begin_auth: bool, method: bytes, packet: SSHPacket) -> None:
        self._method = method
        self._requests += 1
        if self._requests > REQUESTS_PER_ATTEMPT * self._attempts:
            self._send_away()
            return
        if method == b"password":
            self._begin_password(begin_auth, packet)
        else:
            await super()._finish_userauth(begin_auth, method, packet)
        # asyncssh gives a request up, unanswered, when the next comes: whoever sends many at once could so try many
        # passwords in the time of one.
        if self._auth is not None and self._auth.task is not None:
            await asyncio.wait([self._auth.task])

    def _begin_password(self, is_new_name: bool, packet: SSHPacket) -> None:
        if self.is_closed():
            return
        if is_new_name:
            self._owner.begin_auth(self._username)
        if self.password_auth_supported():
            self._auth = PasswordAuth(self, self._username, b"password", packet)
        else:
            self.send_userauth_failure(False)

    def send_userauth_failure(self, partial_success: bool) -> None:
        is_partial = self._applicant.take_partial_success() or partial_success
        # By "none" clients ask which methods there are (RFC 4252 §5.2).
        if not is_partial and not (self._method == b"none" and self._requests == 1):
            self._failed += 1
        if self._failed >= self._attempts:
            self._send_away()
        else:
            super().send_userauth_failure(is_partial)

    async def validate_public_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """A signature that is not good is no proof; whether its key would have done shows as it does without one."""
        line = _key_line(key_data)
        if not msg:
            return await self._applicant.offered(username, line)
        if not self._is_signed(key_data, msg, signature):
            await self._applicant.offered(username, line)
            return False
        return await self._applicant.proved(username, line)

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._applicant.password(username, password)

    def create_server_channel(
        self, encoding: str | None = "", errors: str = "", window: int = 0, max_pktsize: int = 0
    ) -> BareChannel:
        """Always of bytes, without terminal, line editor or echo, and of the sizes that the options say."""
        self._update_recv_pktlen(self._max_pktsize)
        return BareChannel(self, self._loop, False, False, False, 0, 0, None, "strict", self._window, self._max_pktsize)

    def _is_signed(self, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        try:
            # asyncssh admits whatever the key can sign with, SHA-1 too; the policy may not.
            if SSHPacket(signature).get_string() not in self._sig_algs:
                return False
            return decode_ssh_public_key(key_data).verify(String(self._session_id) + msg, signature)
        except (asyncssh.KeyImportError, asyncssh.ProtocolError, asyncssh.packet.PacketDecodeError):
            return False

    def _send_away(self) -> None:
        self.disconnect(DISC_NO_MORE_AUTH_METHODS, "Too many authentication failures")


def _key_line(key_data: bytes) -> str:
    """OpenSSH's one-line form. What is no key makes a line that is none, and is refused as such."""
    size = int.from_bytes(key_data[:4])
    algorithm = key_data[4 : 4 + min(size, 64)].decode("ascii", "replace")
    return f"{algorithm} {base64.b64encode(key_data).decode()}"
