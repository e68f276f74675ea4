"""The servers of a file made, or changed into what the file has, on the API's road, as administrators of accounts.

A server that the file declares is marked with a tag, so that it is known as the file's when the file has it no more.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock.app.administrators import AsAdministrator
from crossdock.app.declared_resets import server_resets, user_resets
from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.core.servers import DECLARED_TAG, Server
from crossdock.ports.authority import SecretTexts
from crossdock.settings.servers_file import SECRET, DeclaredServer, DeclaredUser

_FIXED = ("Domain",)
"""What UpdateServer does not take: a server that is there has it already."""

_log = logging.getLogger(__name__)


class CannotDeclare(CrossdockError):
    """A server of the file cannot be had as it is there; the message names the server, the call and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDeclarer:
    """`region` is that of servers that name none."""

    administrator: AsAdministrator
    secrets: SecretTexts
    region: str

    async def apply_all(self, declared: Sequence[DeclaredServer], present: Sequence[Server]) -> None:
        """Have what the file has, and of what it had nothing more; `present` are the servers that there are.

        What cannot be done is an error in the log, and keeps nothing else from being done: one server of the file that
        cannot be had is no reason to let the others down.
        """
        kept = {server.server_id for server in declared}
        for server in present:
            if server.server_id not in kept and _is_declared(server.server_id, server.tags):
                await self._drop(server)
        for one in declared:
            try:
                await self.apply(one)
            except CrossdockError as error:
                _log.error("a declared server is not as the file has it", extra=_told(one.server_id, error))

    async def _drop(self, server: Server) -> None:
        params = {"ServerId": server.server_id}
        try:
            await self.administrator(server.account_id, server.region, "transfer", "DeleteServer", params)
        except CrossdockError as error:
            _log.error("a server that is declared no more cannot be deleted", extra=_told(server.server_id, error))
        else:
            _log.warning("deleted a server that is declared no more", extra={"server_id": server.server_id})

    async def apply(self, server: DeclaredServer) -> None:
        """Raises CannotDeclare, and UnknownAccount."""
        bodies = [await self._host_key(server, place) for place in server.host_keys]
        tags = _tags({**server.tags, DECLARED_TAG: _mark(server.server_id, with_users=server.users is not None)})
        users = server.users
        present = await self._present(server)
        if present is None:
            first_key = {"HostKey": bodies[0]} if bodies else {}
            await self._call(server, "CreateServer", {**server.settings, **first_key, "Tags": tags})
        else:
            changeable = {name: value for name, value in server.settings.items() if name not in _FIXED}
            wanted = {**server_resets(present, changeable), "ServerId": server.server_id}
            await self._call(server, "UpdateServer", wanted)
            if users is None and _texts(present).get(DECLARED_TAG) == _mark(server.server_id, with_users=True):
                users = ()
        if bodies:
            await self._keep_only_host_keys(server, bodies)
        if users is not None:
            await self._keep_only_users(server, users)
        if present is not None:
            # After the users: as long as those of the file are there, the mark says so.
            await self._keep_only_tags(server, present, tags)

    async def _present(self, server: DeclaredServer) -> Mapping[str, Any] | None:
        """The server as it is described; None when there is none."""
        try:
            found = await self._do(server, "DescribeServer", {"ServerId": server.server_id})
        except ServiceError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise _failed(server, "DescribeServer", error) from error
        described: Mapping[str, Any] = found["Server"]
        return described

    async def _keep_only_host_keys(self, server: DeclaredServer, bodies: list[str]) -> None:
        wanted = set[str]()
        for body in bodies:
            params = {"ServerId": server.server_id, "HostKeyBody": body}
            try:
                imported = await self._do(server, "ImportHostKey", params)
                wanted.add(str(imported["HostKeyId"]))
            except ServiceError as error:
                if error.code != "ResourceExistsException":
                    raise _failed(server, "ImportHostKey", error) from error
                wanted.add(str(error.members["Resource"]))
        listed = await self._call(server, "ListHostKeys", {"ServerId": server.server_id})
        for key in listed["HostKeys"]:
            if key["HostKeyId"] not in wanted:
                await self._call(server, "DeleteHostKey", {"ServerId": server.server_id, "HostKeyId": key["HostKeyId"]})

    async def _keep_only_users(self, server: DeclaredServer, users: tuple[DeclaredUser, ...]) -> None:
        present = await self._user_names(server)
        for name in present - {user.name for user in users}:
            await self._call(server, "DeleteUser", {"ServerId": server.server_id, "UserName": name})
            told = {"server_id": server.server_id, "user": name}
            _log.warning("deleted a user that is not declared", extra=told)
        for user in users:
            named = {"ServerId": server.server_id, "UserName": user.name}
            if user.name not in present:
                await self._call(server, "CreateUser", {**named, **user.settings})
            described = (await self._call(server, "DescribeUser", named))["User"]
            if user.name in present:
                settings = {name: value for name, value in user.settings.items() if name != "Tags"}
                await self._call(server, "UpdateUser", {**named, **user_resets(described, settings)})
                await self._keep_only_tags(server, described, user.settings.get("Tags", []))
            await self._keep_only_public_keys(server, user, named, described)

    async def _keep_only_tags(
        self, server: DeclaredServer, described: Mapping[str, Any], tags: Sequence[Mapping[str, str]]
    ) -> None:
        if tags:
            await self._call(server, "TagResource", {"Arn": described["Arn"], "Tags": tags})
        if surplus := sorted(_texts(described).keys() - {tag["Key"] for tag in tags}):
            await self._call(server, "UntagResource", {"Arn": described["Arn"], "TagKeys": surplus})

    async def _keep_only_public_keys(
        self, server: DeclaredServer, user: DeclaredUser, named: Mapping[str, Any], described: Mapping[str, Any]
    ) -> None:
        present = {_blob(key["SshPublicKeyBody"]): key["SshPublicKeyId"] for key in described["SshPublicKeys"]}
        wanted = {_blob(body): body for body in user.public_keys}
        for blob in present.keys() - wanted.keys():
            await self._call(server, "DeleteSshPublicKey", {**named, "SshPublicKeyId": present[blob]})
        for blob, body in wanted.items():
            if blob not in present:
                await self._call(server, "ImportSshPublicKey", {**named, "SshPublicKeyBody": body})

    async def _user_names(self, server: DeclaredServer) -> set[str]:
        names = set[str]()
        token: dict[str, str] = {}
        while True:
            listed = await self._call(server, "ListUsers", {"ServerId": server.server_id, **token})
            names.update(user["UserName"] for user in listed["Users"])
            if "NextToken" not in listed:
                return names
            token = {"NextToken": listed["NextToken"]}

    async def _host_key(self, server: DeclaredServer, place: str) -> str:
        try:
            if place.startswith(SECRET):
                return await self.secrets.text(server.account, server.region or self.region, place.removeprefix(SECRET))
            return await asyncio.to_thread(Path(place).read_text, encoding="utf-8")
        except (OSError, UnicodeDecodeError, CrossdockError) as error:
            raise CannotDeclare(f"server {server.server_id}: the host key {place} cannot be read: {error}") from error

    async def _call(self, server: DeclaredServer, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._do(server, operation, params)
        except ServiceError as error:
            raise _failed(server, operation, error) from error

    async def _do(self, server: DeclaredServer, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self.administrator(server.account, server.region or self.region, "transfer", operation, params)


def _mark(server_id: str, *, with_users: bool) -> str:
    """With the id, so that no server gets it that only took over another's tags."""
    return f"{server_id} with users" if with_users else server_id


def _is_declared(server_id: str, tags: Mapping[str, str]) -> bool:
    return tags.get(DECLARED_TAG) in (_mark(server_id, with_users=False), _mark(server_id, with_users=True))


def _tags(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in texts.items()]


def _texts(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def _told(server_id: str, error: CrossdockError) -> dict[str, str]:
    return {"server_id": server_id, "reason": str(error)}


def _blob(line: str) -> tuple[str, ...]:
    """Type and body: the comment makes no other key."""
    return tuple(line.split()[:2])


def _failed(server: DeclaredServer, operation: str, error: ServiceError) -> CannotDeclare:
    return CannotDeclare(f"server {server.server_id}: {operation}: {error}")
