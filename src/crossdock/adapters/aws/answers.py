"""What S3's answers tell about an object."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from crossdock.cloud.s3.etags import multipart_etag, unquoted
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectInfo
from crossdock.wire.malformed import Malformed
from crossdock.wire.xml_tree import parse_xml

Answer = Mapping[str, Any]
"""As botocore parses it."""

UNKNOWN = datetime.fromtimestamp(0, UTC)

_META = "x-amz-meta-"
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


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


def info_of_range(place: ObjectPlace, headers: Mapping[str, str]) -> ObjectInfo:
    """Of HeadObject's headers or GetObject's, whether a range is answered or all. Raises Unavailable."""
    answered = answered_range(headers)
    size = headers.get("Content-Length", "") if answered is None else str(answered[1])
    if not size.isdecimal() or "ETag" not in headers:
        raise Unavailable(f"{place}: the answer tells no size or no ETag")
    return ObjectInfo(
        place=place,
        size=int(size),
        etag=unquoted(headers["ETag"]),
        modified_at=moment_of(headers.get("Last-Modified", "")),
        metadata={
            name.lower().removeprefix(_META): value for name, value in headers.items() if name.lower().startswith(_META)
        },
    )


def answered_range(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Where the answered range begins, and the size of the whole object; None of an answer that is no range."""
    match = _RANGE.fullmatch(headers.get("Content-Range", ""))
    return None if match is None else (int(match[1]), int(match[3]))


def moment_of(text: str) -> datetime:
    """A date of HTTP; the beginning of time where there is none, for the object is there all the same.

    RFC 9110 §6.6.1: a server without a clock sends no date.
    """
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return UNKNOWN


def upload_id_of(place: ObjectPlace, body: bytes) -> str:
    """Of CreateMultipartUpload's body. Raises Unavailable."""
    if upload_id := _texts(body).get("UploadId"):
        return upload_id
    raise Unavailable(f"CreateMultipartUpload of {place}: the answer names no upload")


def etag_of_completed(body: bytes) -> str:
    """Of CompleteMultipartUpload's body; empty where it has none."""
    return unquoted(_texts(body).get("ETag", ""))


def _texts(body: bytes) -> Mapping[str, str]:
    try:
        return {element.tag: element.text for element in parse_xml(body).children}
    except Malformed:
        return {}
