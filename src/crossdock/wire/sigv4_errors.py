"""How AWS refuses a signature, in the words of S3, of the JSON services and of the query services.

Sources: S3 API Reference, "Error responses"; the "Common Errors" pages of Transfer, Lambda, STS and EC2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from crossdock.core.errors import ServiceError
from crossdock.wire.timestamps import TimestampFormat, basic_stamp, format_timestamp

Flavour = Literal["s3", "json", "rest-json", "query", "ec2"]

Refusal = Callable[[Flavour, str], ServiceError]

_FLAVOURS: dict[str, Flavour] = {
    "s3": "s3",
    "lambda": "rest-json",
    "sts": "query",
    "iam": "query",
    "cloudformation": "query",
    "ec2": "ec2",
}


def flavour_of(service: str) -> Flavour:
    """The flavour of a service by its botocore name; the rest speak JSON."""
    return _FLAVOURS.get(service, "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    mismatch: str
    incomplete: str
    missing: str
    unknown_key: str
    expired_token: str
    status: int
    """Of all of them, except where S3 says otherwise."""


_JSON = _Words(
    mismatch="InvalidSignatureException",
    incomplete="IncompleteSignatureException",
    missing="MissingAuthenticationTokenException",
    unknown_key="UnrecognizedClientException",
    expired_token="ExpiredTokenException",
    status=400,
)
_QUERY = _Words(
    mismatch="SignatureDoesNotMatch",
    incomplete="IncompleteSignature",
    missing="MissingAuthenticationToken",
    unknown_key="InvalidClientTokenId",
    expired_token="ExpiredToken",
    status=403,
)
_WORDS: dict[Flavour, _Words] = {
    "json": _JSON,
    "rest-json": _Words(
        mismatch=_JSON.mismatch,
        incomplete=_JSON.incomplete,
        missing=_JSON.missing,
        unknown_key=_JSON.unknown_key,
        expired_token=_JSON.expired_token,
        status=403,
    ),
    "query": _QUERY,
    "ec2": _Words(
        mismatch=_QUERY.mismatch,
        incomplete=_QUERY.incomplete,
        missing=_QUERY.missing,
        unknown_key="AuthFailure",
        expired_token="RequestExpired",
        status=403,
    ),
    "s3": _Words(
        mismatch="SignatureDoesNotMatch",
        incomplete="AuthorizationHeaderMalformed",
        missing="AccessDenied",
        unknown_key="InvalidAccessKeyId",
        expired_token="ExpiredToken",
        status=403,
    ),
}


def missing_signature(flavour: Flavour) -> ServiceError:
    """An unsigned request where one must be signed."""
    words = _WORDS[flavour]
    message = "Access Denied" if flavour == "s3" else "Request is missing Authentication Token"
    return ServiceError(words.missing, message, status=words.status)


def unknown_access_key(flavour: Flavour, access_key_id: str) -> ServiceError:
    """Nobody has this access key, or it is inactive."""
    words = _WORDS[flavour]
    if flavour == "s3":
        return ServiceError(
            words.unknown_key,
            "The AWS Access Key Id you provided does not exist in our records.",
            status=words.status,
            members={"AWSAccessKeyId": access_key_id},
        )
    if flavour == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return ServiceError(words.unknown_key, message, status=401)
    return ServiceError(
        words.unknown_key, "The security token included in the request is invalid.", status=words.status
    )


def invalid_token(flavour: Flavour) -> ServiceError:
    """The session token is not the one of the access key."""
    if flavour == "s3":
        return ServiceError("InvalidToken", "The provided token is malformed or otherwise invalid.")
    return unknown_access_key(flavour, "")


def expired_token(flavour: Flavour) -> ServiceError:
    """The session's credentials have expired."""
    words = _WORDS[flavour]
    if flavour == "s3":
        return ServiceError(words.expired_token, "The provided token has expired.")
    return ServiceError(
        words.expired_token, "The security token included in the request is expired", status=words.status
    )


def incomplete(flavour: Flavour, message: str) -> ServiceError:
    """The Authorization header cannot be read."""
    words = _WORDS[flavour]
    if flavour == "s3":
        return ServiceError(words.incomplete, f"The authorization header is malformed; {message}")
    return ServiceError(words.incomplete, message, status=words.status)


def bad_query(flavour: Flavour, message: str) -> ServiceError:
    """The signature in the query string cannot be read."""
    if flavour == "s3":
        return ServiceError("AuthorizationQueryParametersError", message)
    return incomplete(flavour, message)


def bad_credential_date(flavour: Flavour, date: str, stamp: str) -> ServiceError:
    """The scope's date is not the request's."""
    if flavour == "s3":
        return incomplete(
            flavour, f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{stamp}".'
        )
    words = _WORDS[flavour]
    message = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}'"
    return ServiceError(words.mismatch, f"{message} != '{stamp[:8]}', from '{stamp}'.", status=words.status)


def unsupported(flavour: Flavour) -> ServiceError:
    """An Authorization header of another kind, such as Signature Version 2."""
    if flavour == "s3":
        message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        return ServiceError("InvalidRequest", message)
    return incomplete(flavour, "Authorization header requires the algorithm 'AWS4-HMAC-SHA256'.")


def missing_date(flavour: Flavour) -> ServiceError:
    if flavour == "s3":
        message = "AWS authentication requires a valid Date or x-amz-date header"
        return ServiceError("AccessDenied", message, status=403)
    return incomplete(flavour, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")


def mismatch(flavour: Flavour, access_key_id: str, signature: str, string_to_sign: str) -> ServiceError:
    """The signature is not the one that the secret key makes; what we signed holds hashes only."""
    words = _WORDS[flavour]
    if flavour == "s3":
        return ServiceError(
            words.mismatch,
            "The request signature we calculated does not match the signature you provided. Check your key and signing"
            " method.",
            status=words.status,
            members={
                "AWSAccessKeyId": access_key_id,
                "StringToSign": string_to_sign,
                "SignatureProvided": signature,
            },
        )
    return ServiceError(
        words.mismatch,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
        " Key and signing method. Consult the service documentation for details.",
        status=words.status,
    )


def unsigned_headers(flavour: Flavour, names: list[str]) -> ServiceError:
    """Headers that must be under the signature are not."""
    words = _WORDS[flavour]
    if flavour == "s3":
        return ServiceError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            status=403,
            members={"HeadersNotSigned": ", ".join(names)},
        )
    message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    return ServiceError(words.mismatch, message, status=words.status)


def skewed(flavour: Flavour, stamp: datetime, now: datetime, window_s: int) -> ServiceError:
    """The request was signed too long ago, or in the future."""
    if flavour == "s3":
        return ServiceError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            status=403,
            members={
                "RequestTime": basic_stamp(stamp),
                "ServerTime": format_timestamp(now, TimestampFormat.ISO8601),
                "MaxAllowedSkewMilliseconds": str(window_s * 1000),
            },
        )
    words = _WORDS[flavour]
    signed, current, minutes = basic_stamp(stamp), basic_stamp(now), window_s // 60
    if stamp < now:
        message = f"Signature expired: {signed} is now earlier than {current} minus {minutes} min."
    else:
        message = f"Signature not yet current: {signed} is still later than {current} plus {minutes} min."
    return ServiceError(words.mismatch, message, status=words.status)


def expired_url(flavour: Flavour, expires_s: int, expired_at: datetime, now: datetime) -> ServiceError:
    """A presigned URL is over."""
    if flavour == "s3":
        return ServiceError(
            "AccessDenied",
            "Request has expired",
            status=403,
            members={
                "X-Amz-Expires": str(expires_s),
                "Expires": format_timestamp(expired_at, TimestampFormat.ISO8601),
                "ServerTime": format_timestamp(now, TimestampFormat.ISO8601),
            },
        )
    words = _WORDS[flavour]
    message = f"Signature expired: {basic_stamp(expired_at)} is now earlier than {basic_stamp(now)}."
    return ServiceError(words.mismatch, message, status=words.status)


def early_url(flavour: Flavour, stamp: datetime, now: datetime, window_s: int) -> ServiceError:
    """A presigned URL is signed in the future."""
    if flavour == "s3":
        return ServiceError("AccessDenied", "Request is not yet valid", status=403)
    return skewed(flavour, stamp, now, window_s)
