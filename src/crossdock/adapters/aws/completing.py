"""The end of a multipart upload, also of one whose answer gets lost."""

from collections.abc import Mapping
from typing import Any

from crossdock.adapters.aws.answers import expected_etag
from crossdock.adapters.aws.conditions import write_if
from crossdock.adapters.aws.connection import BoundS3
from crossdock.cloud.s3.etags import unquoted
from crossdock.core.errors import FileError, NotFound, Unavailable


async def complete_upload(
    s3: BoundS3,
    named: Mapping[str, Any],
    tags: Mapping[int, str],
    *,
    if_match: str | None = None,
    if_none_match: bool = False,
) -> str:
    """Make the parts of the upload that `named` tells the object, if the condition holds; returns its ETag.

    Args:
        tags: the parts' tags as S3 spells them, by number.
    """
    numbered = sorted(tags.items())
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in numbered]
    try:
        answer = await write_if(
            s3,
            "CompleteMultipartUpload",
            if_match=if_match,
            if_none_match=if_none_match,
            **named,
            MultipartUpload={"Parts": parts},
        )
        return unquoted(answer["ETag"])
    except (NotFound, Unavailable):
        # The answer to an attempt may have been lost on its way: then the upload is gone and the object is there.
        etag = expected_etag([tag for _, tag in numbered])
        if not await _is_there(s3, named, etag):
            raise
        return etag


async def _is_there(s3: BoundS3, named: Mapping[str, Any], etag: str) -> bool:
    """Whether the object of just these parts is there. Who may not look is not told so, and takes it for lost."""
    try:
        answer = await s3.call("HeadObject", Bucket=named["Bucket"], Key=named["Key"])
    except FileError:
        return False
    return bool(etag) and unquoted(answer["ETag"]) == etag
