"""S3's errors in the words of file protocols.

The sentences are for the operator's log: a denial tells the whole reason, which policy of which account included, and
an object that is missing is told in the words of `explain` (`files.presence`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from crossdock.core.errors import (
    Denied,
    Exists,
    FileError,
    NameTooLong,
    NotFound,
    OutOfSpace,
    ServiceError,
    Unavailable,
    Unsupported,
)

_MEANING: Mapping[str, type[FileError]] = {
    "AccessDenied": Denied,
    "ExpiredToken": Denied,
    "InvalidAccessKeyId": Denied,
    "NoSuchBucket": NotFound,
    "InvalidBucketName": NotFound,
    "NoSuchKey": NotFound,
    "NoSuchUpload": NotFound,
    "KeyTooLongError": NameTooLong,
    "EntityTooLarge": OutOfSpace,
    "PreconditionFailed": Unavailable,
    "NotImplemented": Unsupported,
}


@contextmanager
def file_errors(params: Mapping[str, object] | None = None, *, request_id: str = "") -> Iterator[None]:
    """Translate the ServiceErrors of a block, which is one call with these parameters; other errors pass."""
    try:
        yield
    except ServiceError as error:
        raise from_service_error(error, params, request_id=request_id) from error


def code_of(error: FileError) -> str:
    """S3's code for what was translated; empty for what S3 did not say."""
    return error.__cause__.code if isinstance(error.__cause__, ServiceError) else ""


def from_service_error(
    error: ServiceError, params: Mapping[str, object] | None = None, *, request_id: str = ""
) -> FileError:
    if isinstance(error.__cause__, OutOfSpace):
        return OutOfSpace(str(error.__cause__))
    otherwise = Unavailable if error.status >= 500 else Unsupported
    reason = error.reason or _sentence(error, params or {}) + (f" (request {request_id})" if request_id else "")
    if error.members.get("Condition") == "If-None-Match":
        return Exists(reason)
    return _MEANING.get(error.code, otherwise)(reason)


def _sentence(error: ServiceError, params: Mapping[str, object]) -> str:
    # Of a copy the missing object may be the source, whose bucket is another parameter.
    if error.code == "NoSuchKey" and "Bucket" in params and "CopySource" not in params:
        return f"there is no object s3://{params['Bucket']}/{params['Key']}"
    return str(error)
