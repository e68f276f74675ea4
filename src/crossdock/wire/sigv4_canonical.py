"""What Signature Version 4 signs: the canonical request, the string to sign, and the keys derived for a day.

Source: IAM User Guide, "Create a signed AWS API request"; S3 API Reference, "Authenticating Requests (AWS Signature
Version 4)". S3 encodes the path once and leaves dots and double slashes alone; every other service normalises the path
and encodes what is already encoded once more.
"""

import hmac
import re
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

from crossdock.wire.http import Headers

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = sha256(b"").hexdigest()

_PLAIN_PATH = re.compile(r"[A-Za-z0-9\-._~/]*")
_PLAIN_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~&=]|%[0-9A-F]{2})*")
_NEEDLESS = re.compile(r"%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])")
"""Escapes of unreserved characters, which are signed bare."""


def canonical_path(path: str, *, is_s3: bool) -> str:
    """The path as it is signed, from the raw one."""
    if is_s3:
        if not path:
            return "/"
        if _PLAIN_PATH.fullmatch(path):
            return path
        return quote(unquote_to_bytes(to_bytes(path)), safe="/~")
    return quote(to_bytes(_without_dots(path)), safe="/~")


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4 and no double slashes, as SDKs normalise."""
    if not path:
        return "/"
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    first = "/" if path[0] == "/" else ""
    last = "/" if path[-1] == "/" and kept else ""
    return first + "/".join(kept) + last


def canonical_query(query: str) -> str:
    """The query as it is signed: decoded, encoded again, sorted, without the signature itself."""
    if not query:
        return ""
    is_plain = _PLAIN_QUERY.fullmatch(query) is not None and _NEEDLESS.search(query) is None
    pairs: list[tuple[str, str]] = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            if not is_plain:
                name, value = _encode(name), _encode(value)
            elif "=" in value:
                value = value.replace("=", "%3D")
            pairs.append((name, value))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs) if name != "X-Amz-Signature")


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(to_bytes(text.replace("+", " "))), safe="-_.~")


def canonical_headers(headers: Headers, signed_headers: tuple[str, ...]) -> str:
    """A line for each signed header; repeated ones are joined, spaces collapsed."""
    lines = []
    for name in signed_headers:
        values = headers.all(name)
        if len(values) == 1:
            lines.append(f"{name}:{' '.join(values[0].split())}\n")
        else:
            lines.append(f"{name}:{','.join(' '.join(value.split()) for value in values)}\n")
    return "".join(lines)


def canonical_request(
    method: str,
    path: str,
    query: str,
    headers: Headers,
    signed_headers: tuple[str, ...],
    payload_hash: str,
    *,
    is_s3: bool,
) -> bytes:
    return to_bytes(
        "\n".join(
            (
                method.upper(),
                canonical_path(path, is_s3=is_s3),
                canonical_query(query),
                canonical_headers(headers, signed_headers),
                ";".join(signed_headers),
                payload_hash,
            )
        )
    )


def to_bytes(text: str) -> bytes:
    """The bytes that were on the wire: those that are no UTF-8 are lone surrogates in our text.

    Raises:
        UnicodeEncodeError: a surrogate that stands for no byte.
    """
    return text.encode("utf-8", "surrogateescape")


def string_to_sign(stamp: str, scope: str, request: bytes) -> str:
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(request).hexdigest()}"


def hmac_sha256(key: bytes, text: str) -> bytes:
    return hmac.digest(key, to_bytes(text), "sha256")


@lru_cache(maxsize=512)
def signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    """The key derived for a day, region and service. Cached, because it is the same for every request of the day."""
    key = hmac_sha256(to_bytes("AWS4" + secret_key), date)
    for part in (region, service, "aws4_request"):
        key = hmac_sha256(key, part)
    return key
