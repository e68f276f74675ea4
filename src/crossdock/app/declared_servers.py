"""The servers of a file made, or changed into what the file has, on the API's road, as administrators of accounts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossdock.app.administrators import AsAdministrator
from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.ports.authority import SecretTexts
from crossdock.settings.servers_file import SECRET, DeclaredServer, DeclaredUser

_FIXED = ("Domain",)
"""What UpdateServer does not take: a server that is there has it already."""


class CannotDeclare(CrossdockError):
    """A server of the file cannot be had as it is there; the message names the server, the call and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDeclarer:
    """`region` is that of servers that name none."""

    administrator: AsAdministrator
    secrets: SecretTexts
    region: str

    async def apply(self, server: DeclaredServer) -> None:
        """Raises CannotDeclare."""
        bodies = [await self._host_key(server, place) for place in server.host_keys]
        tags = [{"Key": key, "Value": value} for key, value in server.tags.items()]
        present = await self._present(server)
        if present is None:
            first_key = {"HostKey": bodies[0]} if bodies else {}
            await self._call(server, "CreateServer", {**server.settings, **first_key, "Tags": tags})
        else:
            changeable = {name: value for name, value in server.settings.items() if name not in _FIXED}
            await self._call(server, "UpdateServer", {"ServerId": server.server_id, **changeable})
            await self._call(server, "TagResource", {"Arn": present["Arn"], "Tags": tags})
        if bodies:
            await self._keep_only_host_keys(server, bodies)
        if server.users is not None:
            await self._keep_only_users(server, server.users)

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
        for user in users:
            named = {"ServerId": server.server_id, "UserName": user.name}
            operation = "UpdateUser" if user.name in present else "CreateUser"
            await self._call(server, operation, {**named, **user.settings})
            await self._keep_only_public_keys(server, user, named)

    async def _keep_only_public_keys(
        self, server: DeclaredServer, user: DeclaredUser, named: Mapping[str, Any]
    ) -> None:
        described = await self._call(server, "DescribeUser", named)
        present = {_blob(key["SshPublicKeyBody"]): key["SshPublicKeyId"] for key in described["User"]["SshPublicKeys"]}
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


def _blob(line: str) -> tuple[str, ...]:
    """Type and body: the comment makes no other key."""
    return tuple(line.split()[:2])


def _failed(server: DeclaredServer, operation: str, error: ServiceError) -> CannotDeclare:
    return CannotDeclare(f"server {server.server_id}: {operation}: {error}")
