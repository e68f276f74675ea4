"""Texts as headers hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.header_text import header_text


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("", ""),
        ("plain text", "plain text"),
        ("geh\u00e4im-12", "geh?im-12"),
        ("  x y  ", "??x y??"),
        ("a\r\nX: y", "a??X: y"),
    ],
)
def test_what_no_header_holds_is_a_question_mark(text: str, held: str) -> None:
    assert header_text(text) == held


@given(st.text(min_size=1))
def test_no_text_is_blank_or_of_another_length(text: str) -> None:
    held = header_text(text)
    assert held.isascii()
    assert held.isprintable()
    assert held == held.strip() != ""
    assert len(held) == len(text)
    assert header_text(held) == held
