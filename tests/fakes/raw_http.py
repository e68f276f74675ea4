"""A server that answers with the bytes that it is told, whether they are HTTP or not."""

import asyncio
from contextlib import asynccontextmanager, suppress

from tests.fakes.closing import all_closed, cut


def head(size):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()


@asynccontextmanager
async def serving(*answers, tls=None):
    """A URL, and the connections that were made.

    Each request gets the next answer, which is bytes; a pause where it is None, until then where it is an Event; an end
    where it is False.
    """
    connections, waiting = [], list(answers)

    async def serve(reader, writer):
        connections.append(writer)
        while waiting and await reader.readuntil(b"\r\n\r\n"):
            for part in waiting.pop(0):
                if part is None:
                    await asyncio.Event().wait()
                elif isinstance(part, asyncio.Event):
                    await part.wait()
                elif part is False:
                    writer.close()
                    return
                else:
                    writer.write(part)
                    await writer.drain()

    def handle(reader, writer):
        tasks.append(asyncio.get_running_loop().create_task(_quietly(serve(reader, writer))))

    tasks = []
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/", connections
        finally:
            for writer in connections:
                cut(writer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await all_closed(port)


async def _quietly(work):
    with suppress(ConnectionError, asyncio.IncompleteReadError):  # the client has left
        await work
