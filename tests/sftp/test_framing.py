"""Packets are the same however the stream is cut, and what is no packet ends it."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.sftp_talk import packet, text, u32, u64

from crossdock.sftp.framing import Framer, Take
from crossdock.sftp.packets import MAX_DATA, MAX_PACKET, Kind, MalformedPacket

Seen = tuple[object, ...]
HANDLE = text(u32(7))


@dataclass
class Notebook:
    """Writes down what it is given. Handle 8 is one to which nobody may write."""

    seen: list[Seen] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    holds_at: int | None = None
    framer: Framer | None = None

    def read(self, number: int, handle: int, offset: int, size: int) -> None:
        self._note("read", number, handle, offset, size)

    def begin_write(self, number: int, handle: int, offset: int, size: int) -> Take | None:
        self._note("write", number, handle, offset, size)
        return None if handle == 8 else self.data.extend

    def end_write(self) -> None:
        self._note("end", bytes(self.data))
        self.data.clear()

    def packet(self, kind: int, body: bytes) -> None:
        self._note(kind, body)

    def _note(self, *what: object) -> None:
        self.seen.append(what)
        if self.framer is not None and len(self.seen) == self.holds_at:
            self.framer.is_held = True


def feed(stream: bytes, cuts: list[int]) -> list[Seen]:
    notebook = Notebook()
    framer = Framer(notebook)
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    start = 0
    for end in ends:
        assert framer.feed(memoryview(stream)[start:end]) == end - start
        start = end
    return notebook.seen


@st.composite
def pieces(draw: st.DrawFn) -> tuple[bytes, list[Seen]]:
    """A packet, and what is made of it."""
    number, offset = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**64 - 1))
    more = draw(st.sampled_from([b"", b"", b"behind"]))
    handle, known = draw(st.sampled_from([(HANDLE, 7), (text(u32(8)), 8), (text(b"odd one"), 0), (text(b""), 0)]))
    match draw(st.integers(0, 2)):
        case 0:
            size = draw(st.integers(0, 2**32 - 1))
            whole = packet(Kind.READ, u32(number), handle, u64(offset), u32(size), more)
            return whole, [("read", number, known, offset, size)]
        case 1:
            data = draw(st.binary(max_size=200))
            whole = packet(Kind.WRITE, u32(number), handle, u64(offset), text(data), more)
            return whole, [("write", number, known, offset, len(data)), ("end", b"" if known == 8 else data)]
        case _:
            kind = draw(st.integers(7, 255))
            body = draw(st.binary(max_size=100))
            return packet(kind, body), [(kind, body)]


@given(st.lists(pieces(), max_size=12), st.lists(st.integers(0, 2000), max_size=40))
def test_packets_are_the_same_however_they_are_cut(said: list[tuple[bytes, list[Seen]]], cuts: list[int]):
    stream = b"".join(whole for whole, _ in said)
    assert feed(stream, cuts) == [seen for _, expected in said for seen in expected]


@given(st.lists(pieces(), min_size=1, max_size=12), st.integers(1, 12))
def test_a_held_framer_takes_nothing_and_goes_on_where_it_was(said: list[tuple[bytes, list[Seen]]], at: int):
    stream = b"".join(whole for whole, _ in said)
    notebook = Notebook(holds_at=at)
    notebook.framer = framer = Framer(notebook)
    taken = framer.feed(memoryview(stream))
    if framer.is_held:
        # A WRITE that ends with its head is begun and ended at one stroke.
        assert at <= len(notebook.seen) <= at + 1
        assert framer.feed(memoryview(stream)[taken:]) == 0
        framer.is_held = False
    framer.feed(memoryview(stream)[taken:])
    assert notebook.seen == [seen for _, expected in said for seen in expected]


@pytest.mark.parametrize(
    "stream",
    [
        u32(0) + bytes(40),
        u32(MAX_PACKET + 1) + bytes(40),
        u32(2**32 - 1) + bytes(40),
        packet(Kind.READ, u32(1), HANDLE, u64(0)),
        packet(Kind.READ, b""),
        packet(Kind.READ, u32(1), u32(2**32 - 1), bytes(40)),
        packet(Kind.WRITE, b""),
        packet(Kind.WRITE, u32(1), HANDLE, u64(0), u32(9), b"8 bytes."),
        packet(Kind.WRITE, u32(1), text(b"odd"), u64(0), u32(9), b"8 bytes."),
        packet(Kind.WRITE, u32(1), HANDLE, u64(0), u32(MAX_DATA + 1), bytes(MAX_DATA + 1)),
        packet(Kind.WRITE, u32(1), text(b""), u64(0), u32(MAX_DATA + 1), bytes(MAX_DATA + 1)),
    ],
)
@pytest.mark.parametrize("cuts", [[], [1], [4, 5, 6, 29], list(range(60))])
def test_what_is_no_packet_is_malformed(stream: bytes, cuts: list[int]):
    with pytest.raises(MalformedPacket):
        feed(stream, cuts)


@pytest.mark.parametrize("length", [0, MAX_PACKET + 1, 2**32 - 1])
@pytest.mark.parametrize("cuts", [[], [1], [2, 3], [7, 9]])
def test_a_length_that_cannot_be_is_told_at_its_end(length: int, cuts: list[int]):
    with pytest.raises(MalformedPacket):
        feed(packet(Kind.STAT, b"a") + u32(length), cuts)


def test_the_largest_write_is_taken():
    data = bytes(MAX_DATA)
    seen = feed(packet(Kind.WRITE, u32(1), HANDLE, u64(0), text(data)), [100_000])
    assert seen == [("write", 1, 7, 0, MAX_DATA), ("end", data)]
