"""The servers of a file made, or changed into what the file has, on the API's road, as administrators of accounts.

A server that the file declares is marked with a tag, so that it is known as the file's when the file has it no more.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.model import ServiceModel

from crossdock.app.administrators import AsAdministrator
from crossdock.app.declared_certificates import have_certificate, let_go_of_certificates
from crossdock.app.declared_resets import server_resets, user_resets
from crossdock.app.declared_words import wrong_user_words, wrong_words
from crossdock.app.declaring import CannotDeclare, Road
from crossdock.cloud.accounts import UnknownAccount
from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.core.servers import DECLARED_TAG, FileProtocol, IdentityProviderType, Server
from crossdock.core.ssh_public_keys import BadPublicKey, parse_public_key
from crossdock.ports.authority import SecretTexts
from crossdock.ports.state import State
from crossdock.settings.servers_file import DeclaredServer, DeclaredUser
from crossdock.transfer.host_key_material import read_host_key
from crossdock.transfer.servers import CertificateInFiles, never_in_files

_FIXED = ("Domain",)
"""What UpdateServer does not take: a server that is there has it already."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDeclarer:
    """`region` is that of servers that name none. `in_files`: whether a server shows a certificate of files alone.

    `state` is what `administrator` changes. `model` is Transfer's. `file` is what errors name.
    """

    model: ServiceModel
    administrator: AsAdministrator
    secrets: SecretTexts
    state: State
    region: str
    in_files: CertificateInFiles = never_in_files
    file: Path = Path("servers.toml")

    async def apply_all(self, declared: Sequence[DeclaredServer], present: Sequence[Server]) -> Mapping[str, str]:
        """Have what the file has, and of what it had nothing more; `present` are the servers that there are.

        What cannot be done is an error in the log, and keeps nothing else from being done: one server of the file that
        cannot be had is no reason to let the others down. Returns why, by the ids of such servers of the file.
        """
        kept = {server.server_id for server in declared}
        for server in present:
            if server.server_id not in kept and _is_declared(server):
                await self._drop(server)
        there = {server.server_id: server for server in present}
        failures: dict[str, str] = {}
        for one in declared:
            try:
                await self.apply(one, there=there.get(one.server_id))
            except CrossdockError as error:
                failures[one.server_id] = str(error)
                _log.error("a declared server is not as the file has it", extra=_told(one.server_id, error))
        # Last: what is kept from going must keep nothing else from what the file has.
        await let_go_of_certificates(self.state, self.administrator)
        return failures

    async def _drop(self, server: Server) -> None:
        try:
            road = self._road(server.server_id, server.account_id, server.region)
            await road.call("transfer", "DeleteServer", {"ServerId": server.server_id})
        except CrossdockError as error:
            _log.error("a server that is declared no more cannot be deleted", extra=_told(server.server_id, error))
        else:
            _log.warning("deleted a server that is declared no more", extra={"server_id": server.server_id})

    async def apply(self, server: DeclaredServer, *, there: Server | None = None) -> None:
        """`there` has its id already, in whichever account and region. Raises CannotDeclare."""
        road = self._road(server.server_id, server.account, server.region)
        if wrong := "; ".join(wrong_words(self.model, server)):
            raise road.objection(wrong)
        try:
            present = await _present(road)
        except UnknownAccount as error:
            raise road.objection(f"account, in its [[server]] of {self.file}: {error}") from error
        bodies = [await _host_key(road, place) for place in server.host_keys]
        elsewhere = there if present is None else None
        if elsewhere is not None:
            await self._check_move(server, road, elsewhere)
        settings = {**server.settings, **await self._certificate(server, road)}
        tags = _tags({**server.tags, DECLARED_TAG: _mark(server.server_id, with_users=server.users is not None)})
        users = server.users
        if present is None:
            first_key = {"HostKey": bodies[0]} if bodies else {}
            wanted = {**settings, **first_key, "Tags": tags}
            if elsewhere is None:
                await road.call("transfer", "CreateServer", wanted)
            else:
                await self._move(road, elsewhere, wanted)
        else:
            changeable = {name: value for name, value in settings.items() if name not in _FIXED}
            wanted = {**server_resets(present, changeable), "ServerId": server.server_id}
            await road.call("transfer", "UpdateServer", wanted)
            if users is None and _texts(present).get(DECLARED_TAG) == _mark(server.server_id, with_users=True):
                users = ()
        if bodies:
            await _keep_only_host_keys(road, bodies)
        wrong_users = [] if users is None else await _keep_only_users(self.model, road, users)
        if present is not None:
            # After the users: as long as those of the file are there, the mark says so.
            await _keep_only_tags(road, present, tags)
        if wrong_users:
            raise road.objection("; ".join(wrong_users))

    async def _certificate(self, server: DeclaredServer, road: Road) -> Mapping[str, str]:
        """What CreateServer takes of a certificate that lies in secrets; nothing where the server has none there."""
        if not server.certificate:
            return {}
        if self.in_files(server.server_id):
            raise road.objection(
                "ftps.certificates of the settings has a certificate for it, or for all (*), which comes before one of "
                "secrets: leave one of them out"
            )
        return {"Certificate": await have_certificate(road, server.certificate)}

    async def _check_move(self, server: DeclaredServer, road: Road, there: Server) -> None:
        """Whether the server may be deleted where it is, for no other account or region can have its id.

        Raises CannotDeclare: it is not the file's, something would be lost, or nobody may.
        """
        delete = f"delete that one (aws transfer delete-server --server-id {server.server_id})"
        if not _is_declared(there):
            raise road.objection(
                f"there is one in {_place(there)}, which no file declared: {delete}, or choose another id here"
            )
        if lost := _lost_by_a_move(server, there):
            raise road.objection(
                f"it is in {_place(there)}, and stays there as it was. The file has it elsewhere now; made anew there "
                f"it would lose {' and '.join(lost)}: write them into the file, or {delete}, and start again"
            )
        try:
            await _present(self._road(there.server_id, there.account_id, there.region))
        except UnknownAccount as error:
            raise road.objection(
                f"it is in {_place(there)}, and cannot be deleted there: name that account in the settings ({error})"
            ) from error

    async def _move(self, road: Road, there: Server, wanted: Mapping[str, Any]) -> None:
        """Delete the server where it is, and make it anew. It stays as it was if it cannot be made."""
        try:
            await road.ask("transfer", "CreateServer", wanted)
        except ServiceError as error:
            # That its id is taken comes last of all that CreateServer checks: nothing else is in the way.
            if error.code != "ResourceExistsException":
                raise road.objection(
                    f"it is in {_place(there)}, and stays there as it was: CreateServer: {error}"
                ) from error
        else:
            return  # it was deleted meanwhile
        old = self._road(there.server_id, there.account_id, there.region)
        await old.call("transfer", "DeleteServer", {"ServerId": there.server_id})
        try:
            await road.ask("transfer", "CreateServer", wanted)
        except CrossdockError as error:
            raise road.objection(
                f"CreateServer: {error}; it was deleted in {_place(there)} and is nowhere now"
            ) from error
        told = {"server_id": there.server_id, "account_id": there.account_id, "region": there.region}
        _log.warning("a declared server has moved: it was deleted where it was, and made anew", extra=told)

    def _road(self, server_id: str, account: str, region: str) -> Road:
        return Road(
            server_id=server_id,
            account=account,
            region=region or self.region,
            administrator=self.administrator,
            secrets=self.secrets,
        )


async def _present(road: Road) -> Mapping[str, Any] | None:
    """The server as it is described; None when there is none."""
    try:
        found = await road.ask("transfer", "DescribeServer", {"ServerId": road.server_id})
    except ServiceError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise road.failed("DescribeServer", error) from error
    described: Mapping[str, Any] = found["Server"]
    return described


async def _host_key(road: Road, place: str) -> str:
    """What the place has. Raises CannotDeclare, with the place, which the API's errors could not name."""
    body = await road.text(place, "host key")
    try:
        await asyncio.to_thread(read_host_key, body)
    except ServiceError as error:
        hint = "; it is a public key, and the private one is needed" if _is_public_key(body) else ""
        raise road.objection(f"the host key {place} cannot be used: {error}{hint}") from error
    return body


async def _keep_only_host_keys(road: Road, bodies: list[str]) -> None:
    wanted = set[str]()
    for body in bodies:
        params = {"ServerId": road.server_id, "HostKeyBody": body}
        try:
            imported = await road.ask("transfer", "ImportHostKey", params)
            wanted.add(str(imported["HostKeyId"]))
        except ServiceError as error:
            if error.code != "ResourceExistsException":
                raise road.failed("ImportHostKey", error) from error
            wanted.add(str(error.members["Resource"]))
    listed = await road.call("transfer", "ListHostKeys", {"ServerId": road.server_id})
    for key in listed["HostKeys"]:
        if key["HostKeyId"] not in wanted:
            params = {"ServerId": road.server_id, "HostKeyId": key["HostKeyId"]}
            await road.call("transfer", "DeleteHostKey", params)


async def _keep_only_users(model: ServiceModel, road: Road, users: tuple[DeclaredUser, ...]) -> list[str]:
    """What is wrong with each user that cannot be had, or let go: one keeps no other from logging in."""
    listed = road.listed("transfer", "ListUsers", {"ServerId": road.server_id}, member="Users")
    present = {user["UserName"] async for user in listed}
    wrong = list[str]()

    @contextmanager
    def alone(name: str) -> Iterator[Road]:
        try:
            yield replace(road, about=f"user {name!r}: ")
        except CannotDeclare as error:
            wrong.append(str(error).removeprefix(f"server {road.server_id}: "))

    for name in sorted(present - {user.name for user in users}):
        with alone(name) as own:
            await own.call("transfer", "DeleteUser", {"ServerId": road.server_id, "UserName": name})
            _log.warning("deleted a user that is not declared", extra={"server_id": road.server_id, "user": name})
    for user in users:
        with alone(user.name) as own:
            if words := "; ".join(wrong_user_words(model, user)):
                raise own.objection(words)
            await _have_user(own, user, is_present=user.name in present)
    return wrong


async def _have_user(road: Road, user: DeclaredUser, *, is_present: bool) -> None:
    named = {"ServerId": road.server_id, "UserName": user.name}
    if not is_present:
        await road.call("transfer", "CreateUser", {**named, **user.settings})
    described = (await road.call("transfer", "DescribeUser", named))["User"]
    if is_present:
        settings = {name: value for name, value in user.settings.items() if name != "Tags"}
        await road.call("transfer", "UpdateUser", {**named, **user_resets(described, settings)})
        await _keep_only_tags(road, described, user.settings.get("Tags", []))
    await _keep_only_public_keys(road, user, named, described)


async def _keep_only_tags(road: Road, described: Mapping[str, Any], tags: Sequence[Mapping[str, str]]) -> None:
    if tags:
        await road.call("transfer", "TagResource", {"Arn": described["Arn"], "Tags": tags})
    if surplus := sorted(_texts(described).keys() - {tag["Key"] for tag in tags}):
        await road.call("transfer", "UntagResource", {"Arn": described["Arn"], "TagKeys": surplus})


async def _keep_only_public_keys(
    road: Road, user: DeclaredUser, named: Mapping[str, Any], described: Mapping[str, Any]
) -> None:
    present = {_blob(key["SshPublicKeyBody"]): key["SshPublicKeyId"] for key in described["SshPublicKeys"]}
    wanted = {_blob(body): body for body in user.public_keys}
    for blob in present.keys() - wanted.keys():
        await road.call("transfer", "DeleteSshPublicKey", {**named, "SshPublicKeyId": present[blob]})
    for blob, body in wanted.items():
        if blob not in present:
            await road.call("transfer", "ImportSshPublicKey", {**named, "SshPublicKeyBody": body})


def _is_public_key(text: str) -> bool:
    try:
        parse_public_key(text.strip())
    except BadPublicKey:
        return False
    return True


def _lost_by_a_move(server: DeclaredServer, there: Server) -> list[str]:
    """What a server has that was not in the file, so that it cannot be made anew."""
    lost = list[str]()
    if FileProtocol.SFTP in there.protocols and not server.host_keys:
        lost.append("its host keys (host_keys)")
    if there.identity_provider.kind is IdentityProviderType.SERVICE_MANAGED and server.users is None:
        lost.append("its users ([[server.users]])")
    return lost


def _place(server: Server) -> str:
    return f"account {server.account_id}, region {server.region}"


def _mark(server_id: str, *, with_users: bool) -> str:
    """With the id, so that no server gets it that only took over another's tags."""
    return f"{server_id} with users" if with_users else server_id


def _is_declared(server: Server) -> bool:
    marks = [_mark(server.server_id, with_users=with_users) for with_users in (False, True)]
    return server.tags.get(DECLARED_TAG) in marks


def _tags(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in texts.items()]


def _texts(described: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def _told(server_id: str, error: CrossdockError) -> dict[str, str]:
    return {"server_id": server_id, "reason": str(error)}


def _blob(line: str) -> tuple[str, ...]:
    """Type and body: the comment makes no other key."""
    return tuple(line.split()[:2])
