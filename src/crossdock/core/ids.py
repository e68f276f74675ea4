"""Identifiers in AWS's own shapes, made from random bytes that the caller brings."""

import re
from base64 import b32encode
from collections.abc import Callable
from typing import NewType

AccountId = NewType("AccountId", str)
ServerId = NewType("ServerId", str)
RoleId = NewType("RoleId", str)

Entropy = Callable[[int], bytes]
"""Returns that many unpredictable bytes. `os.urandom` in the house, a counter in tests."""


_SERVER_ID = re.compile(r"s-[0-9a-f]{17}")


def is_server_id(text: str) -> bool:
    return _SERVER_ID.fullmatch(text) is not None


def hex_id(prefix: str, entropy: Entropy, digits: int = 17) -> str:
    """`s-` and 17 hex digits for a server; hosts, keys and certificates are made alike."""
    return prefix + entropy((digits + 1) // 2).hex()[:digits]


def iam_id(prefix: str, entropy: Entropy) -> str:
    """A unique id such as `AROA` (role), `AIDA` (user), `ANPA` (managed policy) and 17 letters and digits.

    Source: IAM User Guide, "IAM identifiers", unique identifiers.
    """
    return prefix + b32encode(entropy(11)).decode()[:17]


def uuid4_text(entropy: Entropy) -> str:
    """A version 4 UUID (RFC 9562 §5.4), as request and change-set ids are."""
    raw = bytearray(entropy(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
