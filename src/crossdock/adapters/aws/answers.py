"""What S3's answers tell about an object."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crossdock.adapters.aws.connection import Answer
from crossdock.cloud.s3.etags import multipart_etag, unquoted
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectInfo

UNKNOWN = datetime.fromtimestamp(0, UTC)


def info_of(place: ObjectPlace, answer: Answer, *, size: int) -> ObjectInfo:
    """Of HeadObject, GetObject, or an entry of a listing."""
    return ObjectInfo(
        place=place,
        size=size,
        etag=unquoted(answer["ETag"]),
        modified_at=answer["LastModified"],
        metadata=answer.get("Metadata", {}),
    )


def expected_etag(part_etags: Sequence[str]) -> str:
    """The tag that the object of these parts will have; empty where the parts' tags are no digests, as with SSE-KMS."""
    try:
        return multipart_etag([unquoted(etag) for etag in part_etags])
    except ValueError:
        return ""


def date_of(answer: Answer) -> datetime:
    """When the store answered, by its own clock: a write is not told the object's time.

    RFC 9110 §6.6.1: a server without a clock sends no date; then it is the beginning of time, for the object is there.
    """
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
    except ValueError:
        return UNKNOWN
