"""A session: a user who was admitted, with the files that are theirs.

The edges hold one per logged-in connection and call nothing of the login code or the store directly.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from crossdock.core.homes import HomeDirectory, initial_directory
from crossdock.core.logins import LoginAttempt, Refusal
from crossdock.core.principals import AssumedRole
from crossdock.core.servers import FileProtocol, Server
from crossdock.files.filesystem import FileSystem
from crossdock.files.session_limits import Place
from crossdock.files.session_log import SessionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`session_id` is 16 hex digits, part of the role session's name and of the log stream's.

    `expires_at` says how long the credentials are good that the login got; they are renewed underneath, so a session
    does not end with them. `filesystem` records what is done through it. `place` is what the session counts as while it
    lasts, None where sessions are not counted.
    """

    session_id: str
    server: Server
    username: str
    source_ip: str
    protocol: FileProtocol
    home: HomeDirectory
    principal: AssumedRole
    expires_at: datetime
    filesystem: FileSystem
    log: SessionLog
    place: Place | None = field(default=None, repr=False, compare=False)

    @property
    def initial_directory(self) -> str:
        """The absolute path where the session starts."""
        return initial_directory(self.home)

    def disconnected(self, reason: str = "") -> None:
        """The connection is gone: note it. Call it once, when every transfer has been committed or discarded."""
        if self.place is not None:
            self.place.release()
        self.log.disconnected(reason)


Admit = Callable[[LoginAttempt], Awaitable[Session | Refusal]]
"""What an edge is given to log a user in: `Admission.admit` of `files/login.py`. A Refusal is answered only after the
failure delay has passed, and the client hears nothing of its reason."""
