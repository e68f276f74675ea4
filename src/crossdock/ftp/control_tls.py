"""The TLS of a control connection, between its transport and its lines."""

from crossdock.ftp.tls import TlsStream
from crossdock.operations.threads import Threads, in_thread

_RECORD = memoryview(bytearray(16 << 10))
"""Where every connection decrypts, one record after the other, on the loop."""


class ControlTls:
    """First `shake_hands` until `is_established`, then all else.

    `threads` do what a handshake costs: a signature, which takes milliseconds with a large key. Strangers ask for it as
    often as they like, so the loop must not pay.
    """

    def __init__(self, stream: TlsStream, threads: Threads) -> None:
        self._stream = stream
        self._threads = threads
        self.is_established = False
        self.has_ended = False

    async def shake_hands(self, data: bytes) -> None:
        """Go on with the handshake; meanwhile nobody else may touch this object.

        Raises TlsFailed; what `take` gives then tells the client why.
        """
        self.is_established = await in_thread(self._threads, _shake_hands, self._stream, data)

    def receive(self, data: bytes) -> bytes:
        """What the client said. Raises TlsFailed as above, TlsTruncated."""
        self._stream.feed(data)
        said = bytearray()
        while count := self._stream.read_into(_RECORD):
            said += _RECORD[:count]
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


def _shake_hands(stream: TlsStream, data: bytes) -> bool:
    stream.feed(data)
    return stream.shake_hands()
