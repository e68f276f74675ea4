"""The servers there are, from the state tables, for the gateway and the login code."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from crossdock.core.servers import Endpoint, InterruptedUploads, Server, ServerState
from crossdock.operations.remembered import Remembered
from crossdock.ports.state import State
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.server_records import (
    ENDPOINTS,
    SERVERS,
    endpoint_of,
    endpoint_record,
    server_of,
)


class StateServerDirectory:
    """What it says is what is committed. `interrupted` is for servers without a tag that says so."""

    def __init__(
        self,
        state: State,
        changes: ServerChanges,
        *,
        interrupted: InterruptedUploads = InterruptedUploads.DISCARD,
    ) -> None:
        self._state = state
        self._changes = changes
        self._interrupted = interrupted
        self._by_id: Remembered[None, Mapping[str, Server]] = Remembered(state, self._all_by_id)

    async def servers(self) -> Sequence[Server]:
        async with self._state.reading() as tx:
            records = await SERVERS.everything(tx)
        ordered = sorted(records, key=lambda record: record.created_at)
        return [server_of(record, interrupted=self._interrupted) for record in ordered]

    async def server(self, server_id: str) -> Server | None:
        return (await self._by_id.get(None)).get(server_id)

    async def _all_by_id(self, _: None) -> Mapping[str, Server]:
        return {server.server_id: server for server in await self.servers()}

    def changes(self) -> AsyncIterator[None]:
        return self._changes.listen()

    async def report(
        self, server_id: str, state: ServerState, endpoints: Sequence[Endpoint], *, is_wanted: bool | None = None
    ) -> bool:
        """Keep what became of a server, unless it was deleted meanwhile or its owner changed the wish."""
        async with self._state.transaction() as tx:
            record = next((record for record in await SERVERS.everything(tx) if record.server_id == server_id), None)
            if record is None or is_wanted not in (None, record.is_wanted):
                return False
            await SERVERS.put(tx, replace(record, state=state), record.account_id, record.region, server_id)
            for endpoint in endpoints:
                await ENDPOINTS.put(tx, endpoint_record(endpoint), server_id, endpoint.protocol)
        return True

    async def endpoints(self) -> Sequence[Endpoint]:
        """Every endpoint that existing servers have been told of, for the protocols they have now, the oldest server
        first. What was known of a protocol that a server gave up is kept, in case it comes back."""
        async with self._state.reading() as tx:
            servers = {record.server_id: record for record in await SERVERS.everything(tx)}
            known = [endpoint_of(record) for record in await ENDPOINTS.everything(tx) if record.server_id in servers]
        found = [
            known_one for known_one in known if known_one.protocol in servers[known_one.server_id].settings["Protocols"]
        ]
        return sorted(found, key=lambda endpoint: (servers[endpoint.server_id].created_at, endpoint.protocol))
