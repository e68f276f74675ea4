"""What S3 says when it does not do what was asked, read from its answer. Pure.

Source: Amazon S3 API Reference, "Error responses"; User Guide, "Request redirection and the REST API".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from crossdock.wire.malformed import Malformed
from crossdock.wire.xml_tree import parse_xml


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`code` is S3's, or the status in digits for an answer without a body.

    Args:
        request_id: S3's own, or the second one (x-amz-id-2) of an answer that has that alone.
        region: where the bucket is, when S3 says so.
        answered_at: by S3's clock, as its Date header has it.
    """

    code: str
    message: str
    status: int
    request_id: str = ""
    region: str = ""
    answered_at: str = ""
    retry_after_s: float = 0.0


class Refused(Exception):
    """An answer that is an error: the cause of the FileError that is made of it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(": ".join(filter(None, (refusal.code, refusal.message))))
        self.refusal = refusal


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    """`headers` compare without case. A body that is no error of S3's, such as a proxy's page, tells nothing."""
    told: dict[str, str] = {}
    try:
        root = parse_xml(body) if body else None
    except Malformed:
        root = None
    if root is not None and root.tag == "Error":
        told = {element.tag: element.text for element in root.children}
    return Refusal(
        code=told.get("Code") or str(status),
        message=told.get("Message", ""),
        status=status,
        request_id=told.get("RequestId") or headers.get("x-amz-request-id") or headers.get("x-amz-id-2", ""),
        region=headers.get("x-amz-bucket-region") or told.get("Region", ""),
        answered_at=headers.get("Date", ""),
        retry_after_s=_seconds(headers.get("Retry-After", "")),
    )


def read_late_refusal(headers: Mapping[str, str], body: bytes) -> Refusal | None:
    """What stands in the body of an answer whose status is good (CompleteMultipartUpload); None where all is well."""
    if not body:
        return None
    late = read_refusal(500, headers, body)
    return late if late.code != "500" else None


def refusal_of(error: ClientError) -> Refusal:
    """The same of what botocore raised."""
    metadata = error.response.get("ResponseMetadata", {})
    told = error.response.get("Error", {})
    headers = metadata.get("HTTPHeaders", {})
    return Refusal(
        # None of a page that is well-formed, and no error of S3's.
        code=told.get("Code") or str(metadata.get("HTTPStatusCode", "")),
        # Other S3s leave the element out or empty, which botocore tells as None.
        message=told.get("Message") or "",
        status=metadata.get("HTTPStatusCode", 0),
        # botocore does not read it of every answer without a body.
        request_id=metadata.get("RequestId") or headers.get("x-amz-request-id") or headers.get("x-amz-id-2", ""),
        region=headers.get("x-amz-bucket-region") or str(told.get("Region", "")),
        answered_at=headers.get("date", ""),
        retry_after_s=_seconds(headers.get("retry-after", "")),
    )


def _seconds(text: str) -> float:
    """A date, which Retry-After may also be, is not waited for."""
    return float(text) if text.isdecimal() else 0.0
