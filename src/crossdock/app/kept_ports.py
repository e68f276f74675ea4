"""Ports that the system chose once and that a restart keeps, for scripts that wrote them down."""

from crossdock.ports.state import State, TableSpec

_KEPT = TableSpec(name="kept_ports")


async def kept_port(state: State, name: str) -> int:
    """The port kept under a name, 0 if there is none."""
    async with state.reading() as tx:
        row = await tx.table(_KEPT).get((name,))
    port = row.value["port"] if row is not None else 0
    return port if isinstance(port, int) else 0


async def keep_port(state: State, name: str, port: int) -> None:
    async with state.transaction() as tx:
        await tx.table(_KEPT).put((name,), {"port": port})
