"""The client's end of a TLS connection without a socket.

client = TlsClient(client_context())
client.shake(server_stream)
"""

import ssl
from contextlib import suppress

from crossdock.ftp.tls import TlsStream


class TlsClient:
    """`session` is one to resume."""

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost", session=session)

    def shake(self, server: TlsStream) -> None:
        """Shake hands; at the end neither side has anything left to send."""
        for _ in range(3):
            with suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            server.feed(self.outgoing.read())
            server.shake_hands()
            self.incoming.write(server.take())
        self.tls.do_handshake()

    def encrypted(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()

    def closing(self) -> bytes:
        """A close_notify."""
        with suppress(ssl.SSLWantReadError):  # the server's, for which nobody waits
            self.tls.unwrap()
        return self.outgoing.read()

    def decrypted(self, data: bytes) -> bytes:
        """What the server said, to the end of what it sent or to its close_notify."""
        self.incoming.write(data)
        said = b""
        try:
            while piece := self.tls.read(1 << 16):
                said += piece
        except ssl.SSLWantReadError:
            pass
        return said

    def session_after_tickets(self) -> ssl.SSLSession:
        """Raises AssertionError when there is nothing to resume."""
        self.decrypted(b"")  # takes in the tickets of TLS 1.3
        assert self.tls.session is not None
        return self.tls.session
