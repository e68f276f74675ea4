"""What S3's answers tell about an object."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from crossdock.cloud.s3.etags import multipart_etag, unquoted
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectInfo
from crossdock.wire.malformed import Malformed
from crossdock.wire.xml_tree import parse_xml

Answer = Mapping[str, Any]
"""As botocore parses it."""

STORING = ("PutObject", "UploadPart")
"""Operations whose answer says by an ETag that bytes are stored."""
IS_IT_AN_S3 = ": is the endpoint an S3?"
"""What is asked of whoever reads of an answer that no S3 gives."""
UNKNOWN = datetime.fromtimestamp(0, UTC)

_META = "x-amz-meta-"
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


def require_stored(operation: str, resource: str, status: int, headers: Mapping[str, str]) -> None:
    """Raises Unavailable where what is no S3 tells success: a web server, a proxy, another port of the S3."""
    if status != HTTPStatus.OK or not headers.get("ETag"):
        raise Unavailable(
            f"{operation} of {resource}: the answer ({status}) names no ETag as S3's do, and nothing is known to be "
            f"stored{IS_IT_AN_S3}"
        )


def info_of(place: ObjectPlace, answer: Answer) -> ObjectInfo:
    """Of HeadObject, GetObject, or an entry of a listing. Raises Unavailable."""
    size = answer.get("ContentLength", answer.get("Size"))
    if size is None or "ETag" not in answer:
        raise Unavailable(f"{place}: the answer tells no size or no ETag{IS_IT_AN_S3}")
    return ObjectInfo(
        place=place,
        size=size,
        etag=unquoted(answer["ETag"]),
        modified_at=answer.get("LastModified", UNKNOWN),
        metadata=answer.get("Metadata", {}),
    )


def result_of_copy(operation: str, resource: str, answer: Answer) -> Answer:
    """What CopyObject or UploadPartCopy has made. Raises Unavailable."""
    made: Answer = answer.get("CopyObjectResult") or answer.get("CopyPartResult") or {}
    if "ETag" not in made:
        raise Unavailable(f"{operation} to {resource}: the answer names no ETag{IS_IT_AN_S3}")
    return made


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
        raise Unavailable(f"{place}: the answer tells no size or no ETag{IS_IT_AN_S3}")
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
    if upload_id := (_texts(body, "InitiateMultipartUploadResult") or {}).get("UploadId"):
        return upload_id
    raise Unavailable(f"CreateMultipartUpload of {place}: the answer names no upload")


def etag_of_completed(place: ObjectPlace, body: bytes) -> str:
    """Of CompleteMultipartUpload's body; empty where it has none. Raises Unavailable for another body."""
    told = _texts(body, "CompleteMultipartUploadResult")
    if told is None:
        raise Unavailable(f"CompleteMultipartUpload of {place}: the answer is none of an S3's")
    return unquoted(told.get("ETag", ""))


def _texts(body: bytes, root: str) -> Mapping[str, str] | None:
    """None of another document, or of none."""
    try:
        found = parse_xml(body)
    except Malformed:
        return None
    return {element.tag: element.text for element in found.children} if found.tag == root else None
