"""The embedded authority's answer to every permission: the caller's policies, its session's, and the resource's."""

from collections.abc import Mapping
from dataclasses import replace

from crossdock.cloud.iam.control_policies import (
    NO_LEVELS,
    NOTHING,
    ControlPolicies,
    ControlPolicySource,
    NoOrganization,
)
from crossdock.cloud.iam.epoch_cache import EpochCache
from crossdock.cloud.iam.library import AWS_OWNED
from crossdock.cloud.iam.parsed import without_unread
from crossdock.cloud.iam.principal_policies import PrincipalDirectory, PrincipalPolicies
from crossdock.cloud.iam.resource_policies import ResourceGuard, ResourcePolicySource
from crossdock.cloud.iam.settled_decisions import SettledDecisions, question_of
from crossdock.core.arns import Arn, function_name, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.operations.caller import CallContext, Caller, Context
from crossdock.operations.operation import Owned, Permission
from crossdock.policy.document import Policy
from crossdock.policy.evaluate import AccessRequest, Decision, NamedPolicy, PolicySet, evaluate, evaluate_trust
from crossdock.policy.statements import Effect
from crossdock.ports.host import Epoch
from crossdock.ports.state import State

CAPACITY = 4096

_NO_TRUST = NamedPolicy(name="trust policy", policy=Policy(version="2012-10-17", statements=()))
_PRINCIPAL_TAG = "aws:PrincipalTag/"
_NO_ACTION = ("none:Nothing",)


class EmbeddedAuthorizer:
    """Implements `operations.call.Authorizer`. While no policy changes, a decision about known parties does no I/O."""

    def __init__(
        self,
        *,
        state: State,
        epoch: Epoch,
        principals: PrincipalDirectory,
        sources: Mapping[str, ResourcePolicySource],
        organization: ControlPolicySource | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        """`sources` are the services' resource policies, by the service's name in ARNs (`s3`, `secretsmanager`).

        Without an `organization` the accounts are in none.
        """
        self._state = state
        self._epoch = epoch
        self._settled = SettledDecisions(epoch)
        self._principals = principals
        self._sources = sources
        self._organization = organization or NoOrganization()
        self._controls: EpochCache[ControlPolicies] = EpochCache(epoch, capacity=capacity)
        self._guards: EpochCache[ResourceGuard | None] = EpochCache(epoch, capacity=capacity)

    async def decide(self, caller: Caller, permission: Permission, context: Context) -> Decision:
        """See `Authorizer`.

        Raises:
            ExpiredCredentials, UnknownCredentials: the caller's credentials hold no more.
        """
        epoch = self._epoch.current()
        bound = await self._principals.require(caller)
        question = question_of(caller, permission, context)
        if (settled := self._settled.find(question)) is not None:
            return settled
        decision = await self._decide(caller, permission, context, bound)
        self._settled.keep(question, context, decision, epoch=epoch)
        return decision

    async def _decide(
        self, caller: Caller, permission: Permission, context: Context, bound: PrincipalPolicies
    ) -> Decision:
        arn = _arn_or_none(permission.resource)
        account_id, guard = await self._guard(caller, permission, arn)
        is_missing = arn is not None and guard is None and await self._is_missing_function(permission, arn)
        if is_assumption := arn is not None and _is_assumption(permission, arn):
            role = await self._principals.role(arn)
            # A role that does not exist trusts nobody; the answer does not tell the difference.
            is_missing = role is None
            guard = _NO_TRUST if role is None else role.trust
        ours = theirs = await self._control(caller.principal.account_id)
        if account_id != caller.principal.account_id:
            theirs = await self._control(account_id)
        request = AccessRequest(
            principal=caller.principal,
            action=permission.action,
            resource=permission.resource,
            resource_account=account_id if permission.owned is None else permission.owned.account_id,
            bucket_account="" if permission.owned is None else account_id,
            is_missing=is_missing,
            context={
                **_principal_tags(bound.tags, caller.tags),
                **ours.principal_keys,
                **theirs.resource_keys,
                **(context.made() if isinstance(context, CallContext) else context),
                **permission.context,
            },
        )
        limits = theirs.resource if _is_under_resource_control(permission) else NO_LEVELS
        policies = without_unread(
            PolicySet(
                service_control=ours.service.policies,
                service_control_targets=ours.service.targets,
                resource_control=limits.policies,
                resource_control_targets=limits.targets,
                identity=bound.identity,
                boundary=bound.boundary,
                session=caller.session_policies,
                resource=guard,
            )
        )
        if permission.owned is not None:
            policies = replace(policies, resource=_as_owned(policies.resource, permission.owned))
        if is_assumption:
            return evaluate_trust(request, policies.resource or _NO_TRUST, policies)
        return evaluate(request, policies)

    async def _control(self, account_id: str) -> ControlPolicies:
        """What binds an account; nothing binds services and anonymous callers, who have none."""
        if not account_id:
            return NOTHING

        async def load() -> ControlPolicies:
            async with self._state.reading() as tx:
                return await self._organization.find(tx, account_id)

        return await self._controls.get(account_id, load)

    async def _guard(self, caller: Caller, permission: Permission, arn: Arn | None) -> tuple[str, NamedPolicy | None]:
        """Who owns the resource, and the policy that guards it."""
        own = caller.principal.account_id
        if permission.resource == "*":
            return own, None
        if arn is None:
            # No ARN, no owner: the engine takes an unknown owner for another account.
            return "", None
        guard = await self._stored_guard(arn)
        if guard is not None:
            return guard.account_id, guard.policy
        # A bucket that does not exist yet is the caller's to make; AWS's managed policies are in every account.
        return own if arn.account_id in ("", AWS_OWNED) else arn.account_id, None

    async def _is_missing_function(self, permission: Permission, arn: Arn) -> bool:
        """Of a function that is to be invoked: others may be about to be made."""
        is_invoked = permission.action.lower() == "lambda:invokefunction" and function_name(arn) != ""
        return is_invoked and await self._stored_guard(arn) is None

    async def _stored_guard(self, arn: Arn) -> ResourceGuard | None:
        source = self._sources.get(arn.service)
        subject = "" if source is None else source.subject_of(arn)
        if source is None or not subject:
            return None

        async def load() -> ResourceGuard | None:
            async with self._state.reading() as tx:
                return await source.find(tx, subject)

        return await self._guards.get(f"{arn.service} {subject}", load)


def _is_assumption(permission: Permission, arn: Arn) -> bool:
    """Whether a role's trust policy has to be asked: for STS's actions on the role, and no other."""
    is_role = arn.service == "iam" and arn.resource.startswith("role/")
    return is_role and permission.action.lower().startswith("sts:")


_UNDER_RESOURCE_CONTROL = ("s3", "secretsmanager", "sts")


def _is_under_resource_control(permission: Permission) -> bool:
    """Whether resource control policies restrict this service's actions.

    Source: Organizations User Guide, "List of AWS services that support RCPs", as far as they are here.
    """
    return permission.action.partition(":")[0].lower() in _UNDER_RESOURCE_CONTROL


def _as_owned(guard: NamedPolicy | None, owned: Owned) -> NamedPolicy:
    """What the place denies, and what the owner of the resource grants there."""
    if guard is None:
        return owned.grants
    # What allows stays in its place, so that the numbers of statements stay too.
    statements = (
        one if one.effect is Effect.DENY else replace(one, actions=_NO_ACTION, not_actions=())
        for one in guard.policy.statements
    )
    policy = replace(guard.policy, statements=(*statements, *owned.grants.policy.statements))
    return NamedPolicy(name=guard.name, policy=policy)


def _principal_tags(own: Mapping[str, str], of_session: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The tags of the role or user, but for those that the session was given anew."""
    given = {key.lower() for key in of_session}
    return {f"{_PRINCIPAL_TAG}{key}": (value,) for key, value in own.items() if key.lower() not in given}


def _arn_or_none(text: str) -> Arn | None:
    try:
        return parse_arn(text)
    except InvalidArn:
        return None
