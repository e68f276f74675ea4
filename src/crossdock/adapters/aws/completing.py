"""The end of a multipart upload, also of one whose answer gets lost."""

from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.adapters.aws.answers import etag_of_completed, expected_etag
from crossdock.adapters.aws.conditions import Condition, write_if
from crossdock.adapters.aws.connection import BoundS3
from crossdock.adapters.aws.failures import refusal_behind, status_of
from crossdock.adapters.aws.requests import complete_upload
from crossdock.adapters.aws.sending import Answered
from crossdock.cloud.s3.etags import unquoted
from crossdock.core.errors import Exists, FileError, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.upload_ledger import BegunUpload

PRECONDITION_FAILED = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """`is_over`: the upload is gone. Else its object is there, and its parts may be too: abort it."""

    etag: str
    is_over: bool


async def complete(
    s3: BoundS3, begun: BegunUpload, tags: Mapping[int, str], condition: Condition, checked: Mapping[str, str]
) -> Completed:
    """Make the parts of an upload the object, if the condition holds.

    Args:
        tags: the parts' tags as S3 spells them, by number.
        checked: headers that S3 compares with the object.
    """
    place, numbered = begun.place, sorted(tags.items())

    async def attempt(condition: Condition) -> Answered:
        return await s3.send(
            complete_upload(place, begun.upload_id, numbered, headers={**checked, **condition.headers})
        )

    expected = expected_etag([tag for _, tag in numbered])
    try:
        answered = await write_if(s3, place, attempt, condition)
        # Ceph Pacific completes the upload and leaves the tag empty.
        return Completed(etag=etag_of_completed(place, answered.body) or expected, is_over=True)
    except (Exists, NotFound, Unavailable) as error:
        # The answer to an attempt may have been lost on its way: then the upload is gone and the object is there.
        if await _is_there(s3, place, expected):
            # Or else another upload made the same object.
            refusal = refusal_behind(error)
            return Completed(etag=expected, is_over=refusal is not None and refusal.code == "NoSuchUpload")
        if condition.if_none_match and status_of(error) == PRECONDITION_FAILED:
            raise Exists(f"{place} is there already: {error}") from error.__cause__
        raise


async def _is_there(s3: BoundS3, place: ObjectPlace, etag: str) -> bool:
    """Whether the object of just these parts is there. Who may not look is not told so, and takes it for lost."""
    try:
        answer = await s3.call("HeadObject", Bucket=place.bucket, Key=place.key)
    except FileError:
        return False
    return bool(etag) and unquoted(answer["ETag"]) == etag
