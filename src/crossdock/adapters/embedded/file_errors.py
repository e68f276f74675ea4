"""S3's errors in the words of file protocols.

The sentences are for the operator's log: a denial tells the whole reason, which policy of which account included.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from crossdock.core.errors import (
    Denied,
    FileError,
    InvalidName,
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
    "KeyTooLongError": InvalidName,
    "EntityTooLarge": OutOfSpace,
    "PreconditionFailed": Unavailable,
    "NotImplemented": Unsupported,
}


@contextmanager
def file_errors() -> Iterator[None]:
    """Translate the ServiceErrors of a block; other errors pass."""
    try:
        yield
    except ServiceError as error:
        raise from_service_error(error) from error


def from_service_error(error: ServiceError) -> FileError:
    if isinstance(error.__cause__, OutOfSpace):
        return OutOfSpace(str(error.__cause__))
    otherwise = Unavailable if error.status >= 500 else Unsupported
    return _MEANING.get(error.code, otherwise)(error.reason or str(error))
