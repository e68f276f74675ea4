"""Service-managed users: CreateUser, DescribeUser, UpdateUser, DeleteUser, ListUsers.

`ssh_keys.py` has the operations on their keys, `user_rules.py` says what a user may be.

Source: AWS Transfer Family API Reference, the operations of these names.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from crossdock.core.arns import server_arn
from crossdock.core.principals import TRANSFER
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Permissions, Result, pass_role
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.state import VersionConflict
from crossdock.transfer.faults import invalid_request, user_exists
from crossdock.transfer.ssh_keys import new_key
from crossdock.transfer.tag_rules import tag_keys, tags_given
from crossdock.transfer.user_records import (
    USERS,
    UserRecord,
    add_user,
    count_users,
    drop_user,
    find_server_of_users,
    find_user,
    server_key,
    user_arn,
)
from crossdock.transfer.user_rules import changed_settings, check_room_for_user, new_settings

_LISTED = ("HomeDirectory", "HomeDirectoryType", "Role")


def user_operations() -> dict[str, Operation]:
    return {
        "CreateUser": Operation(handler=create_user, permissions=_on("CreateUser", _server)),
        "DeleteUser": Operation(handler=delete_user, permissions=_on("DeleteUser", _user)),
        "DescribeUser": Operation(handler=describe_user, permissions=_on("DescribeUser", _user)),
        "ListUsers": Operation(handler=list_users, permissions=_on("ListUsers", _server)),
        "UpdateUser": Operation(handler=update_user, permissions=_on("UpdateUser", _user)),
    }


async def create_user(call: Call) -> Result:
    name: str = call.params["UserName"]
    settings = new_settings(call.params)
    if tags_given(call.params):
        settings["Tags"] = call.params["Tags"]
    # An empty body is none: the model admits it.
    body = call.params.get("SshPublicKeyBody")
    keys = (new_key(call, body, ()),) if body else ()
    user = UserRecord(user_name=name, settings=settings, keys=keys)
    async with call.transaction() as tx:
        server = await find_server_of_users(tx, call)
        if server.settings["IdentityProviderType"] != "SERVICE_MANAGED":
            raise invalid_request("Users can only be created on a server whose identity provider is SERVICE_MANAGED")
        if await USERS.get(tx, *server_key(call), name) is None:
            check_room_for_user(await count_users(tx, server_key(call)))
        try:
            await add_user(tx, server_key(call), user)
        except VersionConflict as error:
            raise user_exists(name) from error
    return {"ServerId": call.params["ServerId"], "UserName": name}


async def describe_user(call: Call) -> Result:
    async with call.reading() as tx:
        user = await find_user(tx, call)
    keys = [
        {"DateImported": key.imported_at, "SshPublicKeyBody": key.body, "SshPublicKeyId": key.key_id}
        for key in user.keys
    ]
    described = {
        **user.settings,
        "Arn": user_arn(call, user.user_name),
        "UserName": user.user_name,
        "SshPublicKeys": keys,
    }
    return {"ServerId": call.params["ServerId"], "User": described}


async def update_user(call: Call) -> Result:
    async with call.transaction() as tx:
        user = await find_user(tx, call)
        settings = changed_settings(user.settings, call.params)
        await USERS.put(tx, replace(user, settings=settings), *server_key(call), user.user_name)
    return {"ServerId": call.params["ServerId"], "UserName": user.user_name}


async def delete_user(call: Call) -> Result:
    async with call.transaction() as tx:
        user = await find_user(tx, call)
        await drop_user(tx, server_key(call), user.user_name)
    return {}


async def list_users(call: Call) -> Result:
    """In the order of their names, so that pages fit together while users come and go."""
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    limit: int = call.params.get("MaxResults", 1000)
    async with call.reading() as tx:
        await find_server_of_users(tx, call)
        rows = await USERS.page_with_keys(tx, *server_key(call), after=after, limit=limit + 1)
    result: dict[str, Any] = {
        "ServerId": call.params["ServerId"],
        "Users": [_listed(call, user) for _, user in rows[:limit]],
    }
    if len(rows) > limit:
        result["NextToken"] = page_token(rows[limit - 1][0])
    return result


def _listed(call: Call, user: UserRecord) -> dict[str, Any]:
    return {
        **{name: user.settings[name] for name in _LISTED if name in user.settings},
        "Arn": user_arn(call, user.user_name),
        "SshPublicKeyCount": len(user.keys),
        "UserName": user.user_name,
    }


def _server(call: Call) -> str:
    return str(server_arn(call.region, call.account_id, call.params["ServerId"]))


def _user(call: Call) -> str:
    return user_arn(call, call.params["UserName"])


def _on(action: str, resource: Callable[[Call], str]) -> Permissions:
    """Source: Service Authorization Reference: CreateUser is asked for on the server, for the user is not there yet."""

    def permissions(call: Call) -> Sequence[Permission]:
        own = Permission(action=f"transfer:{action}", resource=resource(call), context=tag_keys(call.params))
        role = call.params.get("Role")
        return (own, pass_role(role, TRANSFER.name)) if role else (own,)

    return permissions
