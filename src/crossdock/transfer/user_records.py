"""How service-managed users are kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crossdock.core.arns import transfer_user_arn
from crossdock.operations.call import Call
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec, Transaction
from crossdock.transfer.faults import unknown_server, unknown_user
from crossdock.transfer.server_records import SERVERS, ServerRecord

ServerKey = tuple[str, str, str]
"""Account, region and server id: what the key of everything of a server begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """`body` is the public key in its one-line form, with its comment."""

    key_id: str
    body: str
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user as its owner configured it, `settings` in AWS's spelling; the oldest key first."""

    user_name: str
    settings: dict[str, Any]
    keys: tuple[SshKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCount:
    users: int


USERS: Records[UserRecord] = Records(TableSpec(name="transfer_users"), UserRecord)
COUNTS: Records[UserCount] = Records(TableSpec(name="transfer_user_counts"), UserCount)
"""How many users a server has: a server may have thousands, and is described often."""


def server_key(call: Call) -> ServerKey:
    """Of the server that the call names, in the caller's account and region."""
    return call.account_id, call.region, call.params["ServerId"]


def user_arn(call: Call, user_name: str) -> str:
    return str(transfer_user_arn(call.region, call.account_id, call.params["ServerId"], user_name))


async def find_server_of_users(tx: Transaction, call: Call) -> ServerRecord:
    """Raises ServiceError ResourceNotFoundException."""
    server = await SERVERS.get(tx, *server_key(call))
    if server is None:
        raise unknown_server(call.params["ServerId"])
    return server


async def find_user(tx: Transaction, call: Call) -> UserRecord:
    """The user that the call names. Raises ServiceError ResourceNotFoundException, of the server or of the user."""
    await find_server_of_users(tx, call)
    user = await USERS.get(tx, *server_key(call), call.params["UserName"])
    if user is None:
        raise unknown_user(call.params["UserName"])
    return user


async def count_users(tx: Transaction, key: ServerKey) -> int:
    kept = await COUNTS.get(tx, *key)
    # A server that had users before they were counted has no row yet.
    return len(await USERS.everything(tx, *key)) if kept is None else kept.users


async def add_user(tx: Transaction, key: ServerKey, user: UserRecord) -> None:
    """Raises VersionConflict when the name is taken."""
    before = await count_users(tx, key)
    await USERS.put(tx, user, *key, user.user_name, is_new=True)
    await COUNTS.put(tx, UserCount(users=before + 1), *key)


async def drop_user(tx: Transaction, key: ServerKey, user_name: str) -> None:
    """For a user that is there."""
    before = await count_users(tx, key)
    await USERS.delete(tx, *key, user_name)
    await COUNTS.put(tx, UserCount(users=before - 1), *key)


async def drop_all_users(tx: Transaction, key: ServerKey) -> None:
    """For a server that is deleted: nothing of its users stays."""
    for user in await USERS.everything(tx, *key):
        await USERS.delete(tx, *key, user.user_name)
    await COUNTS.delete(tx, *key)
