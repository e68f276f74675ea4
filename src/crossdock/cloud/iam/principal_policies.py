"""What the policies of a role or user say now, parsed and kept until a policy changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from crossdock.cloud.iam.epoch_cache import EpochCache
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.principal_pins import with_pins
from crossdock.cloud.iam.records import RoleRecord, find_role_by_arn, find_user
from crossdock.core.arns import Arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.operations.caller import Caller
from crossdock.operations.credentials import ExpiredCredentials, UnknownCredentials
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import NamedPolicy
from crossdock.ports.host import Clock, Epoch
from crossdock.ports.state import State, Transaction

CAPACITY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalPolicies:
    """The policies that bind a principal, besides those of its session; `tags` are its own."""

    unique_id: str = ""
    identity: tuple[NamedPolicy, ...] = ()
    boundary: tuple[NamedPolicy, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingRole:
    """A role as it is now."""

    role_arn: Arn
    role_id: str
    max_session_s: int
    trust: NamedPolicy
    policies: PrincipalPolicies


_NO_POLICIES = PrincipalPolicies()


class PrincipalDirectory:
    """Finds what binds a caller; a principal that was seen since the last change costs no I/O."""

    def __init__(
        self, *, state: State, clock: Clock, epoch: Epoch, library: PolicyLibrary, capacity: int = CAPACITY
    ) -> None:
        self._state = state
        self._clock = clock
        self._library = library
        self._roles: EpochCache[LivingRole | None] = EpochCache(epoch, capacity=capacity)
        self._users: EpochCache[PrincipalPolicies | None] = EpochCache(epoch, capacity=capacity)

    async def role(self, role_arn: Arn) -> LivingRole | None:
        """The role that has exactly this ARN now."""

        async def load() -> LivingRole | None:
            async with self._state.reading() as tx:
                record = await find_role_by_arn(tx, role_arn)
                return None if record is None else await self._living(tx, role_arn, record)

        return await self._roles.get(str(role_arn), load)

    async def require(self, caller: Caller) -> PrincipalPolicies:
        """The policies that bind this caller.

        Raises:
            ExpiredCredentials: its session is over.
            UnknownCredentials: its user or role is gone, or is another one under the same name.
        """
        if caller.expires_at is not None and caller.expires_at <= self._clock.now():
            raise ExpiredCredentials(f"the session {caller.principal.arn} expired at {caller.expires_at.isoformat()}")
        principal = caller.principal
        match principal:
            case AssumedRole():
                role = await self.role(principal.role_arn)
                if role is None or role.role_id != principal.role_id:
                    raise _unknown(f"role {principal.role_arn}", principal.role_id)
                return role.policies
            case IamUser():
                user = await self._user(principal)
                if user is None or user.unique_id != principal.user_id:
                    raise _unknown(f"user {principal.arn}", principal.user_id)
                return user
            case AccountRoot() | ServicePrincipal() | Anonymous():
                return _NO_POLICIES
            case _:
                assert_never(principal)

    async def _user(self, principal: IamUser) -> PrincipalPolicies | None:
        async def load() -> PrincipalPolicies | None:
            async with self._state.reading() as tx:
                record = await find_user(tx, principal.account_id, principal.user_name)
                if record is None:
                    return None
                identity = await self._managed(tx, record.account_id, record.attached)
                return PrincipalPolicies(unique_id=record.user_id, identity=identity)

        return await self._users.get(principal.arn, load)

    async def _living(self, tx: Transaction, role_arn: Arn, record: RoleRecord) -> LivingRole:
        inline = tuple(named_policy(name, text, PolicyKind.IDENTITY) for name, text in record.inline.items())
        attached = await self._managed(tx, record.account_id, record.attached)
        boundary = (record.boundary,) if record.boundary else ()
        return LivingRole(
            role_arn=role_arn,
            role_id=record.role_id,
            max_session_s=record.max_session_s,
            trust=named_policy("trust policy", with_pins(record.trust, record.trust_pins), PolicyKind.TRUST),
            policies=PrincipalPolicies(
                unique_id=record.role_id,
                identity=inline + attached,
                boundary=await self._managed(tx, record.account_id, boundary),
                tags=record.tags,
            ),
        )

    async def _managed(self, tx: Transaction, account_id: str, policy_arns: tuple[str, ...]) -> tuple[NamedPolicy, ...]:
        found = []
        for arn in policy_arns:
            # An attached policy cannot be deleted; were one missing all the same, its empty text denies everything.
            text = await self._library.document(tx, account_id, arn)
            found.append(named_policy(arn, text or "", PolicyKind.MANAGED))
        return tuple(found)


def _unknown(named: str, unique_id: str) -> UnknownCredentials:
    return UnknownCredentials(f"the {named} with the id {unique_id} is there no more")
