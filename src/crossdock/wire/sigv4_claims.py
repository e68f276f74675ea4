"""What a signed request claims about itself, read from its Authorization header or its query string."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from crossdock.core.errors import ServiceError
from crossdock.wire import sigv4_errors as refused
from crossdock.wire.http import HttpRequest, parse_query
from crossdock.wire.sigv4_canonical import ALGORITHM
from crossdock.wire.sigv4_errors import Flavour
from crossdock.wire.timestamps import TimestampFormat, basic_stamp, parse_timestamp

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = frozenset({STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER})

MAX_EXPIRES_S = 604_800
"""Seven days, the longest life of a presigned URL."""

_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEADER_NAMES = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*")
_QUERY_NAMES = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who signed, for what scope and when. Nothing of it is true before `verify`."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    amz_date: datetime
    expires_s: int | None
    """Of a presigned URL."""
    is_presigned: bool
    security_token: str | None = field(repr=False)
    payload_hash: str
    """What the client says about the body: a SHA-256 in hex, one of the words of S3, or nothing."""

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def stamp(self) -> str:
        return basic_stamp(self.amz_date)


def parse_authorization(request: HttpRequest, *, flavour: Flavour = "json") -> Claim | None:
    """The claim of a signed request; None for one that is not signed at all.

    Raises:
        ServiceError: signed in a way that cannot be read, in the words of the flavour.
    """
    header = request.headers.get("authorization")
    fields = _query_fields(request)
    presigned = "X-Amz-Algorithm" in fields or "X-Amz-Signature" in fields or "X-Amz-Credential" in fields
    if header is None:
        if presigned:
            return _from_query(fields, request, flavour)
        if flavour == "s3" and "AWSAccessKeyId" in fields and "Signature" in fields:
            raise refused.unsupported(flavour)
        return None
    if presigned:
        raise ServiceError(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string"
            " parameter or the Authorization header should be specified",
        )
    return _from_header(header, request, flavour)


def _query_fields(request: HttpRequest) -> dict[str, str]:
    # Only what could be a signature is decoded.
    if "X-Amz-" not in request.query and "Signature=" not in request.query:
        return {}
    pairs = parse_query(request.query)
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs if name.startswith("X-Amz-")]
        if len(set(names)) < len(names):
            raise ServiceError("InvalidArgument", "A signature parameter is given more than once")
    return fields


def _from_header(header: str, request: HttpRequest, flavour: Flavour) -> Claim:
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise refused.unsupported(flavour)
    named = _named_parts(rest)
    parts = dict(named)
    if len(parts) < len(named):
        # Routing reads the scope too: there must be only one.
        raise refused.incomplete(flavour, "a part of the Authorization header is given more than once.")
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not parts.get(name):
            raise refused.incomplete(flavour, f"Authorization header requires '{name}' parameter.")
    moment = _header_date(request, flavour)
    access_key_id, date, region, service = _scope(parts["Credential"], refused.incomplete, flavour)
    if date != basic_stamp(moment)[:8]:
        raise refused.bad_credential_date(flavour, date, basic_stamp(moment))
    payload_hash = request.headers.get("x-amz-content-sha256", "")
    if flavour == "s3":
        _check_payload_word(payload_hash)
    return Claim(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=_signed_headers(parts["SignedHeaders"], refused.incomplete, flavour),
        signature=parts["Signature"],
        amz_date=moment,
        expires_s=None,
        is_presigned=False,
        security_token=request.headers.get("x-amz-security-token"),
        payload_hash=payload_hash,
    )


def _named_parts(rest: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in rest.split(","))
    return [(name, value) for name, _, value in parts]


def scope_service(request: HttpRequest) -> str | None:
    """The service in the scope that `parse_authorization` will read, for routing; None when it will read none."""
    header = request.headers.get("authorization")
    if header is None:
        try:
            credential = _query_fields(request).get("X-Amz-Credential", "")
        except ServiceError:
            return None
    else:
        credential = next((value for name, value in _named_parts(header.partition(" ")[2]) if name == "Credential"), "")
    parts = credential.rsplit("/", 4)
    return parts[3] if len(parts) == 5 else None


def _header_date(request: HttpRequest, flavour: Flavour) -> datetime:
    stamp = request.headers.get("x-amz-date")
    if stamp is not None:
        moment = _parse_stamp(stamp)
    else:
        try:
            moment = parse_timestamp(request.headers.get("date", ""), TimestampFormat.RFC822)
        except ValueError:
            moment = None
    if moment is None:
        raise refused.missing_date(flavour)
    return moment


def _parse_stamp(stamp: str) -> datetime | None:
    match = _STAMP.fullmatch(stamp)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _scope(credential: str, refuse: refused.Refusal, flavour: Flavour) -> tuple[str, str, str, str]:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        raise refuse(
            flavour,
            'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        )
    return parts[0], parts[1], parts[2], parts[3]


def _signed_headers(text: str, refuse: refused.Refusal, flavour: Flavour) -> tuple[str, ...]:
    if _HEADER_NAMES.fullmatch(text) is None:
        raise refuse(flavour, "the SignedHeaders are mal-formed.")
    return tuple(text.split(";"))


def _check_payload_word(word: str) -> None:
    if not word:
        raise ServiceError("MissingSecurityHeader", "Missing required header for this request: x-amz-content-sha256")
    if word != UNSIGNED_PAYLOAD and word not in STREAMING and _SHA256.fullmatch(word) is None:
        raise ServiceError(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,"
            " STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        )


def _from_query(fields: Mapping[str, str], request: HttpRequest, flavour: Flavour) -> Claim:
    values = {name: fields.get(f"X-Amz-{name}", "") for name in _QUERY_NAMES}
    if not all(values.values()):
        raise refused.bad_query(
            flavour,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature,"
            " X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        )
    if values["Algorithm"] != ALGORITHM:
        raise refused.bad_query(flavour, f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    moment = _parse_stamp(values["Date"])
    if moment is None:
        raise refused.bad_query(flavour, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    access_key_id, date, region, service = _scope(values["Credential"], refused.bad_query, flavour)
    if date != values["Date"][:8]:
        raise refused.bad_query(
            flavour, f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{values["Date"]}".'
        )
    signed_headers = _signed_headers(values["SignedHeaders"], refused.bad_query, flavour)
    header = request.headers.get("x-amz-content-sha256", "") if "x-amz-content-sha256" in signed_headers else ""
    payload_hash = header or fields.get("X-Amz-Content-Sha256", "")
    if flavour == "s3":
        payload_hash = payload_hash or UNSIGNED_PAYLOAD
        _check_payload_word(payload_hash)
    return Claim(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=signed_headers,
        signature=values["Signature"],
        amz_date=moment,
        expires_s=_expires(values["Expires"], flavour),
        is_presigned=True,
        security_token=fields.get("X-Amz-Security-Token"),
        payload_hash=payload_hash,
    )


def _expires(text: str, flavour: Flavour) -> int:
    if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is None:
        raise refused.bad_query(flavour, "X-Amz-Expires should be a number")
    expires_s = int(text)
    if expires_s < 0:
        raise refused.bad_query(flavour, "X-Amz-Expires must be non-negative")
    if expires_s > MAX_EXPIRES_S:
        raise refused.bad_query(
            flavour,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than"
            f" {MAX_EXPIRES_S} seconds",
        )
    return expires_s
