"""Copies inside S3, of objects of any size and always of one version.

Source: Amazon S3 API Reference, CopyObject ("up to 5 GB in a single atomic action"), UploadPartCopy.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.aws.answers import date_of
from crossdock.adapters.aws.completing import complete_upload
from crossdock.adapters.aws.connection import Answer, BoundS3
from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.files.unbroken import unbroken
from crossdock.ports.objects import ObjectInfo

MAX_COPY = 5 << 30

_KEPT = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata")
"""What CopyObject takes over from the source and an upload in parts must be told."""


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
    etag: str = copied["CopyPartResult"]["ETag"]
    return etag


async def copy_in_parts(
    s3: BoundS3, found: ObjectInfo, headers: Answer, target: ObjectPlace, *, part_size: int, if_none_match: bool
) -> ObjectInfo:
    """Copy what is too large for one CopyObject; leaves nothing behind when it fails or is cancelled.

    Args:
        headers: HeadObject's answer about the source.
        if_none_match: replace nothing, and raise Unavailable instead.
    """
    kept = {name: headers[name] for name in _KEPT if headers.get(name)}
    begun = await s3.call("CreateMultipartUpload", Bucket=target.bucket, Key=target.key, **kept)
    named = {"Bucket": target.bucket, "Key": target.key, "UploadId": begun["UploadId"]}
    try:
        tags: dict[int, str] = {}
        for number, start in enumerate(range(0, found.size, part_size), start=1):
            size = min(part_size, found.size - start)
            tags[number] = await copy_part(s3, named, number, found, offset=start, size=size)
        etag = await complete_upload(s3, named, tags, if_none_match=if_none_match)
    except BaseException as error:
        try:
            await unbroken(s3.call("AbortMultipartUpload", **named))
        except FileError as residue:
            error.add_note(f"its parts stayed behind: {residue}")
        raise
    return ObjectInfo(
        place=target,
        size=found.size,
        etag=etag,
        modified_at=date_of(begun),
        metadata=found.metadata,
    )
