"""The identity provider SERVICE_MANAGED: the server knows its users itself, by their SSH keys alone.

Source: AWS Transfer Family User Guide, "Working with service-managed users".
"""

from crossdock.core.errors import FileError
from crossdock.core.logins import LoginAttempt, PublicKey
from crossdock.core.servers import Server
from crossdock.ports.authority import IdentityAnswer
from crossdock.ports.users import UserDirectory


class ManagedIdentityProvider:
    """Says which keys a user has; whether the offered one is among them is the login check's to decide."""

    def __init__(self, users: UserDirectory) -> None:
        self._users = users

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        # Whether there is such a user is not looked up for a password, so that the time tells nothing of it.
        if not isinstance(attempt.credential, PublicKey):
            return _nobody("service-managed users have no passwords: they log in with SSH keys")
        try:
            user = await self._users.user(server, attempt.username)
        except FileError as error:
            return IdentityAnswer(identity=None, response="", status_code=500, message=str(error))
        if user is None:
            return _nobody(f"the server has no user {attempt.username}")
        if not user.public_keys:
            return _nobody(f"No public keys found: the user {attempt.username} has none")
        return IdentityAnswer(identity=user.identity, response="", status_code=200, message="")


def _nobody(reason: str) -> IdentityAnswer:
    return IdentityAnswer(identity=None, response="", status_code=200, message=reason)
