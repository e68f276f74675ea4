"""The null S3's process, with a thread a connection: plain HTTP on one port, HTTPS on another.

    python -m bench.s3.stub '{"plain": PORT, "tls": PORT, "pem": FILE}'

What is put the kernel throws away unread (`MSG_TRUNC`), zeros come from one hot file by `sendfile`; under TLS both pass
through one buffer. So the client is what is measured.
"""

import json
import os
import socket
import ssl
import sys
import threading
from contextlib import suppress

from bench.s3.stub.shelf import KEPT_BYTES, Asked, Said, Shelf

HOT_BYTES = 1 << 20
MAX_HEAD = 64 << 10
ZEROS = memoryview(bytes(256 << 10))


class Connection:
    def __init__(self, shelf: Shelf, link: socket.socket, hot: int) -> None:
        self._shelf = shelf
        self._link = link
        self._hot = hot
        self._is_tls = isinstance(link, ssl.SSLSocket)
        self._rest = b""
        self._buffer = memoryview(bytearray(HOT_BYTES))

    def serve(self) -> None:
        """Until the client leaves."""
        while (asked := self._asked()) is not None:
            if asked.headers.get("expect", "").lower() == "100-continue":
                self._link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            if asked.headers.get("transfer-encoding", "").lower() == "chunked":
                self._throw_away_chunks()
                size, content = 0, None
            else:
                size, content = self._take(int(asked.headers.get("content-length", 0)))
            # Of a body in chunks of AWS's own the content is not looked for.
            told = asked.headers.get("x-amz-decoded-content-length")
            said = self._shelf.answer(asked, int(told or size), content if told is None else None)
            self._say(said)

    def _asked(self) -> Asked | None:
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            received = self._link.recv(MAX_HEAD)
            if not received or len(self._rest) > MAX_HEAD:
                return None
            self._rest += received
        head, self._rest = self._rest[:end].decode("latin-1"), self._rest[end + 4 :]
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        return Asked(method=method, target=target, headers={name.lower(): value.strip() for name, _, value in pairs})

    def _throw_away_chunks(self) -> None:
        """RFC 9112 §7.1; there are no trailers, for those of AWS's own chunks lie within these."""
        while size := int(self._line(), 16):
            self._take(size + len(b"\r\n"))
        self._line()

    def _line(self) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            received = self._link.recv(MAX_HEAD)
            if not received:
                raise ConnectionError("the body ended early")
            self._rest += received
        line, self._rest = self._rest[:end], self._rest[end + 2 :]
        return line

    def _take(self, size: int) -> tuple[int, bytes | None]:
        came, self._rest = self._rest[:size], self._rest[size:]
        rest = size - len(came)
        if size <= KEPT_BYTES:
            while rest:
                piece = self._link.recv(rest)
                if not piece:
                    raise ConnectionError("the body ended early")
                came += piece
                rest -= len(piece)
            return size, came
        while rest:
            count = min(rest, HOT_BYTES)
            if self._is_tls:
                received = self._link.recv_into(self._buffer, count)
            else:
                received = self._link.recv_into(self._buffer, count, socket.MSG_TRUNC)
            if not received:
                raise ConnectionError("the body ended early")
            rest -= received
        return size, None

    def _say(self, said: Said) -> None:
        self._link.sendall(said.head() + said.body)
        rest = said.zeros
        while rest:
            if self._is_tls:
                count = min(rest, len(ZEROS))
                self._link.sendall(ZEROS[:count])
            else:
                count = os.sendfile(self._link.fileno(), self._hot, 0, min(rest, HOT_BYTES))
            rest -= count


def serve_one(shelf: Shelf, link: socket.socket, context: ssl.SSLContext | None, hot: int) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError), link:  # a client that leaves is its own affair
        if context is not None:
            link = context.wrap_socket(link, server_side=True)
        Connection(shelf, link, hot).serve()


def listen(shelf: Shelf, port: int, context: ssl.SSLContext | None, hot: int) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=1000) as listening:
        while True:
            link, _ = listening.accept()
            threading.Thread(target=serve_one, args=(shelf, link, context, hot), daemon=True).start()


def main() -> None:
    told = json.loads(sys.argv[1])
    hot = os.memfd_create("hot")
    os.write(hot, bytes(HOT_BYTES))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(told["pem"])
    shelf = Shelf()
    threading.Thread(target=listen, args=(shelf, told["tls"], context, hot), daemon=True).start()
    listen(shelf, told["plain"], None, hot)


if __name__ == "__main__":
    main()
