"""Session tokens that carry their session.

A token is the sealed description of the session itself: access key, secret, role, session policy, tags, end. STS keeps
no table, so a login writes nothing and nothing has to be swept. The price: a session cannot be struck from a list. It
ends by its time, with its role (a role made anew has another RoleId), or by a policy that denies sessions whose
`aws:TokenIssueTime` is too old, which is also how AWS revokes sessions.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cattrs.preconf.json import make_converter

from crossdock.core.errors import CrossdockError
from crossdock.ports.host import SealBroken, Sealer

_converter = make_converter()


class InvalidSessionToken(CrossdockError):
    """A token that this house did not issue for this access key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClaims:
    """A session as its token tells it. `policy` is the inline session policy, `policy_arns` the managed ones."""

    access_key_id: str
    secret: str = field(repr=False)
    role_arn: str
    role_id: str
    session_name: str
    issued_at: datetime
    expires_at: datetime
    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class SessionTokens:
    """Issues tokens and reads them back. A token opens only beside the access key that it was issued for."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def issue(self, claims: SessionClaims) -> str:
        text = json.dumps(_converter.unstructure(claims), separators=(",", ":"))
        return self._sealer.seal(zlib.compress(text.encode()), context=_context(claims.access_key_id))

    def read(self, access_key_id: str, token: str) -> SessionClaims:
        """Raises InvalidSessionToken. Whether the session has ended is for the caller to see."""
        try:
            packed = self._sealer.unseal(token, context=_context(access_key_id))
        except SealBroken as error:
            raise InvalidSessionToken("The security token included in the request is invalid.") from error
        return _converter.structure(json.loads(zlib.decompress(packed)), SessionClaims)


def _context(access_key_id: str) -> str:
    return f"sts-session:{access_key_id}"
