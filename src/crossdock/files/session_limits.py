"""How many sessions there may be at once, of one server and of one of its users. Pure."""

from typing import Protocol

from crossdock.core.logins import Refusal

_Place = tuple[str, str]


class Place(Protocol):
    """A counted session."""

    def release(self) -> None:
        """Count the session no longer; again is harmless."""


class SessionPlaces(Protocol):
    """Where sessions are counted, in this process or in another."""

    async def take(self, server_id: str, username: str) -> Place | Refusal:
        """Count a session, or say why it is one too many. Who is cancelled meanwhile has no place."""


class SessionPlace:
    """A counted session. Release it when the session ends."""

    __slots__ = ("_is_held", "_limits", "_place")

    def __init__(self, limits: "SessionLimits", place: _Place) -> None:
        self._limits = limits
        self._place = place
        self._is_held = True

    def release(self) -> None:
        """Count the session no longer; again is harmless."""
        if self._is_held:
            self._is_held = False
            self._limits.forget(self._place)


class SessionLimits:
    """Counts sessions of admitted users. Not for several threads.

    Args:
        per_server: 10,000 at AWS, where it cannot be changed (Transfer Family endpoints and quotas).
        per_user: 0 = as many as the server may have. A user is a name on one server.
    """

    def __init__(self, *, per_server: int, per_user: int) -> None:
        self._per_server = per_server
        self._per_user = per_user
        self._of_server: dict[str, int] = {}
        self._of_user: dict[_Place, int] = {}

    def sessions(self, server_id: str) -> int:
        return self._of_server.get(server_id, 0)

    async def take(self, server_id: str, username: str) -> SessionPlace | Refusal:
        """See `SessionPlaces`."""
        return self.acquire(server_id, username)

    def acquire(self, server_id: str, username: str) -> SessionPlace | Refusal:
        """Count a session, or say why it is one too many."""
        place = (server_id, username)
        of_server, of_user = self.sessions(server_id), self._of_user.get(place, 0)
        if of_server >= self._per_server:
            return Refusal(
                reason=f"{of_server} sessions are open on this server, as many as login.sessions_per_server allows"
            )
        if self._per_user and of_user >= self._per_user:
            return Refusal(
                reason=f"{of_user} sessions of this user are open, as many as login.sessions_per_user allows"
            )
        self._of_server[server_id] = of_server + 1
        self._of_user[place] = of_user + 1
        return SessionPlace(self, place)

    def forget(self, place: _Place) -> None:
        """What `SessionPlace.release` calls. Servers and users without sessions are not remembered."""
        server_id, _ = place
        self._of_server[server_id] -= 1
        if not self._of_server[server_id]:
            del self._of_server[server_id]
        self._of_user[place] -= 1
        if not self._of_user[place]:
            del self._of_user[place]
