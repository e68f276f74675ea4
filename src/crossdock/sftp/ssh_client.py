"""One SSH client as what asyncssh calls the owner of its connection: from its first byte to its last consequence."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncssh

from crossdock.core.logins import Factor
from crossdock.core.servers import Server
from crossdock.files.unbroken import unbroken
from crossdock.settings import SftpSettings
from crossdock.sftp.conversation import Means
from crossdock.sftp.ssh_applicant import Applicant
from crossdock.sftp.ssh_channel import Channels, SftpChannel
from crossdock.sftp.turnstile import Turnstile

if TYPE_CHECKING:
    from crossdock.sftp.fast_path import FastPath, FastPaths

_log = logging.getLogger(__name__)

STOPPED = "the server was stopped"
FRESH_S = 1.0
"""So old an answer has arrived, or never will."""
PARTING_S = 2.0
"""What a client has to read its last answers and to leave, before it is disconnected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the clients of one endpoint share. Without `paths` their data takes asyncssh's way."""

    means: Means
    settings: SftpSettings
    paths: "FastPaths | None" = None
    turnstile: Turnstile = field(default_factory=Turnstile)


class SshClient(asyncssh.SSHServer):
    """`left` is called once, when everything is over: the connection lost, every upload committed or discarded.

    asyncssh answers False to whatever is not overridden here: forwarding of ports, sockets and devices.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        server: Server,
        applicant: Applicant,
        *,
        source_ip: str,
        left: Callable[["SshClient"], None],
    ) -> None:
        self._means = surroundings.means
        self._settings = surroundings.settings
        self._server = server
        self._applicant = applicant
        self._source_ip = source_ip
        self._left = left
        self._loop = asyncio.get_running_loop()
        self._conn: asyncssh.SSHServerConnection | None = None
        self._is_banner_due = bool(server.pre_login_banner)
        self._paths = surroundings.paths
        self._path: FastPath | None = None
        self._channels = Channels(surroundings.means, self._take_path, at_rest=self._rested)
        self._is_draining = False
        self._parting: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._is_lost = False
        self._reason = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        for timer in (self._idle, self._parting):
            if timer is not None:
                timer.cancel()
        _note_end(exc, {"server_id": self._server.server_id, "source_ip": self._source_ip})
        reason = self._reason or ("" if exc is None else str(exc))
        self._means.tasks.start(unbroken(self._leave(reason)), name="ssh end")

    def socket_is_full(self, is_so: bool) -> None:
        self._channels.socket_is_full(is_so)

    def drain(self) -> None:
        """End as soon as no file is open and no answer is owed: now, for who has not logged in."""
        self._is_draining = True
        if self._is_lost or self._channels.is_busy:
            return
        if self._channels.last_active + FRESH_S < self._loop.time() or not len(self._channels):
            self.cut(STOPPED)
        elif self._parting is None:
            # OpenSSH's client forgets what it has received when it is disconnected, an answer that it waited for too.
            # A channel that is closed it reads to its end.
            self._channels.end()
            self._parting = self._loop.call_later(PARTING_S, self.cut, STOPPED)

    def cut(self, reason: str) -> None:
        """Say goodbye and close, now: an upload that is not yet being committed is lost."""
        self._reason = self._reason or reason
        if self._conn is not None:
            self._conn.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    # The login.

    def begin_auth(self, username: str) -> bool:
        self._applicant.begin(username)
        if self._is_banner_due and self._conn is not None:
            self._is_banner_due = False
            self._conn.send_auth_banner(self._server.pre_login_banner)
        return True

    def public_key_auth_supported(self) -> bool:
        return self._applicant.may_show(Factor.PUBLIC_KEY)

    def password_auth_supported(self) -> bool:
        return self._applicant.may_show(Factor.PASSWORD)

    def auth_completed(self) -> None:
        self._idle = self._loop.call_later(self._settings.idle_timeout_s, self._look)

    # After it.

    def session_requested(self) -> SftpChannel:
        if self._is_draining:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, STOPPED)
        most = self._settings.channels_per_connection
        if self._applicant.session is None or len(self._channels) >= most:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, f"a connection may have {most} channels at once"
            )
        return self._channels.add(self._applicant.session)

    def _take_path(self) -> "FastPath | None":
        """The fast path, from the first channel on that serves files; asked for once, since it may be refused."""
        paths, self._paths = self._paths, None
        if paths is not None and self._conn is not None:
            self._path = paths.take_over(self._conn)
        return self._path

    def _rested(self) -> None:
        """Nothing is under way in a channel any more, but for the answer that is sent when this returns."""
        if self._is_draining:
            self._loop.call_soon(self.drain)

    def _look(self) -> None:
        """One timer, moved only when it fires."""
        expires = self._channels.last_active + self._settings.idle_timeout_s
        if expires <= self._loop.time():
            self.cut("the session was idle for too long")
        else:
            self._idle = self._loop.call_at(expires, self._look)

    async def _leave(self, reason: str) -> None:
        try:
            await self._channels.closed()
        finally:
            if self._applicant.session is not None:
                self._applicant.session.disconnected(reason)
            self._left(self)


def _note_end(exc: Exception | None, extra: dict[str, str]) -> None:
    """Clients go as they like, and checkers of health before they have said anything."""
    if exc is None or isinstance(exc, asyncssh.ConnectionLost | OSError):
        return
    if isinstance(exc, asyncssh.Error):
        _log.info("ssh connection refused", extra={**extra, "reason": str(exc)})
    else:
        _log.error("ssh connection failed", exc_info=exc, extra=extra)
