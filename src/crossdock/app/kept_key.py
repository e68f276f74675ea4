"""Which key a data directory is sealed with, kept beside what is sealed: another one would open nothing of it."""

from crossdock.adapters.host.sealing import KeyUnusable, sealed_under
from crossdock.cloud.iam.records import ACCESS_KEYS
from crossdock.ports.state import State, TableSpec, Transaction
from crossdock.transfer.host_key_records import HOST_KEYS

_KEPT = TableSpec(name="kept_key")
_ROW = ("sealing",)


async def require_kept_key(state: State, key_id: str, *, place: str, is_new: bool) -> None:
    """Keeps the id where there is none yet, or where the directory `is_new`. `place` is where the key lies.

    Directories of releases that kept no id tell it by what is sealed in them.

    Raises KeyUnusable.
    """
    async with state.reading() as tx:
        row = await tx.table(_KEPT).get(_ROW)
        kept = row.value["key_id"] if row is not None else await _in_use(tx)
    if kept is not None and kept != key_id and not is_new:
        raise KeyUnusable(
            f"the key {place} is another one (id {key_id}) than the data directory was encrypted under (id {kept}): "
            "restore that key, or name its file as key_file"
        )
    if row is None or kept != key_id:
        async with state.transaction() as tx:
            await tx.table(_KEPT).put(_ROW, {"key_id": key_id})


async def _in_use(tx: Transaction) -> str | None:
    """Of an account's key or a server's, for there is one of them wherever anything is sealed."""
    accounts = [record.sealed_secret for record in await ACCESS_KEYS.page(tx, limit=1)]
    servers = [key.sealed_key for record in await HOST_KEYS.page(tx, limit=1) for key in record.keys]
    return next(map(sealed_under, (*accounts, *servers)), None)
