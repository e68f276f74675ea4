"""Entity tags: S3's MD5 of a single put, its MD5-of-MD5s of a multipart upload, and our opaque ones.

Tags are kept without their quotes; answers add them. Source: RFC 9110 §8.8.3; S3 API Reference, "Object", ETag.
"""

import hashlib
import re
from collections.abc import Sequence

from crossdock.core.ids import Entropy

_MULTIPART = re.compile(r"[0-9a-f]{32}-(\d{1,5})")


def quoted(etag: str) -> str:
    return f'"{etag}"'


def unquoted(text: str) -> str:
    """A tag as clients write it: with quotes or without."""
    text = text.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def is_listed(etag: str, header: str) -> bool:
    """Whether the value of If-Match or If-None-Match names this tag. A weak mark is overlooked, as all are strong."""
    return any(item.strip() == "*" or unquoted(item.strip().removeprefix("W/")) == etag for item in header.split(","))


def multipart_etag(part_etags: Sequence[str]) -> str:
    """The tag of an object of several parts: the MD5 of the parts' binary MD5s, and how many there are."""
    digest = hashlib.md5(b"".join(bytes.fromhex(etag) for etag in part_etags), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(part_etags)}"


def opaque_etag(entropy: Entropy) -> str:
    """A tag that tells nothing of the bytes, in the form that clients never take for an MD5."""
    return f"{entropy(16).hex()}-1"


def part_count(etag: str) -> int | None:
    """How many parts the object was made of, or None for a single put."""
    match = _MULTIPART.fullmatch(etag)
    return int(match[1]) if match else None
