"""The servers there are, from the state tables, for the gateway and the login code."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from crossdock.core.servers import Endpoint, Server, ServerState
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
    """Keeps no copy: what it says is what is committed."""

    def __init__(self, state: State, changes: ServerChanges) -> None:
        self._state = state
        self._changes = changes

    async def servers(self) -> Sequence[Server]:
        async with self._state.reading() as tx:
            return [server_of(record) for record in await SERVERS.everything(tx)]

    async def server(self, server_id: str) -> Server | None:
        return next((server for server in await self.servers() if server.server_id == server_id), None)

    def changes(self) -> AsyncIterator[None]:
        return self._changes.listen()

    async def report(self, server_id: str, state: ServerState, endpoints: Sequence[Endpoint]) -> None:
        """Keep what became of a server; a server that was deleted meanwhile is not written again."""
        async with self._state.transaction() as tx:
            for record in await SERVERS.everything(tx):
                if record.server_id == server_id:
                    key = (record.account_id, record.region, record.server_id)
                    await SERVERS.put(tx, replace(record, state=state), *key)
                    for endpoint in endpoints:
                        await ENDPOINTS.put(tx, endpoint_record(endpoint), server_id, endpoint.protocol)

    async def endpoints(self) -> Sequence[Endpoint]:
        """Every endpoint that was ever bound and whose server still exists, in order of creation of their servers."""
        async with self._state.reading() as tx:
            servers = {record.server_id: record for record in await SERVERS.everything(tx)}
            found = [endpoint_of(record) for record in await ENDPOINTS.everything(tx) if record.server_id in servers]
        return sorted(found, key=lambda endpoint: (servers[endpoint.server_id].created_at, endpoint.protocol))
