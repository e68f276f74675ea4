"""AWS Signature Version 4: `verify` for what clients send us, `sign` for what we send as a client."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from crossdock.core.errors import ServiceError
from crossdock.wire import sigv4_errors as refused
from crossdock.wire.http import Headers, HttpRequest
from crossdock.wire.sigv4_canonical import (
    ALGORITHM,
    canonical_request,
    hmac_sha256,
    signing_key,
    string_to_sign,
)
from crossdock.wire.sigv4_claims import STREAMING, UNSIGNED_PAYLOAD
from crossdock.wire.sigv4_claims import Claim as Claim
from crossdock.wire.sigv4_claims import parse_authorization as parse_authorization
from crossdock.wire.sigv4_errors import Flavour as Flavour
from crossdock.wire.sigv4_errors import expired_token as expired_token
from crossdock.wire.sigv4_errors import flavour_of as flavour_of
from crossdock.wire.sigv4_errors import invalid_token as invalid_token
from crossdock.wire.sigv4_errors import missing_signature as missing_signature
from crossdock.wire.sigv4_errors import unknown_access_key as unknown_access_key
from crossdock.wire.timestamps import basic_stamp

S3_WINDOW_S = 15 * 60
WINDOW_S = 5 * 60
"""How far a request's clock may be from ours (S3 API Reference; IAM User Guide, "Signature Version 4")."""

# What proxies and HTTP libraries add or change on the way (botocore's list).
UNSIGNED_HEADERS = frozenset(
    {
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """A signature that was found true: the seed and key with which the chunks of its body are verified."""

    signature: str
    signing_key: bytes = field(repr=False)
    scope: str
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """With what a client signs."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def verify(
    claim: Claim, request: HttpRequest, secret_key: str, *, now: datetime, flavour: Flavour = "json"
) -> VerifiedSignature:
    """Check a claim against the request as it came: its time, what it signs, and the signature, in constant time.

    For S3 the body may still be on its way: `check_payload` is for when its hash is known. A body that is already
    there is checked here. Other services sign the hash of the body itself, so it must have been read.

    Args:
        request: The original request, not the one rewritten to path style.
        now: An aware datetime.

    Raises:
        ServiceError: with AWS's code for the flavour.
    """
    is_s3 = flavour == "s3"
    _check_time(claim, now, flavour)
    _check_signed_headers(claim, request.headers, flavour)
    if is_s3:
        payload_hash = claim.payload_hash
        if request.body:
            check_payload(claim, sha256(request.body).hexdigest())
    else:
        # The declared hash is not looked at: only the body's own can be under the signature.
        payload_hash = sha256(request.body).hexdigest()
    key = signing_key(secret_key, claim.date, claim.region, claim.service)
    stamp, scope = claim.stamp, claim.scope
    try:
        canonical = canonical_request(
            request.method,
            request.path,
            request.query,
            request.headers,
            claim.signed_headers,
            payload_hash,
            is_s3=is_s3,
        )
        text = string_to_sign(stamp, scope, canonical)
        expected = hmac_sha256(key, text).hex()
        provided = claim.signature.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise refused.mismatch(flavour, claim.access_key_id, "", "") from None
    if not hmac.compare_digest(expected.encode("ascii"), provided):
        raise refused.mismatch(flavour, claim.access_key_id, claim.signature, text)
    return VerifiedSignature(signature=expected, signing_key=key, scope=scope, stamp=stamp)


def _check_time(claim: Claim, now: datetime, flavour: Flavour) -> None:
    window_s = S3_WINDOW_S if flavour == "s3" else WINDOW_S
    window = timedelta(seconds=window_s)
    if claim.expires_s is None:
        if abs(now - claim.amz_date) > window:
            raise refused.skewed(flavour, claim.amz_date, now, window_s)
        return
    if claim.amz_date - now > window:
        raise refused.early_url(flavour, claim.amz_date, now, window_s)
    # Compared as ages: a date near the end of the calendar cannot be added to.
    if now - claim.amz_date > timedelta(seconds=claim.expires_s):
        expired_at = claim.amz_date + timedelta(seconds=claim.expires_s)
        raise refused.expired_url(flavour, claim.expires_s, expired_at, now)


def _check_signed_headers(claim: Claim, headers: Headers, flavour: Flavour) -> None:
    signed = claim.signed_headers
    missing = [] if "host" in signed else ["host"]
    if flavour == "s3":
        # S3 API Reference: all x-amz-* headers must be signed, or somebody on the way could add one.
        missing += [name for name, _ in headers if name.startswith("x-amz-") and name not in signed]
    if missing:
        raise refused.unsigned_headers(flavour, missing)


def check_payload(claim: Claim, sha256_hex: str) -> None:
    """Compare the hash of a whole body with the one that was signed, unless the body signs itself or nobody does.

    Raises:
        ServiceError: XAmzContentSHA256Mismatch.
    """
    if claim.payload_hash == UNSIGNED_PAYLOAD or claim.payload_hash in STREAMING:
        return
    if not hmac.compare_digest(claim.payload_hash.encode(), sha256_hex.encode()):
        raise ServiceError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            members={
                "ClientComputedContentSHA256": claim.payload_hash,
                "S3ComputedContentSHA256": sha256_hex,
            },
        )


def sign(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    credentials: Credentials,
    now: datetime,
    region: str,
    service: str,
    payload_hash: str,
) -> dict[str, str]:
    """The headers that sign a request, to be added to those given.

    Args:
        path: Raw, percent-encoded as it will be sent.
        query: Raw, percent-encoded as it will be sent.
        headers: All that will be sent, `Host` among them; those that proxies change are left unsigned.
        payload_hash: SHA-256 of the body in hex; for S3 also `UNSIGNED-PAYLOAD` or a `STREAMING-…` word.
    """
    is_s3 = service == "s3"
    stamp = basic_stamp(now)
    added = {"X-Amz-Date": stamp}
    if credentials.session_token is not None:
        added["X-Amz-Security-Token"] = credentials.session_token
    if is_s3:
        added["X-Amz-Content-SHA256"] = payload_hash
    all_headers = Headers([*headers.items(), *added.items()])
    signed_headers = tuple(sorted({name for name, _ in all_headers if name not in UNSIGNED_HEADERS}))
    canonical = canonical_request(method, path, query, all_headers, signed_headers, payload_hash, is_s3=is_s3)
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    key = signing_key(credentials.secret_access_key, stamp[:8], region, service)
    signature = hmac_sha256(key, string_to_sign(stamp, scope, canonical)).hex()
    added["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={';'.join(signed_headers)},"
        f" Signature={signature}"
    )
    return added
