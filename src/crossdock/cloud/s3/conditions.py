"""Conditional requests, in the order of precedence that S3 documents.

Sources: RFC 9110 §13.2.2; S3 API Reference, GetObject ("If both of the If-Match and If-Unmodified-Since headers are
present…"), CopyObject, PutObject (If-None-Match, If-Match).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from crossdock.cloud.s3.etags import is_listed, quoted, unquoted
from crossdock.cloud.s3.failures import not_implemented, not_modified, precondition_failed
from crossdock.operations.operation import Params
from crossdock.ports.storage import ObjectEntry


def http_date(moment: datetime) -> str:
    """RFC 9110 §5.6.7."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def check_read(params: Params, entry: ObjectEntry) -> None:
    """The conditions of GetObject and HeadObject: 412 or 304, or nothing at all."""
    modified = entry.modified_at.replace(microsecond=0)
    if (if_match := params.get("IfMatch")) is not None:
        # A tag that matches outweighs a date that does not.
        if not is_listed(entry.etag, if_match):
            raise precondition_failed("If-Match")
    elif (since := params.get("IfUnmodifiedSince")) is not None and modified > since:
        raise precondition_failed("If-Unmodified-Since")
    if (if_none_match := params.get("IfNoneMatch")) is not None:
        is_unchanged = is_listed(entry.etag, if_none_match)
    else:
        since = params.get("IfModifiedSince")
        is_unchanged = since is not None and modified <= since
    if is_unchanged:
        raise not_modified({"ETag": quoted(entry.etag), "Last-Modified": http_date(entry.modified_at)})


def check_copy_source(params: Params, source: ObjectEntry) -> None:
    """The conditions on a copy's source, where every failure is 412."""
    modified = source.modified_at.replace(microsecond=0)
    if (if_match := params.get("CopySourceIfMatch")) is not None:
        if not is_listed(source.etag, if_match):
            raise precondition_failed("x-amz-copy-source-If-Match")
    elif (since := params.get("CopySourceIfUnmodifiedSince")) is not None and modified > since:
        raise precondition_failed("x-amz-copy-source-If-Unmodified-Since")
    if (if_none_match := params.get("CopySourceIfNoneMatch")) is not None:
        if is_listed(source.etag, if_none_match):
            raise precondition_failed("x-amz-copy-source-If-None-Match")
    elif (since := params.get("CopySourceIfModifiedSince")) is not None and modified <= since:
        raise precondition_failed("x-amz-copy-source-If-Modified-Since")


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCondition:
    """What must be true of the key when the object is published; the index tests it in the commit itself."""

    if_match: str | None = None
    if_none_match: bool = False

    @property
    def header(self) -> str:
        return "If-None-Match" if self.if_none_match else "If-Match"


def write_condition(params: Params) -> WriteCondition:
    """The condition of PutObject, CopyObject and CompleteMultipartUpload."""
    if_none_match, if_match = params.get("IfNoneMatch"), params.get("IfMatch")
    if if_none_match is not None and (if_none_match.strip() != "*" or if_match is not None):
        raise not_implemented("If-None-Match", "Only If-None-Match: * is known, and not beside If-Match.")
    return WriteCondition(
        if_match=None if if_match is None else unquoted(if_match), if_none_match=if_none_match is not None
    )
