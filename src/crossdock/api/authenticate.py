"""From a signed request to the caller it speaks for."""

from dataclasses import dataclass
from datetime import datetime

from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.session_tokens import InvalidSessionToken
from crossdock.core.principals import Anonymous
from crossdock.operations.caller import Caller
from crossdock.wire.http import HttpRequest
from crossdock.wire.sigv4 import (
    Claim,
    VerifiedSignature,
    expired_token,
    flavour_of,
    invalid_token,
    missing_signature,
    parse_authorization,
    unknown_access_key,
    verify,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """Who it is, and what verifies the rest of a streamed body; `claim` is None for an unsigned request."""

    caller: Caller
    claim: Claim | None = None
    signature: VerifiedSignature | None = None


async def authenticate(service: str, request: HttpRequest, keys: AccessKeys, *, now: datetime) -> Authenticated:
    """Verify the signature. An unsigned request is Anonymous for S3, whose bucket policies may admit anybody.

    Raises:
        ServiceError: unsigned where that cannot be, unknown key, wrong signature, skewed clock, expired session.
    """
    flavour = flavour_of(service)
    claim = parse_authorization(request, flavour=flavour)
    if claim is None:
        if service == "s3":
            return Authenticated(caller=Caller(principal=Anonymous()))
        raise missing_signature(flavour)
    try:
        key = await keys.find(claim.access_key_id, claim.security_token or "")
    except InvalidSessionToken as error:
        raise invalid_token(flavour) from error
    if key is None:
        raise unknown_access_key(flavour, claim.access_key_id)
    signature = verify(claim, request, key.secret, now=now, flavour=flavour)
    if key.caller.expires_at is not None and key.caller.expires_at <= now:
        raise expired_token(flavour)
    return Authenticated(caller=key.caller, claim=claim, signature=signature)
