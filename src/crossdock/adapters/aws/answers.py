"""What S3's answers tell about an object."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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
ENDING = ("DeleteObject", "AbortMultipartUpload")
"""Operations whose answer says by its status that something is gone."""
IS_IT_AN_S3 = ": is the endpoint an S3?"
"""What is asked of whoever reads of an answer that no S3 gives."""
UNKNOWN = datetime.fromtimestamp(0, UTC)

_TOLD: Mapping[str, frozenset[str]] = {
    "HeadObject": frozenset({"ETag"}),
    "CopyObject": frozenset({"ETag"}),
    "UploadPartCopy": frozenset({"ETag"}),
    "CreateMultipartUpload": frozenset({"UploadId"}),
    # Ceph Pacific completes the upload and leaves the tag empty; Garage's first releases had none.
    "CompleteMultipartUpload": frozenset({"ETag", "Key"}),
    "ListObjects": frozenset({"IsTruncated", "Name"}),
    "ListObjectsV2": frozenset({"IsTruncated", "KeyCount", "Name"}),
    "ListMultipartUploads": frozenset({"Bucket", "IsTruncated", "Uploads"}),
    "ListParts": frozenset({"IsTruncated", "Parts", "UploadId"}),
}
"""Members of which the answer of every S3 has one at least."""
_LISTED: Mapping[str, tuple[str, frozenset[str]]] = {
    "ListObjects": ("Contents", frozenset({"Key"})),
    "ListObjectsV2": ("Contents", frozenset({"Key"})),
    "ListMultipartUploads": ("Uploads", frozenset({"Key", "UploadId"})),
    "ListParts": ("Parts", frozenset({"ETag", "PartNumber", "Size"})),
}
"""What a listing lists, and the members that each of those has."""

_META = "x-amz-meta-"
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


def require_done(operation: str, resource: str, status: int, headers: Mapping[str, str]) -> None:
    """Raises Unavailable where what is no S3 tells success: a web server, a proxy, another port of the S3.

    Of `STORING` and `ENDING`, whose answers have no body; others pass. The names of headers compare without case, or
    those of `ENDING` are in lower case.
    """
    if operation in STORING and (status != HTTPStatus.OK or not headers.get("ETag")):
        missing = "names no ETag as S3's do, and nothing is known to be stored"
    elif operation in ENDING and not _is_ended(operation, status, headers):
        missing = "is none of an S3's, and nothing is known to be deleted"
    else:
        return
    raise Unavailable(f"{operation} of {resource}: the answer ({status}) {missing}{IS_IT_AN_S3}")


def _is_ended(operation: str, status: int, headers: Mapping[str, str]) -> bool:
    """S3 answers 204; some others 200, by which alone a page is answered too. Source: S3 API Reference."""
    if status != HTTPStatus.OK:
        return status == HTTPStatus.NO_CONTENT
    # Garage's answer to an abort is empty, and has no header of S3's.
    is_garages = operation == "AbortMultipartUpload" and headers.get("content-length") == "0"
    return is_garages or "x-amz-request-id" in headers


def require_told(operation: str, resource: str, answer: Answer) -> None:
    """Raises Unavailable where what is no S3 tells success: botocore finds no member in a page that it can parse."""
    if operation in ENDING:
        told = answer["ResponseMetadata"]
        require_done(operation, resource, told["HTTPStatusCode"], told["HTTPHeaders"])
    members = _TOLD.get(operation)
    if members and not (made_by_copy(answer) or answer).keys() & members:
        raise _untold(operation, resource, members)
    name, members = _LISTED.get(operation, ("", frozenset()))
    for item in answer.get(name, ()):
        if not members <= item.keys():
            raise _untold(operation, resource, members - item.keys())


def _untold(operation: str, resource: str, members: AbstractSet[str]) -> Unavailable:
    return Unavailable(f"{operation} of {resource}: the answer tells no {' or '.join(sorted(members))}{IS_IT_AN_S3}")


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


def made_by_copy(answer: Answer) -> Answer:
    """What CopyObject or UploadPartCopy has made."""
    made: Answer = answer.get("CopyObjectResult") or answer.get("CopyPartResult") or {}
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
