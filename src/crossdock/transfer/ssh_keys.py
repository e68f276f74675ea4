"""The SSH public keys of service-managed users: ImportSshPublicKey, DeleteSshPublicKey.

Source: AWS Transfer Family API Reference, the operations of these names.
"""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.core.ids import hex_id
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Permissions, Result
from crossdock.transfer.faults import unknown_ssh_key
from crossdock.transfer.user_records import USERS, SshKey, find_user, server_key, user_arn
from crossdock.transfer.user_rules import check_new_key


def ssh_key_operations() -> dict[str, Operation]:
    return {
        "DeleteSshPublicKey": Operation(handler=delete_key, permissions=_on_user("DeleteSshPublicKey")),
        "ImportSshPublicKey": Operation(handler=import_key, permissions=_on_user("ImportSshPublicKey")),
    }


async def import_key(call: Call) -> Result:
    async with call.transaction() as tx:
        user = await find_user(tx, call)
        key = new_key(call, call.params["SshPublicKeyBody"], user.keys)
        await USERS.put(tx, replace(user, keys=(*user.keys, key)), *server_key(call), user.user_name)
    return {"ServerId": call.params["ServerId"], "UserName": user.user_name, "SshPublicKeyId": key.key_id}


async def delete_key(call: Call) -> Result:
    """Sessions that the key opened stay: AWS asks for it at login only."""
    key_id: str = call.params["SshPublicKeyId"]
    async with call.transaction() as tx:
        user = await find_user(tx, call)
        left = tuple(key for key in user.keys if key.key_id != key_id)
        if len(left) == len(user.keys):
            raise unknown_ssh_key(key_id)
        await USERS.put(tx, replace(user, keys=left), *server_key(call), user.user_name)
    return {}


def new_key(call: Call, body: str, kept: Sequence[SshKey]) -> SshKey:
    """A key that joins those that a user has. Raises ServiceError as `check_new_key` does."""
    line = check_new_key(body, kept)
    return SshKey(key_id=hex_id("key-", call.house.entropy), body=str(line), imported_at=call.now)


def _on_user(action: str) -> Permissions:
    def permissions(call: Call) -> Sequence[Permission]:
        return (Permission(action=f"transfer:{action}", resource=user_arn(call, call.params["UserName"])),)

    return permissions
