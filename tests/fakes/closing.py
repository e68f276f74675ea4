"""Connections that are still open when their server says that it has closed, and how tests end theirs."""

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


def cut(writer: asyncio.StreamWriter) -> None:
    """Abort, whatever was closed before: asyncio's transports fail at that when what they had still to send is sent."""
    transport = writer.transport
    if transport.get_write_buffer_size() or not transport.is_closing():
        transport.abort()
