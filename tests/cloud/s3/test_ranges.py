"""Which bytes a request asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.cloud.s3.ranges import ByteRange, overlapping, parse_copy_range, parse_range, part_range
from crossdock.core.errors import ServiceError
from crossdock.ports.storage import Segment


@pytest.mark.parametrize(
    ("header", "offset", "size"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=0-99999999999", 0, 10),
        ("bytes=3-5", 3, 3),
        ("bytes=9-", 9, 1),
        ("bytes=0-", 0, 10),
        ("bytes=-1", 9, 1),
        ("bytes=-10", 0, 10),
        ("bytes=-99", 0, 10),
        (" bytes=3-5 ", 3, 3),
    ],
)
def test_a_range_is_cut_at_the_end(header, offset, size):
    assert parse_range(header, 10) == ByteRange(offset=offset, size=size, total=10)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=99-", "bytes=-0"])
def test_a_range_without_a_single_byte_is_416(header):
    with pytest.raises(ServiceError) as refused:
        parse_range(header, 10)
    error = refused.value
    assert (error.code, error.status) == ("InvalidRange", 416)
    assert error.members == {"RangeRequested": header, "ActualObjectSize": "10"}
    assert error.headers == {"Content-Range": "bytes */10"}


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_object_has_no_range(header):
    with pytest.raises(ServiceError, match="InvalidRange"):
        parse_range(header, 0)


@pytest.mark.parametrize(
    "header", ["", "bytes", "bytes=", "bytes=-", "bytes=5-3", "items=0-1", "bytes=0-1,3-4", "bytes=a-b", "bytes=٣-٤"]
)
def test_what_is_no_single_range_is_ignored(header):
    assert parse_range(header, 10) is None


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(0, 50))
def test_a_range_lies_within_the_object(header, total):
    found, code = None, "InvalidRange"
    try:
        found = parse_range(header, total)
    except ServiceError as error:
        code = error.code
    assert code == "InvalidRange"
    if found is not None:
        assert found.size > 0
        assert 0 <= found.offset < found.offset + found.size <= total
        assert found.content_range == f"bytes {found.offset}-{found.offset + found.size - 1}/{total}"


def test_a_copy_range_has_both_ends_within_the_source():
    assert parse_copy_range("bytes=2-9", 10) == ByteRange(offset=2, size=8, total=10)
    for header in ("bytes=0-10", "bytes=5-", "bytes=-5", "bytes=5-4", "2-9", ""):
        with pytest.raises(ServiceError, match="InvalidArgument"):
            parse_copy_range(header, 10)


def test_a_part_lies_behind_those_before_it():
    segments = [Segment(blob_id="a", size=3), Segment(blob_id="b", size=4), Segment(blob_id="c", size=0)]
    assert part_range(segments, 1) == ByteRange(offset=0, size=3, total=7)
    assert part_range(segments, 2) == ByteRange(offset=3, size=4, total=7)
    assert part_range(segments, 3) == ByteRange(offset=7, size=0, total=7)


@given(st.lists(st.integers(0, 5), max_size=8), st.data())
def test_the_overlapping_segments_hold_just_the_wanted_bytes(sizes, data):
    segments = [Segment(blob_id=str(number), size=size) for number, size in enumerate(sizes)]
    content = [(segment.blob_id, position) for segment in segments for position in range(segment.size)]
    offset = data.draw(st.integers(0, len(content)))
    size = data.draw(st.integers(0, len(content) - offset))
    found, skipped = overlapping(segments, ByteRange(offset=offset, size=size, total=len(content)))
    held = [(segment.blob_id, position) for segment in found for position in range(segment.size)]
    assert held[skipped : skipped + size] == content[offset : offset + size]
    if size:
        assert skipped < found[0].size
        assert len(held) - skipped - size < found[-1].size
