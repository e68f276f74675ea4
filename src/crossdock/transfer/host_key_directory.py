"""The host keys that servers show, from the state tables."""

from collections.abc import Sequence

from crossdock.operations.remembered import Remembered
from crossdock.ports.host import Clock
from crossdock.ports.host_keys import HostKey
from crossdock.ports.state import State, Transaction
from crossdock.transfer.host_key_records import active_host_keys, host_keys_of, put_host_keys
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.server_records import SERVERS


class StateHostKeys:
    """See `ports.host_keys.HostKeys`. What it says is what is committed.

    A server that has no key yet, because it is of an older data directory, gets its keys when they are first asked for.
    """

    def __init__(self, *, state: State, vault: HostKeyVault, clock: Clock) -> None:
        self._state = state
        self._vault = vault
        self._clock = clock
        self._known: Remembered[str, Sequence[HostKey]] = Remembered(state, self._active)

    async def active(self, server_id: str) -> Sequence[HostKey]:
        """Raises Unavailable when a key, or the state, cannot be read."""
        return await self._known.get(server_id)

    async def _active(self, server_id: str) -> Sequence[HostKey]:
        async with self._state.reading() as tx:
            records = await host_keys_of(tx, server_id)
            if not records and not await _is_there(tx, server_id):
                return ()
        if not records:
            await self._give_keys(server_id)
            async with self._state.reading() as tx:
                records = await host_keys_of(tx, server_id)
        return [self._vault.opened(server_id, record) for record in active_host_keys(records)]

    async def _give_keys(self, server_id: str) -> None:
        made = await self._vault.generated()
        async with self._state.transaction() as tx:
            # Meanwhile the server may have gone, or somebody else may have given it keys.
            if await _is_there(tx, server_id) and not await host_keys_of(tx, server_id):
                now = self._clock.now()
                await put_host_keys(tx, server_id, [self._vault.record(server_id, key, now=now) for key in made])


async def _is_there(tx: Transaction, server_id: str) -> bool:
    return any(record.server_id == server_id for record in await SERVERS.everything(tx))
