"""Pieces in memory as one file."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.aws.pieces import PiecesFile


@given(pieces=st.lists(st.binary(max_size=20)), cuts=st.lists(st.integers(1, 30), min_size=1))
def test_pieces_are_read_as_one_however_they_are_cut(pieces, cuts):
    file = PiecesFile(pieces)
    whole = b"".join(pieces)
    assert file.size == len(whole)
    out, turn = b"", 0
    while chunk := file.read(cuts[turn % len(cuts)]):
        out += chunk
        turn += 1
        assert file.tell() == len(out)
    assert out == whole
    file.seek(0)
    assert file.readall() == whole


@given(pieces=st.lists(st.binary(max_size=20)), offset=st.integers(0, 200))
def test_a_seek_goes_anywhere(pieces, offset):
    file = PiecesFile(pieces)
    whole = b"".join(pieces)
    assert file.seek(offset) == offset
    assert file.readall() == whole[offset:]
    assert file.seek(0, io.SEEK_END) == len(whole)
    assert file.seek(-offset, io.SEEK_END) == max(0, len(whole) - offset)
    file.seek(1)
    assert file.seek(2, io.SEEK_CUR) == 3


def test_pieces_of_every_kind_are_taken_as_bytes_and_not_copied():
    array = bytearray(b"two ")
    file = PiecesFile([b"one ", array, memoryview(b"three").cast("c")])
    array[:] = b"TWO "
    assert (file.size, file.readall()) == (13, b"one TWO three")
    assert file.readable()
    assert file.seekable()
    assert not file.writable()


def test_a_place_that_is_none_is_refused():
    with pytest.raises(KeyError):
        PiecesFile([]).seek(0, 9)
