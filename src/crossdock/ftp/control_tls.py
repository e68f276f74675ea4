"""The TLS of a control connection, between its transport and its lines."""

import asyncio

from crossdock.ftp.tls import TlsStream

_RECORD_BYTES = 16 << 10


class ControlTls:
    """`settled` is set when the handshake is done, or never will be; before that, nothing can be protected."""

    def __init__(self, stream: TlsStream) -> None:
        self._stream = stream
        self.settled = asyncio.Event()
        self.has_ended = False

    @property
    def is_established(self) -> bool:
        return self._stream.is_established

    def receive(self, data: bytes) -> bytes:
        """What the client said. Raises TlsFailed; what `take` gives then tells the client why."""
        self._stream.feed(data)
        if not self.is_established:
            if not self._stream.shake_hands():
                return b""
            self.settled.set()
        said = bytearray()
        record = memoryview(bytearray(_RECORD_BYTES))
        while count := self._stream.read_into(record):
            said += record[:count]
        self.has_ended = count == 0
        return bytes(said)

    def protect(self, data: bytes) -> bytes:
        """Raises TlsFailed."""
        self._stream.write(data)
        return self._stream.take()

    def take(self) -> bytes:
        """What the protocol itself has to send."""
        return self._stream.take()

    def farewell(self) -> bytes:
        """A close_notify, behind everything that was protected before."""
        self._stream.close()
        return self._stream.take()
