"""Names of buckets and keys: which are allowed, and what ARNs they have.

Source: Amazon S3 User Guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects".
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from crossdock.cloud.s3.failures import invalid_argument, invalid_bucket_name
from crossdock.core.errors import ServiceError
from crossdock.core.homes import MAX_KEY_BYTES

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@lru_cache
def check_bucket_name(name: str) -> None:
    """The rules for new buckets, which no bucket here can break either."""
    if (
        _BUCKET.fullmatch(name) is None
        or ".." in name
        or _IP_ADDRESS.fullmatch(name)
        or name.startswith(_RESERVED_PREFIXES)
        or name.endswith(_RESERVED_SUFFIXES)
    ):
        raise invalid_bucket_name(name)


def check_key(key: str) -> None:
    """A key is 1 to 1,024 bytes of UTF-8, kept exactly as it is."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise invalid_argument("The key is not valid UTF-8.", "key", ascii(key)) from None
    if size > MAX_KEY_BYTES:
        raise ServiceError(
            "KeyTooLongError",
            "Your key is too long",
            members={"Size": str(size), "MaxSizeAllowed": str(MAX_KEY_BYTES)},
        )
    if size == 0:
        raise invalid_argument("The key is empty.", "key", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySource:
    bucket: str
    key: str
    version_id: str = ""


def parse_copy_source(text: str) -> CopySource:
    """`bucket/key` or `/bucket/key`, URL-encoded, with `?versionId=…` at will, as x-amz-copy-source has it.

    Source: S3 API Reference, CopyObject, request parameter CopySource.
    """
    path, separator, version_id = text.partition("?versionId=")
    try:
        bucket, _, key = unquote(path, errors="strict").removeprefix("/").partition("/")
    except UnicodeDecodeError:
        bucket = key = ""
    if not bucket or not key or (separator and not version_id):
        raise invalid_argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", text
        )
    return CopySource(bucket=bucket, key=key, version_id=version_id)
