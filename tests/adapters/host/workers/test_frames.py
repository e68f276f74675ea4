"""Frames however the stream cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.host.workers.frames import MOST_BYTES, BadMessage, FrameReader, frame


@given(payloads=st.lists(st.binary(max_size=300), max_size=8), cuts=st.lists(st.integers(0, 2500), max_size=20))
def test_payloads_come_whole_and_in_order(payloads: list[bytes], cuts: list[int]):
    stream = b"".join(frame(payload) for payload in payloads)
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    reader, found, start = FrameReader(), [], 0
    for end in ends:
        found += reader.feed(stream[start:end])
        start = end
    assert found == payloads


def test_a_frame_is_not_taken_before_its_last_byte():
    reader, sent = FrameReader(), frame(b"payload")
    assert reader.feed(sent[:-1]) == []
    assert reader.feed(sent[-1:]) == [b"payload"]


def test_what_is_too_long_is_refused_by_both_ends_and_not_waited_for():
    with pytest.raises(BadMessage, match="are the most"):
        frame(bytes(MOST_BYTES + 1))
    with pytest.raises(BadMessage, match="announced"):
        FrameReader().feed((MOST_BYTES + 1).to_bytes(4))
    assert FrameReader().feed(MOST_BYTES.to_bytes(4)) == []
