"""Connections that are still open when their server says that it has closed."""

import asyncio

from tests.fakes.patience import eventually


async def all_closed(port: int) -> None:
    """Until a server that was closed has closed its last connection, too.

    That takes turns of the loop, under TLS also the kernel's help. A loop that ends before leaves a socket open, for
    which whichever test comes next is blamed.
    """
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]
    await eventually(lambda: not [one for one in list(transports.values()) if one._sock and _port(one) == port])


def _port(transport: asyncio.BaseTransport) -> int:
    port: int = transport.get_extra_info("sockname")[1]
    return port
