"""Service-managed users: CreateUser, DescribeUser, UpdateUser, DeleteUser, ListUsers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crossdock.core.arns import transfer_user_arn
from crossdock.core.ids import hex_id
from crossdock.core.logins import is_username
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result, pass_role
from crossdock.operations.paging import page_key, page_token
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec, Transaction, VersionConflict
from crossdock.transfer.faults import invalid_request, unknown_server, unknown_user, user_exists
from crossdock.transfer.home_mappings import BadHome, check_mappings
from crossdock.transfer.server_records import SERVERS, ServerRecord
from crossdock.transfer.tag_rules import tag_keys, tags_given


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    key_id: str
    body: str
    imported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """A user as its owner configured it, `settings` in AWS's spelling."""

    user_name: str
    settings: dict[str, Any]
    keys: tuple[SshKey, ...]


USERS: Records[UserRecord] = Records(TableSpec(name="transfer_users"), UserRecord)
_SETTINGS = ("Role", "HomeDirectory", "HomeDirectoryType", "HomeDirectoryMappings", "Policy", "PosixProfile", "Tags")


def user_operations() -> dict[str, Operation]:
    return {
        "CreateUser": Operation(handler=create_user, permissions=_role_permissions("CreateUser", on_user=False)),
        "DeleteUser": Operation(handler=delete_user, permissions=_role_permissions("DeleteUser", on_user=True)),
        "DescribeUser": Operation(handler=describe_user, permissions=_role_permissions("DescribeUser", on_user=True)),
        "ListUsers": Operation(handler=list_users, permissions=_role_permissions("ListUsers", on_user=False)),
        "UpdateUser": Operation(handler=update_user, permissions=_role_permissions("UpdateUser", on_user=True)),
    }


async def create_user(call: Call) -> Result:
    name = call.params["UserName"]
    if not is_username(name):
        raise invalid_request("UserName must be 3 to 100 of the characters A-Z a-z 0-9 _ @ . -")
    tags_given(call.params)
    settings = {"HomeDirectoryType": "PATH", **_given(call)}
    _check_home(settings)
    async with call.transaction() as tx:
        await _service_managed_server(tx, call)
        keys = _first_key(call)
        try:
            await USERS.put(
                tx, UserRecord(user_name=name, settings=settings, keys=keys), *_server_key(call), name, is_new=True
            )
        except VersionConflict as error:
            raise user_exists(name) from error
    return {"ServerId": call.params["ServerId"], "UserName": name}


async def describe_user(call: Call) -> Result:
    async with call.reading() as tx:
        user = await _find_user(tx, call)
    keys = [
        {"DateImported": key.imported_at, "SshPublicKeyBody": key.body, "SshPublicKeyId": key.key_id}
        for key in user.keys
    ]
    described = {**user.settings, "Arn": _arn(call, user.user_name), "UserName": user.user_name, "SshPublicKeys": keys}
    return {"ServerId": call.params["ServerId"], "User": described}


async def update_user(call: Call) -> Result:
    async with call.transaction() as tx:
        user = await _find_user(tx, call)
        settings = {**user.settings, **_given(call)}
        if settings["HomeDirectoryType"] == "PATH":
            settings.pop("HomeDirectoryMappings", None)
        _check_home(settings)
        await USERS.put(tx, replace(user, settings=settings), *_server_key(call), user.user_name)
    return {"ServerId": call.params["ServerId"], "UserName": user.user_name}


async def delete_user(call: Call) -> Result:
    async with call.transaction() as tx:
        user = await _find_user(tx, call)
        await USERS.delete(tx, *_server_key(call), user.user_name)
    return {}


async def list_users(call: Call) -> Result:
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    limit = call.params.get("MaxResults", 1000)
    async with call.reading() as tx:
        await _server(tx, call)
        rows = await USERS.page_with_keys(tx, *_server_key(call), after=after, limit=limit + 1)
    result: dict[str, Any] = {
        "ServerId": call.params["ServerId"],
        "Users": [_listed(call, user) for _, user in rows[:limit]],
    }
    if len(rows) > limit:
        result["NextToken"] = page_token(rows[limit - 1][0])
    return result


def _given(call: Call) -> dict[str, Any]:
    return {name: call.params[name] for name in _SETTINGS if name in call.params}


def _check_home(settings: dict[str, Any]) -> None:
    mappings = settings.get("HomeDirectoryMappings")
    if settings["HomeDirectoryType"] == "PATH":
        if mappings:
            raise invalid_request("HomeDirectoryMappings can only be used with HomeDirectoryType LOGICAL")
        return
    if not mappings:
        raise invalid_request("HomeDirectoryMappings is required when HomeDirectoryType is LOGICAL")
    try:
        check_mappings(mappings)
    except BadHome as error:
        raise invalid_request(str(error)) from error


def _first_key(call: Call) -> tuple[SshKey, ...]:
    body = call.params.get("SshPublicKeyBody")
    if not body:
        return ()
    return (SshKey(key_id=hex_id("key-", call.house.entropy), body=body.strip(), imported_at=call.now),)


def _server_key(call: Call) -> tuple[str, str, str]:
    return call.account_id, call.region, call.params["ServerId"]


async def _server(tx: Transaction, call: Call) -> ServerRecord:
    server = await SERVERS.get(tx, *_server_key(call))
    if server is None:
        raise unknown_server(call.params["ServerId"])
    return server


async def _service_managed_server(tx: Transaction, call: Call) -> None:
    server = await _server(tx, call)
    if server.settings["IdentityProviderType"] != "SERVICE_MANAGED":
        raise invalid_request("Users can only be created on a server whose identity provider is SERVICE_MANAGED")


async def _find_user(tx: Transaction, call: Call) -> UserRecord:
    await _server(tx, call)
    user = await USERS.get(tx, *_server_key(call), call.params["UserName"])
    if user is None:
        raise unknown_user(call.params["UserName"])
    return user


def _listed(call: Call, user: UserRecord) -> dict[str, Any]:
    names = ("HomeDirectory", "HomeDirectoryType", "Role")
    listed = {name: user.settings[name] for name in names if name in user.settings}
    return {
        **listed,
        "Arn": _arn(call, user.user_name),
        "SshPublicKeyCount": len(user.keys),
        "UserName": user.user_name,
    }


def _arn(call: Call, user_name: str) -> str:
    return str(transfer_user_arn(call.region, call.account_id, call.params["ServerId"], user_name))


def _role_permissions(action: str, *, on_user: bool) -> Any:
    def permissions(call: Call) -> Sequence[Permission]:
        server = f"arn:aws:transfer:{call.region}:{call.account_id}:server/{call.params['ServerId']}"
        resource = _arn(call, call.params["UserName"]) if on_user else server
        own = Permission(action=f"transfer:{action}", resource=resource, context=tag_keys(call.params))
        role = call.params.get("Role")
        return (own, pass_role(role, "transfer.amazonaws.com")) if role else (own,)

    return permissions
