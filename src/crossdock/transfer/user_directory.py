"""The service-managed users there are, from the state tables, for the login code."""

from collections.abc import Mapping
from typing import Any

from crossdock.core.errors import Unavailable
from crossdock.core.homes import HomeDirectory
from crossdock.core.logins import PosixProfile
from crossdock.core.servers import Server
from crossdock.core.users import TransferUser
from crossdock.operations.remembered import Remembered
from crossdock.ports.state import State
from crossdock.transfer.home_mappings import BadHome, check_mappings, logical_home, path_home
from crossdock.transfer.user_records import USERS, UserRecord


class StateUserDirectory:
    """What it says is what is committed, so that a key that was deleted opens nothing any more."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: Remembered[tuple[str, str, str, str], TransferUser | None] = Remembered(state, self._read)

    async def user(self, server: Server, username: str) -> TransferUser | None:
        return await self._known.get((server.account_id, server.region, server.server_id, username))

    async def _read(self, key: tuple[str, str, str, str]) -> TransferUser | None:
        async with self._state.reading() as tx:
            record = await USERS.get(tx, *key)
        return None if record is None else user_of(record)


def user_of(record: UserRecord) -> TransferUser:
    """Raises Unavailable for a home directory that none can have; such are refused before they are kept."""
    settings = record.settings
    try:
        home = _home(settings, record.user_name)
    except BadHome as error:
        raise Unavailable(f"the home directory of the user {record.user_name} cannot be used: {error}") from error
    return TransferUser(
        username=record.user_name,
        role_arn=settings["Role"],
        home=home,
        session_policy=settings.get("Policy") or None,
        public_keys=tuple(key.body for key in record.keys),
        posix=_posix(settings.get("PosixProfile")),
    )


def _home(settings: Mapping[str, Any], username: str) -> HomeDirectory:
    root = settings.get("HomeDirectory")
    if settings["HomeDirectoryType"] == "PATH":
        return path_home(root)
    return logical_home(check_mappings(settings["HomeDirectoryMappings"]), username=username, start=root)


def _posix(profile: Mapping[str, Any] | None) -> PosixProfile | None:
    if profile is None:
        return None
    return PosixProfile(
        uid=profile["Uid"], gid=profile["Gid"], secondary_gids=tuple(profile.get("SecondaryGids") or ())
    )
