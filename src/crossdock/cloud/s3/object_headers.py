"""What an object carries besides its bytes: user metadata and the HTTP headers it was stored with."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from crossdock.cloud.s3.conditions import http_date
from crossdock.cloud.s3.encryption import encryption_members
from crossdock.cloud.s3.failures import invalid_argument, invalid_request, not_implemented
from crossdock.core.errors import ServiceError
from crossdock.operations.operation import Params
from crossdock.ports.storage import ObjectEntry

MAX_METADATA_BYTES = 2048

DEFAULT_CONTENT_TYPE = "binary/octet-stream"

STORED_HEADERS: Mapping[str, str] = {
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "ContentType": "content-type",
    "Expires": "expires",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
}

COMPLETED_UPLOAD_HEADER = "x-crossdock-upload-id"
"""Kept with an object and never shown: by it a repeated CompleteMultipartUpload knows that its work was done."""

CHECKSUM_TYPE_HEADER = "x-amz-checksum-type"
"""Kept with an upload's headers until it is completed."""

RESPONSE_OVERRIDES: Mapping[str, str] = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}

# Crossdock does none of this. To accept the header all the same would be to promise encryption, locks or tags that
# are not there.
_UNSUPPORTED: Mapping[str, tuple[str, str]] = {
    "SSECustomerAlgorithm": ("x-amz-server-side-encryption-customer-algorithm", ""),
    "SSECustomerKey": ("x-amz-server-side-encryption-customer-key", ""),
    "CopySourceSSECustomerAlgorithm": ("x-amz-copy-source-server-side-encryption-customer-algorithm", ""),
    "SSEKMSEncryptionContext": ("x-amz-server-side-encryption-context", ""),
    "Tagging": ("x-amz-tagging", ""),
    "ObjectLockMode": ("x-amz-object-lock-mode", ""),
    "ObjectLockRetainUntilDate": ("x-amz-object-lock-retain-until-date", ""),
    "ObjectLockLegalHoldStatus": ("x-amz-object-lock-legal-hold", ""),
    "ObjectLockEventHold": ("x-amz-object-lock-event-hold", ""),
    "WriteOffsetBytes": ("x-amz-write-offset-bytes", ""),
}


def refuse_unsupported(params: Params) -> None:
    """Refuse what a request asks for and Crossdock does not do. ACLs and encryption are seen to in `written.py`."""
    for member in _UNSUPPORTED.keys() & params.keys():
        header, sentence = _UNSUPPORTED[member]
        value = params[member]
        if value is not None and value is not False:
            raise not_implemented(header, sentence)
    if params.get("StorageClass") not in (None, "STANDARD"):
        raise not_implemented("x-amz-storage-class", "Crossdock knows the class STANDARD only.")


def stored_metadata(params: Params) -> Mapping[str, str]:
    """The `x-amz-meta-*` map, at most 2 KB of names and values together."""
    metadata: dict[str, str] = {name.lower(): value for name, value in (params.get("Metadata") or {}).items()}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise ServiceError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            members={"Size": str(size), "MaxSizeAllowed": str(MAX_METADATA_BYTES)},
        )
    return metadata


def stored_headers(params: Params) -> Mapping[str, str]:
    """The headers to keep with an object, by lower-case name; the only time among them, Expires, as HTTP writes it."""
    headers: dict[str, str] = {}
    for member, name in STORED_HEADERS.items():
        value = params.get(member)
        if value is not None:
            headers[name] = http_date(value) if isinstance(value, datetime) else str(value)
    headers.setdefault("content-type", DEFAULT_CONTENT_TYPE)
    # The transfer's own encoding is not the object's.
    codings = [coding.strip() for coding in headers.pop("content-encoding", "").split(",")]
    if kept := ",".join(coding for coding in codings if coding and coding != "aws-chunked"):
        headers["content-encoding"] = kept
    location = headers.get("x-amz-website-redirect-location")
    if location is not None and not location.startswith(("/", "http://", "https://")):
        raise invalid_argument(
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
            "x-amz-website-redirect-location",
            location,
        )
    return headers


def shown_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Those of the stored headers that are the object's own, and not a note to ourselves."""
    return {name: headers[name] for name in STORED_HEADERS.values() if name in headers}


def described(entry: ObjectEntry) -> dict[str, Any]:
    """The members of an answer that tell what was stored with the object."""
    members: dict[str, Any] = {"Metadata": dict(entry.metadata), **encryption_members(entry.headers)}
    for member, name in STORED_HEADERS.items():
        if name in entry.headers:
            members[member] = entry.headers[name]
    if (expires := entry.headers.get("expires")) is not None:
        # S3's model calls the header a time.
        members["Expires"] = parsedate_to_datetime(expires)
    return members


def overridden(params: Params, *, is_anonymous: bool) -> dict[str, Any]:
    """What the `response-*` parameters put in place of the stored headers."""
    members: dict[str, Any] = {}
    for parameter, member in RESPONSE_OVERRIDES.items():
        value = params.get(parameter)
        if value is not None:
            members[member] = value
    if members and is_anonymous:
        raise invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
    return members
