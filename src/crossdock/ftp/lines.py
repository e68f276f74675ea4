"""From a stream of bytes to lines, in bounded memory."""

from enum import Enum

from crossdock.ftp.commands import MAX_LINE


class TooLong(Enum):
    """A line longer than `MAX_LINE`, of which nothing was kept."""

    TOO_LONG = "too long"


class LineBuffer:
    """Splits what a client sends at LF; a CR before it belongs to the line's end.

    RFC 959 §5.3.1 ends commands with CRLF; a bare LF is accepted because hand-written clients send it.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._scanned = 0
        self._is_discarding = False

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come of the next line: neither what is kept nor what was too long to be."""
        return not self._bytes and not self._is_discarding

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def next_line(self) -> bytes | TooLong | None:
        """The next whole line without its end, or None when more bytes are needed."""
        end = self._bytes.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._bytes)
            if self._is_discarding or len(self._bytes) > MAX_LINE + 1:
                self._is_discarding = True
                self._bytes.clear()
                self._scanned = 0
            return None
        line = bytes(memoryview(self._bytes)[:end]) if end <= MAX_LINE + 1 else b""
        is_too_long = self._is_discarding or len(line.removesuffix(b"\r")) > MAX_LINE or end > MAX_LINE + 1
        del self._bytes[: end + 1]
        self._scanned = 0
        self._is_discarding = False
        return TooLong.TOO_LONG if is_too_long else line.removesuffix(b"\r")
