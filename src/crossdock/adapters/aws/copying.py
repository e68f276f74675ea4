"""Copies inside S3, of objects of any size and always of one version.

Source: Amazon S3 API Reference, CopyObject ("up to 5 GB in a single atomic action"), UploadPartCopy.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.aws.answers import Answer, made_by_copy
from crossdock.adapters.aws.connection import BoundS3
from crossdock.files.part_plan import MAX_PARTS
from crossdock.ports.objects import ObjectInfo

MAX_COPY = 5 << 30
COPIED_AT_ONCE = 4
_COPIED_PART = 512 << 20
"""Large enough for few requests, small enough that S3 answers each before anybody loses patience."""

_KEPT: Mapping[str, str] = {
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "ContentType": "Content-Type",
}
"""What CopyObject takes over from the source, beside metadata, and an upload in parts must be told."""


def copied_parts(size: int, max_copy: int) -> list[tuple[int, int, int]]:
    """Number, offset and size of the parts in which an object of that size is copied."""
    part_size = min(max_copy, max(_COPIED_PART, -(-size // MAX_PARTS)))
    return [
        (number, offset, min(part_size, size - offset))
        for number, offset in enumerate(range(0, size, part_size), start=1)
    ]


def copy_source(found: ObjectInfo) -> Mapping[str, Any]:
    """The source as parameters; should it be replaced meanwhile, the copy fails rather than be another object."""
    return {
        "CopySource": {"Bucket": found.place.bucket, "Key": found.place.key},
        "CopySourceIfMatch": f'"{found.etag}"',
    }


async def copy_part(
    s3: BoundS3, named: Mapping[str, Any], number: int, found: ObjectInfo, *, offset: int, size: int
) -> str:
    """Make bytes of an object a part of the upload that `named` tells; returns the part's tag as S3 spells it."""
    copied = await s3.call(
        "UploadPartCopy",
        **named,
        PartNumber=number,
        CopySourceRange=f"bytes={offset}-{offset + size - 1}",
        **copy_source(found),
    )
    etag: str = made_by_copy(copied)["ETag"]
    return etag


def kept_headers(headers: Answer) -> Mapping[str, str]:
    """The headers of the source that its copy is to have, from HeadObject's answer."""
    return {header: headers[name] for name, header in _KEPT.items() if headers.get(name)}
