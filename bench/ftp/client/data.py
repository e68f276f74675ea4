"""Data connections that cost little: the kernel throws plain bytes away unread; what is sent is one block, again and
again."""

import errno
import socket
import ssl
from typing import Protocol, cast

BLOCK = memoryview(bytes(range(256)) * 1024)
"""256 KiB that stay in the cache."""
RECEIVED = bytearray(1 << 20)
RECORD = 1 << 14
"""The most that one TLS record holds, so the most that one read gives (RFC 8446 §5.1)."""


class Data(Protocol):
    def receive(self) -> int:
        """How many bytes came; 0 at the end."""

    def send(self, size: int) -> None: ...

    def close(self) -> None:
        """Say that this was all, and take what the other side still says, or its kernel would reset the connection."""


class PlainData:
    def __init__(self, data: socket.socket) -> None:
        self._socket = data

    def receive(self) -> int:
        return self._socket.recv_into(RECEIVED, len(RECEIVED), socket.MSG_TRUNC)

    def send(self, size: int) -> None:
        while size > 0:
            self._socket.sendall(BLOCK[:size])
            size -= len(BLOCK)

    def close(self) -> None:
        # Not waiting for the server's own close: rclone's has none. Nothing comes that could make a reset of this.
        self._socket.close()


class TlsData:
    """TLS in memory, so that the socket sees large pieces rather than records."""

    def __init__(self, data: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None) -> None:
        self._socket = data
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host, session=session)
        self._buffer = memoryview(RECEIVED)[: 1 << 18]
        self._clear = bytearray(RECORD)
        self._handshake()

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    raise ConnectionError("the data connection was closed during the handshake") from None
            else:
                self._flush()
                return

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.sendall(self._outgoing.read())

    def _fill(self) -> bool:
        received = self._socket.recv_into(self._buffer)
        if received:
            self._incoming.write(self._buffer[:received])
        else:
            self._incoming.write_eof()
        return received > 0

    def receive(self) -> int:
        while True:
            try:
                return cast("int", self._tls.read(RECORD, self._clear))  # with a buffer, how many bytes
            except ssl.SSLWantReadError:
                if not self._fill():
                    return 0
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0

    def send(self, size: int) -> None:
        while size > 0:
            self._tls.write(BLOCK[:size])
            self._flush()
            size -= len(BLOCK)

    def close(self) -> None:
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLEOFError:
            pass  # a server that closed without close_notify: RFC 4217 §12.4 knows them
        _shut(self._socket)


def _shut(data: socket.socket) -> None:
    try:
        data.shutdown(socket.SHUT_WR)
        while data.recv_into(RECEIVED):
            pass
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE):
            raise  # these three say that the server was the first to close
    finally:
        data.close()
