"""Servers and users as a Transfer API describes them: AWS's own, or Crossdock's.

Source: AWS Transfer Family API Reference, DescribeServer and DescribeUser.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crossdock.adapters.aws.documents.accounts import Account
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn, Unavailable
from crossdock.core.servers import Server, ServerState
from crossdock.core.users import TransferUser
from crossdock.transfer.server_records import ServerRecord, server_of
from crossdock.transfer.user_directory import user_of
from crossdock.transfer.user_records import SshKey, UserRecord

_MISSING = "ResourceNotFoundException"
_IN_S3 = "S3"
_STRANGERS = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException"})


class Fleet:
    """See `ports.servers.ServerFinder` and `ports.users.UserDirectory`. Each account is asked in its turn, once."""

    def __init__(self, accounts: tuple[Account, ...]) -> None:
        self._accounts = accounts
        self._known: dict[str, tuple[Account, Server]] = {}

    async def server(self, server_id: str) -> Server | None:
        found = await self.reader_of(server_id)
        return None if found is None else found[1]

    async def user(self, server: Server, username: str) -> TransferUser | None:
        found = await self.reader_of(server.server_id)
        if found is None:
            return None
        try:
            told = await found[0].read("transfer", "DescribeUser", ServerId=server.server_id, UserName=username)
        except NotRead as error:
            if error.code == _MISSING:
                return None
            raise _unavailable(error) from error
        settings = {"HomeDirectoryType": "PATH", **told["User"]}
        keys = tuple(_key(one) for one in told["User"].get("SshPublicKeys", ()))
        return user_of(UserRecord(user_name=username, settings=settings, keys=keys))

    async def reader_of(self, server_id: str) -> tuple[Account, Server] | None:
        """The account that may see the server, and what it sees. Raises Unavailable."""
        if server_id in self._known:
            return self._known[server_id]
        lack: NotRead | None = None
        for account in self._accounts:
            try:
                told = await account.read("transfer", "DescribeServer", ServerId=server_id)
            except NotRead as error:
                lack = lack if error.code == _MISSING else lack or error
            else:
                found = self._known[server_id] = account, _server(server_id, told["Server"])
                return found
        if lack is not None:
            raise _unavailable(lack) from lack
        return None


def _key(described: Mapping[str, Any]) -> SshKey:
    return SshKey(
        key_id=described["SshPublicKeyId"], body=described["SshPublicKeyBody"], imported_at=described["DateImported"]
    )


def _server(server_id: str, described: Mapping[str, Any]) -> Server:
    """Raises Unavailable for what is not known here."""
    if described.get("Domain", _IN_S3) != _IN_S3:
        raise Unavailable(
            f"server {server_id} keeps its files in {described['Domain']}, where S3's policies say nothing"
        )
    try:
        arn = parse_arn(described["Arn"])
        state = ServerState(described["State"])
        record = ServerRecord(
            server_id=server_id,
            account_id=arn.account_id,
            region=arn.region,
            settings=dict(described),
            is_wanted=state not in (ServerState.OFFLINE, ServerState.STOPPING),
            state=state,
            created_at=datetime.min.replace(tzinfo=UTC),
        )
        return server_of(record)
    except (InvalidArn, KeyError, ValueError) as error:
        raise Unavailable(f"server {server_id} is described with something that is not known here: {error}") from error


def _unavailable(error: NotRead) -> Unavailable:
    remedy = error.remedy
    if error.code in _STRANGERS:
        remedy = (
            "give a profile with a key that is good there (Crossdock's Transfer API has its own: --transfer-profile)"
        )
    return Unavailable(f"{error}. To change that: {remedy}" if remedy else str(error))
