"""The Transfer control plane, as the gateway and the login code meet it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from crossdock.core.logins import LoginAttempt
from crossdock.core.servers import Endpoint, Server, ServerState
from crossdock.ports.authority import IdentityAnswer


class ServerFinder(Protocol):
    async def server(self, server_id: str) -> Server | None:
        """The server of this id; None when there is none. Raises Unavailable when that cannot be known."""


class ServerDirectory(ServerFinder, Protocol):
    """The servers there are, for the gateway."""

    async def servers(self) -> Sequence[Server]:
        """The oldest first."""

    def changes(self) -> AsyncIterator[None]:
        """Yields once for every change (or several at once), beginning with one at the start."""

    async def endpoints(self) -> Sequence[Endpoint]:
        """Where the existing servers were last bound, the oldest server first."""

    async def report(
        self, server_id: str, state: ServerState, endpoints: Sequence[Endpoint], *, is_wanted: bool | None = None
    ) -> bool:
        """The gateway tells what became of a server.

        `is_wanted` is the wish that this answers: when the owner wishes otherwise by now, or the server is gone, the
        report comes too late, changes nothing, and False is returned. None = whatever the wish is.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOutcome:
    """What a login would come to: `refusal` is empty when it would be admitted."""

    answer: IdentityAnswer
    refusal: str = ""


class LoginTrial(Protocol):
    """Runs the very code a login runs, for TestIdentityProvider and `explain`; nothing is kept open."""

    async def try_login(self, server: Server, attempt: LoginAttempt) -> LoginOutcome: ...
