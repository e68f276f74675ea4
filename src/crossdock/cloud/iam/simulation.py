"""The policy simulator: what policies would decide, asked of the engine that decides every call.

Source: IAM API Reference, SimulateCustomPolicy, SimulatePrincipalPolicy, GetContextKeysForCustomPolicy and
GetContextKeysForPrincipalPolicy.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.iam.context_keys import context_keys
from crossdock.cloud.iam.control_policies import ControlPolicySource
from crossdock.cloud.iam.errors import invalid_input, no_such_entity, no_such_role
from crossdock.cloud.iam.library import AWS_OWNED, PolicyLibrary
from crossdock.cloud.iam.pages import listed_page
from crossdock.cloud.iam.policy_exclusions import Entity, exclude
from crossdock.cloud.iam.simulated_callers import (
    EntityRecord,
    entity_arn,
    entity_context,
    entity_kind,
    entity_name,
    find_entity,
    read_entries,
    resource_owner,
    simulated_principal,
)
from crossdock.cloud.iam.simulated_policies import (
    SimulatedPolicies,
    SourcedPolicy,
    attached_boundary,
    attached_policies,
    read_sent,
    read_sent_boundary,
    read_sent_list,
)
from crossdock.cloud.iam.simulation_answers import Outcome, evaluation_result, outcome_of
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import AssumedRole, IamUser
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.threads import Threads, in_thread
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import (
    AccessRequest,
    Decision,
    NamedPolicy,
    PolicySet,
    context_of,
    evaluate,
    evaluate_key,
    evaluate_trust,
)
from crossdock.ports.state import Transaction

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", re.ASCII)
_MAX_CONTEXT_CHARS = 65_536
"""In the values of all ContextEntries. AWS names no limit, but a request has no more: its headers are far smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Who asks under which policies; `owner` owns each resource whose ARN names no account."""

    principal: IamUser | AssumedRole
    context: Mapping[str, tuple[str, ...]]
    owner: str
    simulated: SimulatedPolicies
    policies: PolicySet

    def ask(self, action: str, resource: str) -> Outcome:
        arn = None if resource == "*" else parse_arn(resource)
        named = "" if arn is None or arn.account_id == AWS_OWNED else arn.account_id
        request = AccessRequest(
            principal=self.principal,
            action=action,
            resource=resource,
            resource_account=named or self.owner,
            context=self.context,
        )
        return outcome_of(self._decide(request), self.simulated)

    def _decide(self, request: AccessRequest) -> Decision:
        guard = self.policies.resource
        if guard is not None and _is_assumption(request.action, request.resource):
            return evaluate_trust(request, guard, self.policies)
        if guard is not None and request.is_about_key:
            return evaluate_key(request, guard, self.policies)
        return evaluate(request, self.policies)


class Simulations:
    """Handlers of the simulator's operations. Nothing is changed, and no policy of a resource is looked up."""

    def __init__(self, *, library: PolicyLibrary, organization: ControlPolicySource) -> None:
        self._library = library
        self._organization = organization
        # By itself, so that the loop has its turn while a long question is decided, and one such question at a time.
        self._thread = Threads(1, name="simulations")

    async def custom(self, call: Call) -> Result:
        params = call.params
        actions, resources = _questions(params)
        simulated = SimulatedPolicies(
            identity=read_sent_list(params["PolicyInputList"], PolicyKind.IDENTITY, "PolicyInputList"),
            boundary=read_sent_boundary(params.get("PermissionsBoundaryPolicyInputList", ())),
            resource=_resource_policy(params, actions, resources),
            service_control=_sent_levels(params.get("OrderedOrganizationPolicyInputList", ())),
        )
        caller: str | None = params.get("CallerArn")
        if caller is None and simulated.resource is not None:
            raise invalid_input("CallerArn is required with ResourcePolicy, whose Principal has to name somebody.")
        scene = _scene(call, None if caller is None else entity_arn(caller), None, simulated)
        return await _answer(params, actions, resources, scene, self._thread)

    async def principal(self, call: Call) -> Result:
        params = call.params
        actions, resources = _questions(params)
        source = entity_arn(params["PolicySourceArn"])
        sent = read_sent_list(params.get("PolicyInputList", ()), PolicyKind.IDENTITY, "PolicyInputList")
        sent_boundary = read_sent_boundary(params.get("PermissionsBoundaryPolicyInputList", ()))
        resource_policy = _resource_policy(params, actions, resources)
        async with call.reading() as tx:
            entity = await _require_entity(tx, source)
            attached = SimulatedPolicies(
                identity=await attached_policies(tx, self._library, entity),
                boundary=await attached_boundary(tx, self._library, entity),
                service_control=(await self._organization.find(tx, source.account_id)).service.policies,
            )
        kept = exclude(
            attached,
            params.get("PolicyExclusionList", ()),
            Entity(kind=entity_kind(source), name=entity_name(source)),
        )
        simulated = replace(
            kept,
            identity=kept.identity + sent,
            boundary=sent_boundary or kept.boundary,
            resource=resource_policy,
        )
        caller = entity_arn(params.get("CallerArn", str(source)))
        scene = _scene(call, caller, entity if caller == source else None, simulated)
        return await _answer(params, actions, resources, scene, self._thread)

    async def custom_keys(self, call: Call) -> Result:
        sent = read_sent_list(call.params["PolicyInputList"], PolicyKind.IDENTITY, "PolicyInputList")
        return {"ContextKeyNames": context_keys(one.policy for one in sent)}

    async def principal_keys(self, call: Call) -> Result:
        """Of the policies that are attached; neither of the boundary nor of service control policies."""
        source = entity_arn(call.params["PolicySourceArn"])
        sent = read_sent_list(call.params.get("PolicyInputList", ()), PolicyKind.IDENTITY, "PolicyInputList")
        async with call.reading() as tx:
            attached = await attached_policies(tx, self._library, await _require_entity(tx, source))
        return {"ContextKeyNames": context_keys(one.policy for one in (*attached, *sent))}


def _scene(call: Call, caller: Arn | None, entity: EntityRecord | None, simulated: SimulatedPolicies) -> _Scene:
    """`entity` is the caller's record where the right to simulate it covers what the record tells.

    Without a caller the account's policies are asked for nobody in particular, about whom no key tells.
    """
    params = call.params
    entries = _entries(params)
    if caller is None:
        principal: IamUser | AssumedRole = IamUser(account_id=call.account_id, user_name="", user_id="")
        context = entries
    else:
        principal = simulated_principal(caller, entity, entries)
        context = context_of({**entity_context(entity), **entries}, principal=principal)
    owner: str | None = params.get("ResourceOwner")
    return _Scene(
        principal=principal,
        context=context,
        owner=principal.account_id if owner is None else resource_owner(owner),
        simulated=simulated,
        policies=simulated.policy_set(),
    )


def _entries(params: Params) -> Mapping[str, tuple[str, ...]]:
    entries = params.get("ContextEntries", ())
    size = sum(len(value) for entry in entries for value in entry.get("ContextKeyValues", ()))
    if size > _MAX_CONTEXT_CHARS:
        raise invalid_input(f"ContextEntries: the values have {size} characters, more than {_MAX_CONTEXT_CHARS}.")
    return read_entries(entries)


async def _answer(
    params: Params, actions: Sequence[str], resources: Sequence[str], scene: _Scene, thread: Threads
) -> Result:
    """A page of results, one for each action."""
    numbered = [(f"{number:09}", action) for number, action in enumerate(actions)]
    asked, page = listed_page(numbered, params)
    results: list[dict[str, Any]] = []
    for action in asked:
        outcomes: list[Outcome] = []
        for resource in resources:
            outcomes.append(await in_thread(thread, scene.ask, action, resource))
        results.append(evaluation_result(action, outcomes))
    return {"EvaluationResults": results, **page}


def _questions(params: Params) -> tuple[list[str], list[str]]:
    """The actions and the resources, each once; `*` without resources."""
    if "ResourceHandlingOption" in params:
        raise invalid_input("ResourceHandlingOption is for the resources of Amazon EC2, which is not here.")
    actions = list(dict.fromkeys(params["ActionNames"]))
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise invalid_input(
                f"ActionNames: {action} is not the name of a service and of an action, without wildcards."
            )
    resources = list(dict.fromkeys(params.get("ResourceArns") or ["*"]))
    malformed = [resource for resource in resources if resource != "*" and not _is_arn(resource)]
    if malformed:
        raise invalid_input(f"ResourceNames are not in a valid ARN format: {', '.join(malformed)}.")
    return actions, resources


def _is_arn(text: str) -> bool:
    try:
        parse_arn(text)
    except InvalidArn:
        return False
    return True


def _is_assumption(action: str, resource: str) -> bool:
    return action.lower().startswith("sts:") and resource.startswith("arn:") and _is_role(parse_arn(resource))


def _is_role(arn: Arn) -> bool:
    return arn.service == "iam" and arn.resource.startswith("role/")


def _resource_policy(params: Params, actions: Sequence[str], resources: Sequence[str]) -> SourcedPolicy | None:
    """The policy of every resource: a trust policy, which names none, when all that is asked is to assume roles."""
    text: str | None = params.get("ResourcePolicy")
    if text is None:
        return None
    is_trust = all(_is_assumption(action, resource) for action in actions for resource in resources)
    return read_sent(text, PolicyKind.TRUST if is_trust else PolicyKind.RESOURCE, "ResourcePolicy")


def _sent_levels(levels: Sequence[Mapping[str, Any]]) -> tuple[tuple[NamedPolicy, ...], ...]:
    return tuple(
        tuple(
            NamedPolicy(name=sent.source_id, policy=sent.policy)
            for sent in read_sent_list(
                level.get("ServiceControlPolicyInputList", ()),
                PolicyKind.SERVICE_CONTROL,
                f"OrderedOrganizationPolicyInputList.{number}",
            )
        )
        for number, level in enumerate(levels, start=1)
    )


async def _require_entity(tx: Transaction, arn: Arn) -> EntityRecord:
    """Raises ServiceError, NoSuchEntity."""
    entity = await find_entity(tx, arn)
    if entity is not None:
        return entity
    name = entity_name(arn)
    if entity_kind(arn) == "role":
        raise no_such_role(name)
    raise no_such_entity(f"The {entity_kind(arn)} with name {name} cannot be found.")
