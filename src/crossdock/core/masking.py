"""Keeping a password out of what is told about its login. Pure."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote, quote_plus

from crossdock.core.header_text import header_text

MASK = "****"
SHORTEST_MASKED_ANYWHERE = 3


def mask(text: str, password: str) -> str:
    """The text with `****` in place of the password: as it is, and as JSON, Python, URLs, headers and base64 write it.

    Spelled twice over, it is masked too. One or two characters are part of nearly every word. Masked everywhere, they
    would leave nothing to read, and the gaps would tell them; so they are masked only where they stand by themselves,
    as between quotation marks. An empty password is nowhere.
    """
    if not password:
        return text
    found = sorted((form for form in _forms(password) if form in text), key=len, reverse=True)
    return re.sub("|".join(map(_pattern, found)), MASK, text) if found else text


def _pattern(form: str) -> str:
    literal = re.escape(form)
    return literal if len(form) >= SHORTEST_MASKED_ANYWHERE else rf"(?<!\w){literal}(?!\w)"


def _forms(password: str) -> frozenset[str]:
    """How the password may be spelled: an error may quote the JSON that quotes it."""
    forms = {password}
    for _ in range(2):
        forms |= {escape(form) for form in forms for escape in _ESCAPES}
    return frozenset(forms)


def _as_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _as_unicode_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


# `repr` chooses its quotation marks by all that stands between them; both in front make it escape the single ones.
_BOTH_QUOTES = "'\""


def _as_repr(text: str) -> str:
    return repr(_BOTH_QUOTES + text)[4:-1]


def _as_double_quoted_repr(text: str) -> str:
    return _as_repr(text).replace("\\'", "'")


def _as_ascii(text: str) -> str:
    return ascii(_BOTH_QUOTES + text)[4:-1]


def _as_bytes(text: str) -> str:
    return repr((_BOTH_QUOTES + text).encode(errors="surrogatepass"))[5:-1]


def _in_path(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _in_query(text: str) -> str:
    return quote_plus(text, errors="surrogatepass")


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogatepass")).decode()


_ESCAPES: Sequence[Callable[[str], str]] = (
    _as_json,
    _as_unicode_json,
    _as_repr,
    _as_double_quoted_repr,
    _as_ascii,
    _as_bytes,
    _in_path,
    _in_query,
    _in_base64,
    header_text,
)
