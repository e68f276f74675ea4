"""asyncssh's server connection with what it does not offer: partial success, a limit of attempts, policies for keys,
one request after the other, and word of a socket that takes no more.

Overridden is what asyncssh calls itself by; `tests/sftp/test_ssh_connection.py` notices when a new asyncssh does not.

Source: RFC 4252 §5.1 (partial success, requests in order), §7 (keys); RFC 8332 (what RSA keys sign with).
"""

import asyncio
from collections.abc import Callable

import asyncssh
from asyncssh.auth import ServerAuth
from asyncssh.packet import SSHPacket

from crossdock.core.logins import SshFacts
from crossdock.sftp.ssh_applicant import Applicant
from crossdock.sftp.ssh_guard import GuardedConnection
from crossdock.sftp.ssh_password import PasswordAuth
from crossdock.sftp.ssh_public_key import PublicKeyAuth, ShownKey
from crossdock.sftp.ssh_thrift import ThriftyConnection
from crossdock.sftp.turnstile import Turnstile

DISC_NO_MORE_AUTH_METHODS = 14
USERAUTH = b"ssh-userauth"
REQUESTS_PER_ATTEMPT = 4
"""A client may ask about a key and then sign with it; who sends far more requests than may fail waits for no answer."""


class BareChannel(asyncssh.SSHServerChannel[bytes]):
    """asyncssh's, but for a client's environment, which asyncssh would keep without a limit."""

    def _process_env_request(self, packet: SSHPacket) -> bool:
        return False


class SshConnection(GuardedConnection, ThriftyConnection):
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
        is_proxied: bool,
        socket_is_full: Callable[[bool], None],
        turnstile: Turnstile,
        is_thrifty: bool = False,
    ) -> None:
        super().__init__(options, turnstile)
        self.is_thrifty = is_thrifty
        self._protocol_factory = lambda: owner
        self._applicant = applicant
        self._attempts = attempts
        self._is_proxied = is_proxied
        self._failed = 0
        self._requests = 0
        self._method = b""
        self._socket_is_full = socket_is_full

    def send_newkeys(self, k: bytes, h: bytes) -> None:
        kex = "" if self._kex is None else self._kex.algorithm.decode("ascii", "replace")
        super().send_newkeys(k, h)
        inwards, outwards = self.get_extra_info("recv_cipher"), self.get_extra_info("send_cipher")
        client = str(self.get_extra_info("client_version"))
        header = "applied" if self._is_proxied else "ignored" if self.has_skipped_header else ""
        self._applicant.learned(SshFacts(client=client, ciphers=f"{inwards},{outwards}", kex=kex, proxy_header=header))

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
            self._begin(PasswordAuth, begin_auth, method, packet)
        elif method == b"publickey":
            self._begin(PublicKeyAuth, begin_auth, method, packet)
        else:
            await super()._finish_userauth(begin_auth, method, packet)
        # asyncssh gives a request up, unanswered, when the next comes: whoever sends many at once could so try many
        # passwords in the time of one.
        if self._auth is not None and (task := self._auth.task) is not None:
            if task.done():
                self._auth = None  # it was over before it was noted by who began it
            else:
                await asyncio.wait([task])

    def _begin(self, auth: type[ServerAuth], is_new_name: bool, method: bytes, packet: SSHPacket) -> None:
        if self.is_closed():
            return
        if is_new_name:
            self._owner.begin_auth(self._username)
        is_possible = self.password_auth_supported() if auth is PasswordAuth else self.public_key_auth_supported()
        if is_possible:
            self._auth = auth(self, self._username, method, packet)
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
            # paramiko asks for the service before each attempt, as OpenSSH allows and asyncssh does not.
            self._next_service = USERAUTH
            super().send_userauth_failure(is_partial)

    async def validate_key(self, username: str, key: ShownKey) -> bool:
        """Whether a key would do, or, if it was signed with, whether it has logged the user in."""
        applicant, admitted = self._applicant, self._sig_algs
        if objection := key.objection(admitted):
            applicant.unfit(username, key.line, objection)
            return False
        is_listed = await applicant.offered(username, key.line)
        if not is_listed or not key.signed:
            return is_listed
        if not key.is_proof(self._session_id, admitted):
            applicant.unfit(username, key.line, "the signature is not this key's")
            return False
        return await applicant.proved(username, key.line)

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._applicant.password(username, password)

    def check_key_permission(self, permission: str) -> bool:
        """None: ports, sockets, agents and terminals are refused as prohibited, not as if a port were closed."""
        return False

    def create_server_channel(
        self, encoding: str | None = "", errors: str = "", window: int = 0, max_pktsize: int = 0
    ) -> BareChannel:
        """Always of bytes, without terminal, line editor or echo, and of the sizes that the options say."""
        self._update_recv_pktlen(self._max_pktsize)
        return BareChannel(self, self._loop, False, False, False, 0, 0, None, "strict", self._window, self._max_pktsize)

    def _send_away(self) -> None:
        self.disconnect(DISC_NO_MORE_AUTH_METHODS, "Too many authentication failures")
