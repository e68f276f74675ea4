"""Opaque page tokens."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.errors import ServiceError
from crossdock.operations.paging import page_key, page_token


@given(st.lists(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), min_size=1))
def test_a_token_gives_back_its_key(parts: list[str]) -> None:
    assert page_key(page_token(tuple(parts)), error_code="Bad") == tuple(parts)


def test_no_token_is_no_key() -> None:
    assert page_key(None, error_code="Bad") is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not base64 at all!",
        "é",
        urlsafe_b64encode(b"{").decode(),
        urlsafe_b64encode(b'{"a": 1}').decode(),
        urlsafe_b64encode(b"[]").decode(),
        urlsafe_b64encode(b"[1]").decode(),
        urlsafe_b64encode(b'[""]').decode(),
        urlsafe_b64encode(b"\xff\xfe").decode(),
        urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_a_text_that_is_no_token_is_refused_in_the_service_s_code(token: str) -> None:
    with pytest.raises(ServiceError) as refused:
        page_key(token, error_code="InvalidNextTokenException")

    assert refused.value.code == "InvalidNextTokenException"
