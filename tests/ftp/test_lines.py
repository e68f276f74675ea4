import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.ftp.commands import MAX_LINE
from crossdock.ftp.lines import LineBuffer, TooLong


def take(lines: LineBuffer) -> list[bytes | TooLong]:
    taken = []
    while (line := lines.next_line()) is not None:
        taken.append(line)
    return taken


def test_lines_end_with_crlf_or_lf() -> None:
    lines = LineBuffer()
    lines.feed(b"USER a\r\nPASS b\nNO")
    assert take(lines) == [b"USER a", b"PASS b"]
    lines.feed(b"OP\r")
    assert take(lines) == []
    lines.feed(b"\n")
    assert take(lines) == [b"NOOP"]


def test_only_the_cr_of_the_line_end_is_taken_off() -> None:
    lines = LineBuffer()
    lines.feed(b"a\r\r\n\r\n")
    assert take(lines) == [b"a\r", b""]


def test_a_line_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    for end in (b"\r\n", b"\n"):
        lines = LineBuffer()
        lines.feed(b"x" * MAX_LINE + end + b"x" * (MAX_LINE + 1) + end + b"NOOP" + end)
        assert take(lines) == [b"x" * MAX_LINE, TooLong.TOO_LONG, b"NOOP"]


def test_a_megabyte_without_an_end_is_not_kept() -> None:
    lines = LineBuffer()
    for _ in range(1024):
        lines.feed(b"x" * 1024)
        assert take(lines) == []
        assert len(lines) <= MAX_LINE + 1024
    lines.feed(b"\r\nNOOP\r\n")
    assert take(lines) == [TooLong.TOO_LONG, b"NOOP"]


def test_what_is_discarded_of_a_line_still_counts_as_there() -> None:
    lines = LineBuffer()
    assert lines.is_empty
    lines.feed(b"x")
    assert not lines.is_empty
    lines.feed(b"x" * (MAX_LINE + 2))
    assert take(lines) == []
    assert len(lines) == 0
    assert not lines.is_empty
    lines.feed(b"\r\n")
    assert take(lines) == [TooLong.TOO_LONG]
    assert lines.is_empty


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=50)), st.lists(st.integers(1, 60), min_size=1, max_size=10))
def test_it_does_not_matter_in_which_pieces_lines_arrive(texts: list[bytes], sizes: list[int]) -> None:
    texts = [text.replace(b"\n", b"") for text in texts]
    stream = b"".join(text + b"\r\n" for text in texts)
    lines, taken = LineBuffer(), []
    for size in itertools.cycle(sizes):
        if not stream:
            break
        lines.feed(stream[:size])
        stream = stream[size:]
        taken += take(lines)
    assert taken == texts


@settings(max_examples=50)
@given(st.integers(MAX_LINE - 3, MAX_LINE + 4), st.sampled_from([b"\n", b"\r\n"]), st.data())
def test_the_limit_does_not_depend_on_the_pieces_either(size: int, end: bytes, data: st.DataObject) -> None:
    stream = b"x" * size + end
    cut = data.draw(st.integers(0, len(stream)))
    lines = LineBuffer()
    lines.feed(stream[:cut])
    taken = take(lines)
    lines.feed(stream[cut:])
    assert taken + take(lines) == [b"x" * size if size <= MAX_LINE else TooLong.TOO_LONG]
