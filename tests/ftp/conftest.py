"""Both ends of a data connection, and both versions of TLS."""

import socket
import ssl
from collections.abc import Iterator

import pytest
from tests.fakes.certificates import client_context

from crossdock.operations.threads import Threads


@pytest.fixture
def pool() -> Iterator[Threads]:
    with Threads(2, name="test") as pool:
        yield pool


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP connection on loopback: the server's end, non-blocking, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.setblocking(False)
    with server, client:
        yield server, client


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def context(request: pytest.FixtureRequest) -> ssl.SSLContext:
    """A client's; a session is resumed under the context that it was made under."""
    return client_context(version=request.param)
