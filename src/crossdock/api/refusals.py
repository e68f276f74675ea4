"""What the edge itself has to refuse or to admit, in each protocol's own codes.

Sources: S3 API Reference, "Error responses"; the "Common Errors" pages of Transfer, STS, EC2 and Lambda.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.core.errors import Fault, ServiceError
from crossdock.wire.sigv4 import Flavour


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    internal: str
    too_large: str
    too_large_status: int
    timeout_status: int
    busy: str


_COMMON = _Words(
    internal="InternalFailure",
    too_large="RequestEntityTooLarge",
    too_large_status=413,
    timeout_status=408,
    busy="ServiceUnavailable",
)
_JSON = _Words(
    internal="InternalFailure",
    too_large="RequestEntityTooLargeException",
    too_large_status=413,
    timeout_status=408,
    busy="ServiceUnavailableException",
)
_WORDS: Mapping[Flavour, _Words] = {
    "s3": _Words(
        internal="InternalError",
        too_large="MaxMessageLengthExceeded",
        too_large_status=400,
        timeout_status=400,
        busy="SlowDown",
    ),
    "json": _JSON,
    "rest-json": _JSON,
    "query": _COMMON,
    "ec2": _Words(
        internal="InternalError",
        too_large="RequestEntityTooLarge",
        too_large_status=413,
        timeout_status=408,
        busy="Unavailable",
    ),
}


def internal_error(flavour: Flavour) -> ServiceError:
    """For what nobody foresaw; the traceback is in the log, under the request's id."""
    message = "We encountered an internal error. Please try again."
    return ServiceError(_WORDS[flavour].internal, message, status=500, fault=Fault.RECEIVER)


def unavailable(flavour: Flavour, sentence: str) -> ServiceError:
    """The disk under the service fails or is full."""
    code = "ServiceUnavailable" if flavour == "s3" else _WORDS[flavour].busy
    return ServiceError(code, sentence, status=503, fault=Fault.RECEIVER)


def busy(flavour: Flavour) -> ServiceError:
    """More is asked at once than the settings let the service hold."""
    return ServiceError(_WORDS[flavour].busy, "Please reduce your request rate.", status=503, fault=Fault.RECEIVER)


def too_large(flavour: Flavour, limit: int) -> ServiceError:
    words = _WORDS[flavour]
    message = f"Your request was too big: its body may be {limit} bytes at most."
    return ServiceError(words.too_large, message, status=words.too_large_status)


def timed_out(flavour: Flavour) -> ServiceError:
    return ServiceError(
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period. Idle "
        "connections will be closed.",
        status=_WORDS[flavour].timeout_status,
    )


def incomplete_body(detail: str) -> ServiceError:
    return ServiceError(
        "IncompleteBody",
        f"You did not provide the number of bytes specified by the Content-Length HTTP header: {detail}.",
    )


def missing_length() -> ServiceError:
    return ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)


def bad_request(sentence: str = "") -> ServiceError:
    """What is no request at all; nobody can tell in which protocol it was meant, so S3 answers."""
    message = "An error occurred when parsing the HTTP request."
    return ServiceError("BadRequest", f"{message} {sentence}".rstrip())


def too_large_head() -> ServiceError:
    return ServiceError(
        "RequestHeaderSectionTooLarge",
        "The request header and query parameters used to make the request exceed the maximum allowed size.",
    )
