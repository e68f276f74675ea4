"""The TLS of a control connection: what a handshake costs is not the loop's to pay."""

import ssl
import threading
from contextlib import suppress

import pytest
from tests.fakes.certificates import self_signed
from tests.fakes.tls_client import TlsClient

from crossdock.ftp.control_tls import ControlTls
from crossdock.ftp.tls import KeyFile, TlsFailed, TlsStream
from crossdock.operations.threads import Threads


class WatchedStream(TlsStream):
    """Notes who goes on with its handshake."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self.shaken_by: set[str] = set()

    def shake_hands(self) -> bool:
        self.shaken_by.add(threading.current_thread().name)
        return super().shake_hands()


def watched_stream() -> WatchedStream:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key_file = KeyFile(self_signed())
    context.load_cert_chain(key_file.path)
    return WatchedStream(context)


async def test_the_threads_shake_hands_and_the_rest_is_said_without_them(
    pool: Threads, context: ssl.SSLContext
) -> None:
    stream = watched_stream()
    server, client = ControlTls(stream, pool), TlsClient(context)
    while not server.is_established:
        with suppress(ssl.SSLWantReadError):
            client.tls.do_handshake()
        await server.shake_hands(client.outgoing.read())
        client.incoming.write(server.take())
    assert {name.rpartition("_")[0] for name in stream.shaken_by} == {"test"}
    assert server.receive(client.encrypted(b"NOOP\r\n")) == b"NOOP\r\n"
    assert client.decrypted(server.protect(b"200\r\n")) == b"200\r\n"
    assert not server.has_ended
    assert server.receive(client.closing()) == b""
    assert server.has_ended


async def test_what_is_no_tls_fails_and_the_client_is_told_why(pool: Threads) -> None:
    server = ControlTls(watched_stream(), pool)
    with pytest.raises(TlsFailed):
        await server.shake_hands(b"USER user1\r\n" * 10)
    assert not server.is_established
