"""Frames on a stream between two processes: four bytes of length, most significant first, and as many of payload."""

from crossdock.core.errors import CrossdockError

MOST_BYTES = 16 << 20
"""Of a payload. The largest that is meant, an object of ten thousand parts, has about one."""

_HEADER_BYTES = 4


class BadMessage(CrossdockError):
    """What came is nothing that the other process may say."""


def frame(payload: bytes) -> bytes:
    """Raises BadMessage for a payload that the other end would refuse."""
    if len(payload) > MOST_BYTES:
        raise BadMessage(f"a message of {len(payload)} bytes; {MOST_BYTES} are the most")
    return len(payload).to_bytes(_HEADER_BYTES) + payload


class FrameReader:
    """Cuts what comes into payloads, however it was cut before."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are whole by now. Raises BadMessage at the first header of one that is too long."""
        held = self._held
        held += data
        found: list[bytes] = []
        start = 0
        while len(held) - start >= _HEADER_BYTES:
            begin = start + _HEADER_BYTES
            size = int.from_bytes(held[start:begin])
            if size > MOST_BYTES:
                raise BadMessage(f"a message of {size} bytes is announced; {MOST_BYTES} are the most")
            if len(held) < begin + size:
                break
            found.append(bytes(held[begin : begin + size]))
            start = begin + size
        del held[:start]
        return found
