"""S3's errors, and a network's, in the words of file protocols: one table by code, one by HTTP status.

The sentences are for the operator's log: which action on what, S3's own code and words, who asked, and the request id.

Source: Amazon S3 API Reference, "Error responses"; the codes of a full store are Ceph's and MinIO's.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from crossdock.adapters.aws.network_words import IS_IT_THE_ENDPOINT, network_words
from crossdock.adapters.aws.refusals import Refusal, Refused, refusal_of
from crossdock.core.errors import (
    Denied,
    Exists,
    FileError,
    InvalidName,
    NameTooLong,
    NotFound,
    OutOfSpace,
    Unavailable,
    Unsupported,
)

BY_CODE: Mapping[str, type[FileError]] = {
    "AccessDenied": Denied,
    "AllAccessDisabled": Denied,
    "ExpiredToken": Denied,
    "InvalidAccessKeyId": Denied,
    "InvalidToken": Denied,
    "SignatureDoesNotMatch": Denied,
    # The fault of a clock, ours or theirs, and no policy's.
    "RequestTimeTooSkewed": Unavailable,
    # An answer to HeadObject, which has no body that would say more.
    "400": Unavailable,
    "AuthorizationHeaderMalformed": Unavailable,
    "PermanentRedirect": Unavailable,
    "TemporaryRedirect": Unavailable,
    "NoSuchBucket": NotFound,
    "NoSuchKey": NotFound,
    "NoSuchUpload": NotFound,
    "InvalidBucketName": NotFound,
    "KeyTooLongError": NameTooLong,
    # Ceph's and MinIO's, of keys that they cannot keep.
    "InvalidObjectName": InvalidName,
    "XMinioInvalidObjectName": InvalidName,
    # SeaweedFS's, which keeps one of a key and the same key with a slash at its end.
    "ExistingObjectIsFile": Exists,
    "ExistingObjectIsDirectory": Exists,
    "EntityTooLarge": OutOfSpace,
    "InsufficientStorage": OutOfSpace,
    "QuotaExceeded": OutOfSpace,
    "XMinioStorageFull": OutOfSpace,
    "XMinioAdminBucketQuotaExceeded": OutOfSpace,
    # In an archive, from which somebody has to restore it first.
    "InvalidObjectState": Unsupported,
    # What was changed under our hands: beginning anew may help.
    "PreconditionFailed": Unavailable,
    "OperationAborted": Unavailable,
    "ConditionalRequestConflict": Unavailable,
    "InvalidPart": Unavailable,
    # An operator's to mend, and no policy's: how the bucket takes ACLs, and which KMS key there is.
    "AccessControlListNotSupported": Unavailable,
    "KMS.DisabledException": Unavailable,
    "KMS.InvalidKeyUsageException": Unavailable,
    "KMS.KMSInvalidStateException": Unavailable,
    "KMS.NotFoundException": Unavailable,
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
    301: Unavailable,
    307: Unavailable,
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
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
}
"""What a caller must be allowed, for the sentence of a denial. Source: S3 User Guide, "Required permissions"."""

_KMS_DENIED = re.compile(r"not authorized to perform:? (kms:\w+)")
"""In the words of an AccessDenied that came from the key. Source: KMS Developer Guide, "Troubleshooting key access"."""

_UNSAID: Mapping[str, str] = {
    "301": "PermanentRedirect",
    "307": "TemporaryRedirect",
    "403": "AccessDenied",
    "404": "NoSuchKey or NoSuchBucket",
    "503": "SlowDown or ServiceUnavailable",
}
"""The code that an answer to HeadObject would have, had it a body."""

_EXPLAINED: Mapping[str, str] = {
    "400": "S3 gave no reason; expired credentials, another region or a wrong clock are answered so",
    "403": "S3 gave no reason; expired credentials, a wrong clock and, to who lacks s3:ListBucket, an object that is "
    "not there are answered so too",
    "AccessControlListNotSupported": "the bucket's Object Ownership is BucketOwnerEnforced, which takes no ACL but "
    "bucket-owner-full-control: change acl in aws.buckets",
    "ExpiredToken": "the session's credentials have expired",
    "InvalidAccessKeyId": "this S3 does not know the credentials",
    "InvalidObjectState": "the object is archived and has to be restored first",
    "KMS.DisabledException": "the KMS key is disabled",
    "KMS.InvalidKeyUsageException": "the KMS key is not one for symmetric encryption",
    "KMS.KMSInvalidStateException": "the KMS key is not in a state in which it can be used",
    "KMS.NotFoundException": "there is no such KMS key in the bucket's region (kms_key_id in aws.buckets, or the "
    "bucket's own default)",
    "InvalidToken": "this S3 does not know the credentials",
    "SignatureDoesNotMatch": "the secret key is another one, or something on the way changes requests",
    "SlowDown": "S3 throttles the requests",
}


@contextmanager
def file_errors(operation: str, resource: str, caller: str = "") -> Iterator[None]:
    """Translate what a call of S3 raises in a block; other errors pass. `caller` names account and role."""
    try:
        yield
    except Refused as error:
        raise from_refusal(error.refusal, operation, resource, caller) from error
    except ClientError as error:
        refusal = refusal_of(error)
        raise from_refusal(refusal, operation, resource, caller) from Refused(refusal)
    except ParamValidationError as error:
        raise InvalidName(f"{operation} of {resource}: {error}") from error
    except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
        asked = f" ({caller})" if caller else ""
        raise Unavailable(f"{operation} of {resource}: {network_words(error)}{asked}") from error


def from_refusal(refusal: Refusal, operation: str, resource: str, caller: str = "") -> FileError:
    code, status = refusal.code, refusal.status
    kind = BY_CODE.get(code) or BY_STATUS.get(status) or (Unavailable if status >= 500 else Unsupported)
    what = f"{ACTIONS[operation]} on {resource}" if kind is Denied else f"{operation} of {resource}"
    explained = _explained(refusal, operation)
    if operation == "HeadObject" and code in _UNSAID:
        told = f"{_UNSAID[code]} ({code})"
    else:
        told = f"{code}: {refusal.message}" if refusal.message else code
    asked = ", ".join(text for text in (caller, f"request {refusal.request_id}" if refusal.request_id else "") if text)
    return kind(f"{what}: {explained}{told}" + (f" ({asked})" if asked else ""))


def _explained(refusal: Refusal, operation: str) -> str:
    """What S3's own words leave open, to stand before them."""
    is_in_words = operation == "HeadObject" or not refusal.code.isdecimal()
    if not is_in_words and 300 <= refusal.status < 500 and not refusal.region:
        return f"what answers has not S3's words: {IS_IT_THE_ENDPOINT} "
    if refusal.code == "RequestTimeTooSkewed":
        return f"S3's clock says {refusal.answered_at or 'another time'} and this computer's does not; "
    if refusal.region and (refusal.status in (301, 307) or refusal.code == "AuthorizationHeaderMalformed"):
        return f"the bucket is in region {refusal.region}; "
    if refusal.code == "AccessDenied" and (asked := _KMS_DENIED.search(refusal.message)):
        return f"the KMS key withholds {asked[1]}, which the role's policy and the key's must both allow; "
    explained = _EXPLAINED.get(refusal.code)
    return f"{explained}; " if explained else ""


def refusal_behind(error: FileError) -> Refusal | None:
    """The answer that was translated; None where there was none."""
    return error.__cause__.refusal if isinstance(error.__cause__, Refused) else None


def status_of(error: FileError) -> int:
    """The HTTP status of the answer that was translated; 0 where there was none."""
    refusal = refusal_behind(error)
    return 0 if refusal is None else refusal.status
