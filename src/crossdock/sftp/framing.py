"""Where one packet ends and the next begins, however the stream is cut. Pure.

READ and WRITE, of which there are thousands a second, are read here, and the data of a WRITE is handed on as it comes,
never gathered. All else is handed on as whole packets.
"""

import struct
from collections.abc import Callable
from typing import Protocol

from crossdock.sftp.packets import MAX_DATA, MAX_PACKET, Kind, MalformedPacket

Take = Callable[[memoryview], None]
"""Takes a piece of the data of a WRITE; the view is good during the call only."""

_HEAD = struct.Struct(">IBIIIQI")
"""Length, type, number, length of the handle, handle, offset, size: all of a READ, and a WRITE up to its data."""
_HEAD_BYTES = _HEAD.size
_LEAST = _HEAD_BYTES - 4
_READ, _WRITE = int(Kind.READ), int(Kind.WRITE)


class PacketSink(Protocol):
    """Where the packets go. A handle that cannot be one of ours is 0."""

    def read(self, number: int, handle: int, offset: int, size: int) -> None: ...

    def begin_write(self, number: int, handle: int, offset: int, size: int) -> Take | None:
        """What takes the `size` bytes that follow, or None when nobody wants them."""

    def end_write(self) -> None:
        """All of the data has been taken."""

    def packet(self, kind: int, body: bytes) -> None: ...


class Framer:
    """Cuts a client's bytes into packets. After MalformedPacket it is of no more use.

    While `is_held` is set, which a sink may do at any packet, it takes nothing.
    """

    __slots__ = ("_left", "_sink", "_skip", "_stash", "_take", "is_held")

    def __init__(self, sink: PacketSink) -> None:
        self._sink = sink
        self._stash = bytearray()
        self._left = 0  # of the data of a WRITE
        self._skip = 0  # what follows it in the packet
        self._take: Take | None = None
        self.is_held = False

    def feed(self, data: memoryview) -> int:
        """Take the next bytes of the stream; returns how many. Those left must be fed again. Raises MalformedPacket."""
        at, end = 0, len(data)
        unpack = _HEAD.unpack_from
        while at < end and not self.is_held:
            if self._left or self._skip:
                at = self._go_on(data, at)
            elif self._stash:
                at = self._complete(data, at)
            elif end - at < _HEAD_BYTES:
                at = self._begin_short(data, at)
            else:
                length, kind, number, width, handle, offset, size = unpack(data, at)
                if kind == _READ and width == 4 and length == _LEAST:
                    at += _HEAD_BYTES
                    self._sink.read(number, handle, offset, size)
                elif kind == _WRITE and width == 4 and _LEAST <= length <= MAX_PACKET:
                    at += _HEAD_BYTES
                    self._begin_write(length, number, handle, offset, size)
                elif length <= end - at - 4:
                    at = self._whole(data, at, length)
                else:
                    at = self._begin_short(data, at)
        return at

    def _begin_write(self, length: int, number: int, handle: int, offset: int, size: int) -> None:
        skip = length - _LEAST - size
        if skip < 0 or size > MAX_DATA:
            raise MalformedPacket(f"a WRITE of {size} bytes in a packet of {length}")
        self._left, self._skip = size, skip
        self._take = self._sink.begin_write(number, handle, offset, size)
        if not size:
            self._sink.end_write()

    def _go_on(self, data: memoryview, at: int) -> int:
        """Within a WRITE, behind its head."""
        if left := self._left:
            piece = data[at : at + left]
            count = len(piece)
            if self._take is not None:
                self._take(piece)
            self._left = left - count
            if count == left:
                self._take = None
                self._sink.end_write()
            return at + count
        count = min(self._skip, len(data) - at)
        self._skip -= count
        return at + count

    def _whole(self, data: memoryview, at: int, length: int) -> int:
        """A packet that is here as a whole."""
        _require_sound(length)
        body = at + 4
        self._dispatch(bytes(data[body : body + length]))
        return body + length

    def _begin_short(self, data: memoryview, at: int) -> int:
        """A packet that is shorter than a head, or not yet here as a whole."""
        if len(data) - at >= 5:
            length = int.from_bytes(data[at : at + 4], "big")
            if length <= len(data) - at - 4 and data[at + 4] != _WRITE:
                return self._whole(data, at, length)
        return self._complete(data, at)

    def _complete(self, data: memoryview, at: int) -> int:
        """Gather a packet that came in pieces; of a WRITE only the head."""
        stash = self._stash
        while True:
            if len(stash) < 4:
                needed = 4
            elif len(stash) == 4:
                _require_sound(int.from_bytes(stash, "big"))  # sshd does not wait for more either
                needed = 5
            else:
                length = int.from_bytes(stash[:4], "big")
                _require_sound(length)
                is_write = stash[4] == _WRITE and _has_usual_handle(stash)
                needed = min(4 + length, _HEAD_BYTES) if is_write else 4 + length
                if len(stash) >= needed:
                    break
            if at >= len(data):
                return at
            piece = data[at : at + needed - len(stash)]
            stash += piece
            at += len(piece)
        packet, self._stash = bytes(stash), bytearray()
        if is_write and len(packet) == _HEAD_BYTES:
            length, _, number, _, handle, offset, size = _HEAD.unpack(packet)
            self._begin_write(length, number, handle, offset, size)
        else:
            self._dispatch(packet[4:])
        return at

    def _dispatch(self, packet: bytes) -> None:
        """A whole packet without its length. READs and WRITEs come here that are longer than usual, or odd."""
        kind = packet[0]
        if kind not in (_READ, _WRITE):
            self._sink.packet(kind, packet[1:])
            return
        handle, number, at = 0, int.from_bytes(packet[1:5], "big"), 9
        width = int.from_bytes(packet[5:9], "big")
        if width == 4:
            handle = int.from_bytes(packet[9:13], "big")
        at += width
        if at + 12 > len(packet):
            raise MalformedPacket("a READ or WRITE ends before what it says is in it")
        offset, size = struct.unpack_from(">QI", packet, at)
        if kind == _READ:
            self._sink.read(number, handle, offset, size)
            return
        data = memoryview(packet)[at + 12 : at + 12 + size]
        if len(data) != size or size > MAX_DATA:
            raise MalformedPacket(f"a WRITE of {size} bytes in a packet of {len(packet)}")
        take = self._sink.begin_write(number, handle, offset, size)
        if take is not None and size:
            take(data)
        self._sink.end_write()


def _has_usual_handle(stash: bytearray) -> bool:
    """Whether a WRITE names a handle as long as ours are, as far as one can tell yet."""
    return len(stash) < 13 or stash[9:13] == b"\0\0\0\4"


def _require_sound(length: int) -> None:
    if not 1 <= length <= MAX_PACKET:
        raise MalformedPacket(f"a packet of {length} bytes, where 1 to {MAX_PACKET} are possible")
