"""The users that servers know themselves, as the login code meets them."""

from typing import Protocol

from crossdock.core.servers import Server
from crossdock.core.users import TransferUser


class UserDirectory(Protocol):
    """The service-managed users of all servers."""

    async def user(self, server: Server, username: str) -> TransferUser | None:
        """The user of this name, capitals and small letters told apart; None when there is none.

        Raises Unavailable when that cannot be known, or what is kept of the user cannot be used.
        """
