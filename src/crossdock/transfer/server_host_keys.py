"""What CreateServer and UpdateServer do about host keys.

The key that the owner gives is the server's only one, or takes the place of the one that was active for its type. None
given, a server gets keys of all types as soon as SFTP is among its protocols.

Source: AWS Transfer Family API Reference, CreateServer and UpdateServer (HostKey); User Guide, "Manage host keys for
your SFTP-enabled server". What becomes of the other keys when UpdateServer names one, AWS does not say.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.operations.call import Call
from crossdock.ports.state import Transaction
from crossdock.transfer.faults import invalid_request
from crossdock.transfer.host_key_material import TYPES, HostKeyMaterial
from crossdock.transfer.host_key_records import active_host_keys, host_keys_of, put_host_keys
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.host_keys import MAX_HOST_KEYS, check_storage
from crossdock.transfer.server_records import SERVERS


async def prepared_keys(vault: HostKeyVault, call: Call, settings: Mapping[str, Any]) -> Sequence[HostKeyMaterial]:
    """The key that a new server is given, or new ones; outside any transaction, for that takes long.

    Raises ServiceError InvalidRequestException.
    """
    check_storage(call.params, "HostKeyStorageType")
    # An empty body is none: the model admits it.
    if body := call.params.get("HostKey"):
        return (await vault.read(body),)
    return await vault.generated() if "SFTP" in settings["Protocols"] else ()


async def prepared_change(vault: HostKeyVault, call: Call) -> Sequence[HostKeyMaterial]:
    """`prepared_keys` of UpdateServer: new ones only for a server that has none when SFTP is named."""
    if not call.params.get("HostKey"):
        async with call.reading() as tx:
            server = await SERVERS.get(tx, call.account_id, call.region, call.params["ServerId"])
            if server is None or await host_keys_of(tx, server.server_id):
                return ()
    return await prepared_keys(vault, call, {"Protocols": call.params.get("Protocols", ())})


async def add_first_keys(
    tx: Transaction, vault: HostKeyVault, call: Call, server_id: str, keys: Sequence[HostKeyMaterial]
) -> None:
    """Give a server without keys these ones; nothing happens to a server that has some."""
    if keys and not await host_keys_of(tx, server_id):
        await put_host_keys(tx, server_id, [vault.record(server_id, key, now=call.now) for key in keys])


async def put_in_front(
    tx: Transaction, vault: HostKeyVault, call: Call, server_id: str, material: HostKeyMaterial
) -> None:
    """Make a key the one that the server shows and is described by; the one it showed of this type goes.

    A key that the server has already keeps its id. Raises ServiceError InvalidRequestException when there are too many.
    """
    keys = await host_keys_of(tx, server_id)
    kind = TYPES[material.algorithm]
    known = next((key for key in keys if key.fingerprint == material.fingerprint), None)
    shown = known or vault.record(server_id, material, now=call.now)
    replaced = [key for key in active_host_keys(keys) if TYPES[key.algorithm] == kind]
    others = [key for key in keys if key is not known and key not in replaced]
    if len(others) >= MAX_HOST_KEYS:
        raise invalid_request(f"A server can have at most {MAX_HOST_KEYS} host keys")
    await put_host_keys(tx, server_id, (shown, *others))
