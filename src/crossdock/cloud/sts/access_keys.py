"""Whose access key is it? Long-lived keys from their table, temporary ones from the token that comes with them."""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256

from crossdock.cloud.iam.epoch_cache import EpochCache
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.records import ACCESS_KEYS, AccessKeyRecord, find_user
from crossdock.cloud.sts.session_tokens import InvalidSessionToken, SessionClaims, SessionTokens
from crossdock.core.arns import parse_arn
from crossdock.core.principals import AssumedRole, IamUser
from crossdock.operations.caller import Caller
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import NamedPolicy
from crossdock.ports.host import Epoch, Sealer
from crossdock.ports.state import State

TEMPORARY_PREFIX = "ASIA"
CAPACITY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key that exists: the secret that signatures are made with, and who uses it.

    For a temporary key `caller.expires_at` tells when it ends; `find` finds it after that too, so that the edge can
    say that it expired.
    """

    secret: str = field(repr=False)
    caller: Caller


def access_key_context(access_key_id: str) -> str:
    """The context under which the secret of a long-lived key is sealed."""
    return f"iam-access-key:{access_key_id}"


class AccessKeys:
    """Looks keys up; one that was seen lately costs no I/O."""

    def __init__(
        self,
        *,
        state: State,
        sealer: Sealer,
        tokens: SessionTokens,
        library: PolicyLibrary,
        epoch: Epoch,
        capacity: int = CAPACITY,
    ) -> None:
        self._state = state
        self._sealer = sealer
        self._tokens = tokens
        self._library = library
        # Long-lived keys change only at a start. Sessions are kept per epoch: their managed policies may change.
        self._users: OrderedDict[str, AccessKey] = OrderedDict()
        self._capacity = capacity
        self._sessions: EpochCache[AccessKey] = EpochCache(epoch, capacity=capacity)

    async def find(self, access_key_id: str, session_token: str = "") -> AccessKey | None:
        """The key, or None when there is none of this id.

        Raises:
            InvalidSessionToken: a temporary key without its token or with another one, a token beside a long-lived
                key, or a token that was changed.
        """
        if access_key_id.startswith(TEMPORARY_PREFIX):
            if not session_token:
                raise InvalidSessionToken("A temporary access key needs its session token.")

            async def load() -> AccessKey:
                return await self._session_key(self._tokens.read(access_key_id, session_token))

            # A header may hold bytes that are no text; they are no token either, but must not be an accident.
            digest = sha256(session_token.encode("utf-8", "surrogatepass")).hexdigest()
            return await self._sessions.get(f"{access_key_id}:{digest}", load)
        if session_token:
            raise InvalidSessionToken("A session token does not belong to this access key.")
        return await self._user_key(access_key_id)

    async def _user_key(self, access_key_id: str) -> AccessKey | None:
        if (known := self._users.get(access_key_id)) is not None:
            self._users.move_to_end(access_key_id)
            return known
        async with self._state.reading() as tx:
            record = await ACCESS_KEYS.get(tx, access_key_id)
            user = None if record is None else await find_user(tx, record.account_id, record.user_name)
        if record is None or user is None:
            return None
        principal = IamUser(account_id=user.account_id, user_name=user.name, user_id=user.user_id, path=user.path)
        found = AccessKey(
            secret=open_secret(self._sealer, record),
            caller=Caller(principal=principal, access_key_id=access_key_id),
        )
        self._users[access_key_id] = found
        while len(self._users) > self._capacity:
            self._users.popitem(last=False)
        return found

    async def _session_key(self, claims: SessionClaims) -> AccessKey:
        role_arn = parse_arn(claims.role_arn)
        policies: list[NamedPolicy] = []
        if claims.policy:
            policies.append(session_policy(claims.session_name, claims.policy))
        if claims.policy_arns:
            async with self._state.reading() as tx:
                for arn in claims.policy_arns:
                    # One that was deleted meanwhile stays as a policy that cannot be read, which denies everything:
                    # without it the session would be wider than it was made.
                    text = await self._library.document(tx, role_arn.account_id, arn)
                    policies.append(named_policy(f"session policy {arn}", text or "", PolicyKind.MANAGED))
        caller = Caller(
            principal=AssumedRole(role_arn=role_arn, role_id=claims.role_id, session_name=claims.session_name),
            session_policies=tuple(policies),
            access_key_id=claims.access_key_id,
            issued_at=claims.issued_at,
            expires_at=claims.expires_at,
            tags=claims.tags,
        )
        return AccessKey(secret=claims.secret, caller=caller)


def session_policy(session_name: str, text: str) -> NamedPolicy:
    """The policy that a role session was given, by the name that explanations know."""
    return named_policy(f"session policy of {session_name}", text, PolicyKind.SESSION)


def open_secret(sealer: Sealer, record: AccessKeyRecord) -> str:
    return sealer.unseal(record.sealed_secret, context=access_key_context(record.access_key_id)).decode()
