"""How host keys are kept: all keys of a server in one row, the oldest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec, Transaction
from crossdock.transfer.host_key_material import TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyRecord:
    """`settings` are Description and Tags in AWS's spelling; `sealed_key` opens under the key's own context."""

    key_id: str
    algorithm: str
    fingerprint: str
    imported_at: datetime
    settings: dict[str, Any]
    sealed_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeysRecord:
    keys: tuple[HostKeyRecord, ...]


HOST_KEYS: Records[HostKeysRecord] = Records(TableSpec(name="transfer_host_keys"), HostKeysRecord)
"""Key: server id."""


async def host_keys_of(tx: Transaction, server_id: str) -> Sequence[HostKeyRecord]:
    """The oldest first."""
    record = await HOST_KEYS.get(tx, server_id)
    return () if record is None else record.keys


async def put_host_keys(tx: Transaction, server_id: str, keys: Iterable[HostKeyRecord]) -> None:
    """Take the place of all keys of the server, the oldest first."""
    await HOST_KEYS.put(tx, HostKeysRecord(keys=tuple(keys)), server_id)


async def replace_host_key(tx: Transaction, server_id: str, changed: HostKeyRecord) -> None:
    """Keep what changed about a key that is there."""
    keys = await host_keys_of(tx, server_id)
    await put_host_keys(tx, server_id, [changed if key.key_id == changed.key_id else key for key in keys])


def active_host_keys(keys: Iterable[HostKeyRecord]) -> Sequence[HostKeyRecord]:
    """Of each type, RSA, ECDSA and ED25519, the oldest; `keys` has the oldest first.

    Source: User Guide, "Add an additional server host key".
    """
    active: dict[str, HostKeyRecord] = {}
    for key in keys:
        active.setdefault(TYPES[key.algorithm], key)
    return list(active.values())
