"""Who logs in on a connection: what asyncssh asks of them, and the session that comes of it."""

from crossdock.core.logins import Factor, Password, Refusal, SshFacts
from crossdock.files.session import Session
from crossdock.files.ssh_login import Partial, SshLogin


class Applicant:
    """`session` is there once, and as soon as, every factor that is needed was shown."""

    def __init__(self, login: SshLogin) -> None:
        self._login = login
        self._username = ""
        self._is_partial = False
        self.session: Session | None = None

    def learned(self, facts: SshFacts) -> None:
        """What the key exchange has brought, for the log."""
        self._login.facts = facts

    def begin(self, username: str) -> None:
        """From now on this name is tried."""
        self._username = username

    def may_show(self, factor: Factor) -> bool:
        return factor in self._login.methods(self._username)

    async def offered(self, username: str, key_line: str) -> bool:
        """Whether a key would do, if it were proved."""
        return await self._login.offered(username, key_line)

    async def proved(self, username: str, key_line: str) -> bool:
        """Whether the key, whose signature was verified, has logged the user in."""
        return self._decided(await self._login.proved(username, key_line))

    def unfit(self, username: str, key_line: str, reason: str) -> None:
        """A key is refused before anybody is asked about it, or did not sign what it should have: note that."""
        self._login.unfit(username, key_line, reason)

    async def password(self, username: str, password: str) -> bool:
        return self._decided(await self._login.password(username, Password(password)))

    def take_partial_success(self) -> bool:
        """Whether what logged nobody in just now was nevertheless accepted, as one factor of several."""
        is_partial, self._is_partial = self._is_partial, False
        return is_partial

    def _decided(self, outcome: Session | Partial | Refusal) -> bool:
        self._is_partial = isinstance(outcome, Partial)
        if isinstance(outcome, Session):
            self.session = outcome
        return isinstance(outcome, Session)
