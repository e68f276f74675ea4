"""ImportHostKey, DescribeHostKey, UpdateHostKey, DeleteHostKey, ListHostKeys, and the keys of new and changed servers.

Source: AWS Transfer Family API Reference, the operations of these names; User Guide, "Manage host keys for your
SFTP-enabled server"; AWS General Reference, "AWS Transfer Family endpoints and quotas".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossdock.core.arns import host_key_arn, server_arn
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Permissions, Result
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.state import Transaction
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.faults import host_key_exists, invalid_request, unknown_host_key, unknown_server
from crossdock.transfer.host_key_records import (
    HostKeyRecord,
    host_keys_of,
    put_host_keys,
    replace_host_key,
)
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.server_records import SERVERS, ServerRecord
from crossdock.transfer.tag_rules import tag_keys, tags_given

MAX_HOST_KEYS = 10
"""Of a server. Source: User Guide, "Manage host keys for your SFTP-enabled server"."""

_STORAGE = "SERVICE_MANAGED"


@dataclass(frozen=True, slots=True)
class HostKeyOperations:
    """`changes` wakes the gateway, so that the next connection meets the keys that are active then."""

    changes: ServerChanges
    vault: HostKeyVault

    def operations(self) -> dict[str, Operation]:
        return {
            "DeleteHostKey": Operation(handler=self.delete, permissions=_on_key("DeleteHostKey")),
            "DescribeHostKey": Operation(handler=describe_key, permissions=_on_key("DescribeHostKey")),
            "ImportHostKey": Operation(handler=self.import_, permissions=_on_server("ImportHostKey")),
            "ListHostKeys": Operation(handler=list_keys, permissions=_on_server("ListHostKeys")),
            "UpdateHostKey": Operation(handler=update_key, permissions=_on_key("UpdateHostKey")),
        }

    async def import_(self, call: Call) -> Result:
        """The new key is the youngest: it becomes active when the older ones of its type are deleted."""
        check_storage(call.params, "StorageType")
        settings: dict[str, Any] = {}
        if description := call.params.get("Description"):
            settings["Description"] = description
        if tags_given(call.params):
            settings["Tags"] = call.params["Tags"]
        server_id = call.params["ServerId"]
        # Before the key is read, so that a caller of another account learns nothing by it.
        async with call.reading() as tx:
            await _find_server(tx, call)
        material = await self.vault.read(call.params["HostKeyBody"])
        record = self.vault.record(server_id, material, now=call.now, settings=settings)
        async with call.transaction() as tx:
            await _find_server(tx, call)
            keys = await host_keys_of(tx, server_id)
            if same := next((key for key in keys if key.fingerprint == record.fingerprint), None):
                raise host_key_exists(same.key_id)
            if len(keys) >= MAX_HOST_KEYS:
                raise invalid_request(f"A server can have at most {MAX_HOST_KEYS} host keys")
            await put_host_keys(tx, server_id, (*keys, record))
        self.changes.announce()
        return {"ServerId": server_id, "HostKeyId": record.key_id}

    async def delete(self, call: Call) -> Result:
        """The next oldest of its type, if there is one, becomes active."""
        server_id = call.params["ServerId"]
        async with call.transaction() as tx:
            server, unwanted = await _find_key(tx, call)
            left = [key for key in await host_keys_of(tx, server_id) if key.key_id != unwanted.key_id]
            # AWS does not say what it does then. A server without a key could admit nobody, and to make up a new one
            # would look to clients like an attack.
            if not left and "SFTP" in server.settings["Protocols"]:
                raise invalid_request(
                    "The last host key of a server with the protocol SFTP cannot be deleted: import another one first"
                )
            await put_host_keys(tx, server_id, left)
        self.changes.announce()
        return {}


async def describe_key(call: Call) -> Result:
    async with call.reading() as tx:
        _, key = await _find_key(tx, call)
    described = {**_described(call, key), "HostKeyFingerprint": key.fingerprint}
    if tags := key.settings.get("Tags"):
        described["Tags"] = tags
    return {"HostKey": described}


async def update_key(call: Call) -> Result:
    """An empty description takes it away."""
    check_storage(call.params, "StorageType")
    async with call.transaction() as tx:
        _, key = await _find_key(tx, call)
        settings = dict(key.settings)
        if "Description" in call.params:
            settings.pop("Description", None)
            if call.params["Description"]:
                settings["Description"] = call.params["Description"]
        await replace_host_key(tx, call.params["ServerId"], replace(key, settings=settings))
    return {"ServerId": call.params["ServerId"], "HostKeyId": key.key_id}


async def list_keys(call: Call) -> Result:
    """The oldest first. A token names the keys that were listed: there are few, and any may go meanwhile."""
    seen = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException") or ()
    limit: int = call.params.get("MaxResults", 1000)
    async with call.reading() as tx:
        await _find_server(tx, call)
        keys = [key for key in await host_keys_of(tx, call.params["ServerId"]) if key.key_id not in seen]
    listed = keys[:limit]
    result: dict[str, Any] = {
        "ServerId": call.params["ServerId"],
        "HostKeys": [{**_described(call, key), "Fingerprint": key.fingerprint} for key in listed],
    }
    if len(keys) > limit:
        result["NextToken"] = page_token((*seen, *(key.key_id for key in listed)))
    return result


def check_storage(params: Mapping[str, Any], member: str) -> None:
    """Refuse what belongs to Secrets Manager. Raises ServiceError InvalidRequestException."""
    if params.get(member, _STORAGE) != _STORAGE or params.get("KmsKey"):
        raise invalid_request(
            f"{member} must be {_STORAGE}, without a KmsKey: Crossdock encrypts host keys in its own data directory"
        )


def _described(call: Call, key: HostKeyRecord) -> dict[str, Any]:
    described = {
        "Arn": _arn(call, key.key_id),
        "HostKeyId": key.key_id,
        "Type": key.algorithm,
        "DateImported": key.imported_at,
        "StorageType": _STORAGE,
    }
    if description := key.settings.get("Description"):
        described["Description"] = description
    return described


async def _find_server(tx: Transaction, call: Call) -> ServerRecord:
    """In the caller's account and region. Raises ServiceError ResourceNotFoundException."""
    server = await SERVERS.get(tx, call.account_id, call.region, call.params["ServerId"])
    if server is None:
        raise unknown_server(call.params["ServerId"])
    return server


async def _find_key(tx: Transaction, call: Call) -> tuple[ServerRecord, HostKeyRecord]:
    """The key that the call names, and its server. Raises ServiceError ResourceNotFoundException, of either."""
    server = await _find_server(tx, call)
    key_id = call.params["HostKeyId"]
    key = next((key for key in await host_keys_of(tx, server.server_id) if key.key_id == key_id), None)
    if key is None:
        raise unknown_host_key(key_id)
    return server, key


def _arn(call: Call, key_id: str) -> str:
    return str(host_key_arn(call.region, call.account_id, call.params["ServerId"], key_id))


def _on_key(action: str) -> Permissions:
    """Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Transfer Family"."""

    def permissions(call: Call) -> Sequence[Permission]:
        return (Permission(action=f"transfer:{action}", resource=_arn(call, call.params["HostKeyId"])),)

    return permissions


def _on_server(action: str) -> Permissions:
    def permissions(call: Call) -> Sequence[Permission]:
        resource = str(server_arn(call.region, call.account_id, call.params["ServerId"]))
        return (Permission(action=f"transfer:{action}", resource=resource, context=tag_keys(call.params)),)

    return permissions
