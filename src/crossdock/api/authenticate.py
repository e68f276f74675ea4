"""From a signed request to the caller it speaks for.

Two steps, because most signatures cover the body: `find_signer` looks at the head alone, so that the body of somebody
unknown is never read; `Signer.prove` needs the body of all services but S3.
"""

from dataclasses import dataclass
from datetime import datetime

from crossdock.cloud.sts.access_keys import AccessKey, AccessKeys
from crossdock.cloud.sts.session_tokens import InvalidSessionToken
from crossdock.core.principals import Anonymous
from crossdock.operations.caller import Caller
from crossdock.settings.checks import check_region
from crossdock.wire.http import HttpRequest
from crossdock.wire.sigv4 import (
    Claim,
    Flavour,
    VerifiedSignature,
    expired_token,
    flavour_of,
    invalid_token,
    missing_signature,
    parse_authorization,
    unknown_access_key,
    verify,
)
from crossdock.wire.sigv4_errors import incomplete

S3 = "s3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """Who it is, and what verifies the rest of a streamed body; `claim` is None for an unsigned request."""

    caller: Caller
    claim: Claim | None = None
    signature: VerifiedSignature | None = None


ANYBODY = Authenticated(caller=Caller(principal=Anonymous()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who a request claims to be from. Nothing of it is true before `prove`."""

    claim: Claim
    key: AccessKey
    flavour: Flavour

    def prove(self, request: HttpRequest, *, now: datetime) -> Authenticated:
        """Verify the signature of the request as it came. Raises ServiceError: mismatch, skewed clock, expired."""
        signature = verify(self.claim, request, self.key.secret, now=now, flavour=self.flavour)
        caller = self.key.caller
        if caller.expires_at is not None and caller.expires_at <= now:
            raise expired_token(self.flavour)
        return Authenticated(caller=caller, claim=self.claim, signature=signature)


async def find_signer(service: str, request: HttpRequest, keys: AccessKeys) -> Signer | None:
    """None for an unsigned request, which only S3 takes: its bucket policies may admit anybody.

    Raises:
        ServiceError: unsigned where that cannot be, a signature that cannot be read, an unknown key, a wrong token.
    """
    flavour = flavour_of(service)
    claim = parse_authorization(request, flavour=flavour)
    if claim is None:
        if service == S3:
            return None
        raise missing_signature(flavour)
    if check_region(claim.region):
        # It would become part of ARNs.
        raise incomplete(flavour, "Credential should be scoped to a valid region.")
    try:
        key = await keys.find(claim.access_key_id, claim.security_token or "")
    except InvalidSessionToken as error:
        raise invalid_token(flavour) from error
    if key is None:
        raise unknown_access_key(flavour, claim.access_key_id)
    return Signer(claim=claim, key=key, flavour=flavour)
