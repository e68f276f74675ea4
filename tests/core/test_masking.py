"""A password is nowhere in what is told of its login."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.header_text import header_text
from crossdock.core.masking import MASK, mask

AWKWARD = "se\"c'r\\et é€\n/1"
SPELLINGS = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"password": text})),
    "repr": repr,
    "repr among others": lambda text: repr({"password": text, "quoted": "it's"}),
    "repr of a quoting text": lambda text: repr(f"it's {text}"),
    "repr of JSON": lambda text: repr(json.dumps({"password": text})),
    "JSON of a repr": lambda text: json.dumps(repr({"password": text})),
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode()),
    "a path": lambda text: quote(text, safe=""),
    "a query": quote_plus,
    "a header": header_text,
    "JSON of a header": lambda text: json.dumps({"Password": header_text(text)}),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "JSON of base64": lambda text: json.dumps({"PasswordBase64": base64.b64encode(text.encode()).decode()}),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("password", ["secretpw", AWKWARD, "o'clock", 'say "so"', "C:\\dir", "päss", "a b"])
def test_a_password_is_masked_however_it_is_spelled(password: str, spelling) -> None:
    told = mask(f"NameError: <{spelling(password)}> twice <{spelling(password)}>", password)
    assert told.count(MASK) == 2
    assert told.startswith("NameError: <")
    bare = spelling("").strip("b'\"")
    assert password not in told.replace(bare, "")


@given(st.text(min_size=3), st.text(), st.text())
def test_no_password_is_left_in_any_text(password: str, before: str, behind: str) -> None:
    told = mask(f"{before}{password}{behind}", password)
    assert MASK in told
    if "*" not in password:
        assert all(password not in part for part in told.split(MASK))


def test_a_text_without_the_password_stays_as_it_is() -> None:
    assert mask("the identity provider vouches for nobody", "secretpw") == "the identity provider vouches for nobody"


def test_an_empty_password_is_nowhere() -> None:
    assert mask("NameError: x", "") == "NameError: x"


@pytest.mark.parametrize("password", ["a", "e", "r:", ":", " ", "'", "\\", "."])
def test_a_very_short_password_leaves_the_words_legible(password: str) -> None:
    sentence = "NameError: there's no role. The function failed"
    assert mask(sentence, password) == sentence


@pytest.mark.parametrize("password", ["x", "pw", "7"])
def test_a_very_short_password_is_masked_where_it_stands_by_itself(password: str) -> None:
    assert mask(f"KeyError: {password}", password) == f"KeyError: {MASK}"
    assert mask(f"extra pws {{'password': {password!r}}}", password) == f"extra pws {{'password': '{MASK}'}}"
