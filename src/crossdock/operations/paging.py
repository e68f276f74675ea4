"""Opaque page tokens: the key after which the next page begins."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from crossdock.core.errors import ServiceError
from crossdock.ports.state import Key


def page_token(key: Key) -> str:
    return urlsafe_b64encode(json.dumps(list(key)).encode()).decode()


def page_key(token: str | None, *, error_code: str) -> Key | None:
    """The key of a token, None for no token. Raises ServiceError with `error_code` for a text that is no token."""
    if token is None:
        return None
    try:
        parts = json.loads(urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise ServiceError(error_code, "The pagination token is not valid.") from error
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) and part for part in parts):
        raise ServiceError(error_code, "The pagination token is not valid.")
    return tuple(parts)
