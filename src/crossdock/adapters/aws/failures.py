"""S3's errors, and a network's, in the words of file protocols: one table by code, one by HTTP status.

The sentences are for the operator's log: which action on what, S3's own code and words, and its request id.

Source: Amazon S3 API Reference, "Error responses"; the codes of a full store are Ceph's and MinIO's.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from crossdock.core.errors import Denied, FileError, InvalidName, NotFound, OutOfSpace, Unavailable, Unsupported

BY_CODE: Mapping[str, type[FileError]] = {
    "AccessDenied": Denied,
    "AllAccessDisabled": Denied,
    "ExpiredToken": Denied,
    "InvalidAccessKeyId": Denied,
    "InvalidToken": Denied,
    "SignatureDoesNotMatch": Denied,
    # The fault of a clock, ours or theirs, and no policy's.
    "RequestTimeTooSkewed": Unavailable,
    "NoSuchBucket": NotFound,
    "NoSuchKey": NotFound,
    "NoSuchUpload": NotFound,
    "InvalidBucketName": NotFound,
    "KeyTooLongError": InvalidName,
    "EntityTooLarge": OutOfSpace,
    "InsufficientStorage": OutOfSpace,
    "QuotaExceeded": OutOfSpace,
    "XMinioStorageFull": OutOfSpace,
    "XMinioAdminBucketQuotaExceeded": OutOfSpace,
    # What was changed under our hands: beginning anew may help.
    "PreconditionFailed": Unavailable,
    "OperationAborted": Unavailable,
    "ConditionalRequestConflict": Unavailable,
    "RequestTimeout": Unavailable,
    "SlowDown": Unavailable,
    "Throttling": Unavailable,
    "ThrottlingException": Unavailable,
    "RequestLimitExceeded": Unavailable,
    "IncompleteBody": Unavailable,
    "BadDigest": Unavailable,
    "XAmzContentSHA256Mismatch": Unavailable,
}

BY_STATUS: Mapping[int, type[FileError]] = {
    401: Denied,
    403: Denied,
    404: NotFound,
    408: Unavailable,
    409: Unavailable,
    412: Unavailable,
    429: Unavailable,
    507: OutOfSpace,
}
"""For codes that the other table has not, and for HeadObject, whose errors have no body and so no code."""

ACTIONS: Mapping[str, str] = {
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CopyObject": "s3:GetObject of the source and s3:PutObject",
    "UploadPartCopy": "s3:GetObject of the source and s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "ListObjectsV2": "s3:ListBucket",
}
"""What a caller must be allowed, for the sentence of a denial. Source: S3 User Guide, "Required permissions"."""


@contextmanager
def file_errors(operation: str, resource: str) -> Iterator[None]:
    """Translate what a call of S3 raises in a block; other errors pass."""
    try:
        yield
    except ClientError as error:
        raise from_client_error(error, operation, resource) from error
    except ParamValidationError as error:
        raise InvalidName(f"{operation} of {resource}: {error}") from error
    except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"{operation} of {resource}: {type(error).__name__}: {error}") from error


def from_client_error(error: ClientError, operation: str, resource: str) -> FileError:
    code = code_of(error)
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    kind = BY_CODE.get(code) or BY_STATUS.get(status) or (Unavailable if status >= 500 else Unsupported)
    what = f"{ACTIONS[operation]} on {resource}" if kind is Denied else f"{operation} of {resource}"
    request_id = metadata.get("RequestId", "")
    told = error.response.get("Error", {}).get("Message", "")
    return kind(f"{what}: {code}: {told}" + (f" (request {request_id})" if request_id else ""))


def code_of(error: ClientError) -> str:
    """S3's code; the status in digits where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: FileError) -> int:
    """The HTTP status of the answer that was translated; 0 where there was none."""
    if not isinstance(error.__cause__, ClientError):
        return 0
    status: int = error.__cause__.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status
