"""What to change so that a denied request is allowed: a change for each layer that stands in the way, ready to paste.

Every change is as small as the request allows: one action, the resources that the asker names, the one role. What it
leaves out is whether the request ought to be allowed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.policy.conditions import Condition
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.reasons import MismatchKind, Reason
from crossdock.policy.requests import AccessRequest, Layer, NamedPolicy
from crossdock.policy.statements import Effect

StatementJson = Mapping[str, object]
NEW_POLICY = "file-transfer"
"""The name of an inline policy where a role has none that could be added to."""
TRUST_POLICY = "trust policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStatement:
    """To the policy's statements; a policy that is not there is made of it."""

    statement: StatementJson


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveStatement:
    """The statement with this Sid, or this number (from 1) where it has none."""

    sid: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceValue:
    """One value of a condition, in the statement with this Sid or number."""

    sid: str
    number: int
    operator: str
    key: str
    old: str
    new: str


Change = AddStatement | RemoveStatement | ReplaceValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """`attached_to` is the ARN of the bucket, role or user that carries the policy, or an account's id.

    `policy` is the policy's name or ARN; empty where the thing has only one, or where one is to be made.
    """

    account_id: str
    layer: Layer
    attached_to: str
    policy: str
    change: Change
    sentence: str


_ACTIVE = re.compile(r"[*?]|\$(?=\{)")
"""What would mean something in a pattern: `${` begins a policy variable, a lone `$` nothing."""
_UNIQUE_ID = re.compile(r"(A(?:ROA|IDA)[A-Z0-9]{12,28})(?=[:*?]|$)")


def ids_that_conditions_name(decision: Decision) -> frozenset[str]:
    """The ids of roles and users that an `aws:userid` condition asks for in vain, so that somebody can look them up."""
    return frozenset(
        found[1]
        for _, values in _vain_user_ids(decision)
        for value in values
        if (found := _UNIQUE_ID.match(value)) is not None
    )


def find_fixes(
    decision: Decision, *, covering: tuple[str, ...] = (), living: Mapping[str, str] | None = None
) -> tuple[Fix, ...]:
    """What would have to change; nothing for a request that is allowed, or whose policies cannot be read.

    Args:
        covering: the resources that an added statement shall name, where the request's alone is too narrow.
        living: of `ids_that_conditions_name`, those that somebody has, with their ARNs.
    """
    resources = covering or (decision.request.resource,)
    match decision.verdict:
        case Verdict.EXPLICIT_DENY:
            return (_without_the_deny(decision),)
        case Verdict.IMPLICIT_DENY:
            return tuple(_allowing(layer, decision, resources, living or {}) for layer in decision.withheld_by)
    return ()


def literal(text: str) -> str:
    """The text as a pattern of version 2012-10-17 that matches nothing else; in an older one it does not grant more."""
    return _ACTIVE.sub(lambda found: f"${{{found.group()}}}", text)


def _without_the_deny(decision: Decision) -> Fix:
    reason = next(one for one in decision.reasons if one.applies and one.effect is Effect.DENY)
    account, attached_to, policy = _place(reason.layer, decision, reason.policy)
    return Fix(
        account_id=account,
        layer=reason.layer,
        attached_to=attached_to,
        policy=policy,
        change=RemoveStatement(sid=reason.sid, number=reason.number),
        sentence=f"take statement {reason.statement} out of {_called(reason.layer, attached_to, policy)}, or except "
        f"{decision.request.action} on {decision.request.resource} from it",
    )


def _allowing(layer: Layer, decision: Decision, resources: tuple[str, ...], living: Mapping[str, str]) -> Fix:
    if layer is Layer.RESOURCE and (stale := _stale_id(decision, living)) is not None:
        return stale
    account, attached_to, policy = _place(layer, decision, _to_add_to(layer, decision))
    called = _called(layer, attached_to, policy)
    listed = _listed(layer, decision)
    is_new = not listed if layer is Layer.RESOURCE else policy == NEW_POLICY not in {one.name for one in listed}
    return Fix(
        account_id=account,
        layer=layer,
        attached_to=attached_to,
        policy=policy,
        change=AddStatement(statement=_statement(layer, decision, resources)),
        sentence=f"make {called} of this statement" if is_new else f"add this statement to {called}",
    )


def _statement(layer: Layer, decision: Decision, resources: tuple[str, ...]) -> StatementJson:
    request = decision.request
    statement: dict[str, object] = {"Sid": _sid(layer, decision), "Effect": "Allow"}
    if layer is Layer.RESOURCE:
        statement["Principal"] = _principal(request)
    statement["Action"] = request.action
    if not _is_trust(request):
        statement["Resource"] = list(resources) if len(resources) > 1 else resources[0]
    if layer is Layer.RESOURCE and (condition := _condition(request)):
        statement["Condition"] = condition
    return statement


def _principal(request: AccessRequest) -> Mapping[str, str]:
    match request.principal:
        case ServicePrincipal(name=name):
            return {"Service": name}
        case Anonymous():
            return {"AWS": "*"}
    return {"AWS": f"arn:aws:iam::{request.principal.account_id}:root"}


def _condition(request: AccessRequest) -> Mapping[str, object]:
    """Narrows the account to the one role, and a service to whom it acts for."""
    match request.principal:
        case AssumedRole(role_id=role_id):
            return {"StringLike": {"aws:userId": f"{role_id}:*"}}
        case IamUser(user_id=user_id):
            return {"StringEquals": {"aws:userId": user_id}}
        case ServicePrincipal() if source := request.context.get("aws:sourceaccount"):
            return {"StringEquals": {"aws:SourceAccount": source[0]}}
    return {}


def _sid(layer: Layer, decision: Decision) -> str:
    """Unlike any other of the policy."""
    name = "Allow" + "".join(filter(str.isalnum, decision.request.action.partition(":")[2]))
    taken = {statement.sid for named in _listed(layer, decision) for statement in named.policy.statements}
    return next(
        sid for number in range(len(taken) + 1) if (sid := f"{name}{number + 1 if number else ''}") not in taken
    )


def _listed(layer: Layer, decision: Decision) -> tuple[NamedPolicy, ...]:
    policies = decision.policies
    match layer:
        case Layer.IDENTITY:
            return policies.identity
        case Layer.BOUNDARY:
            return policies.boundary
        case Layer.SESSION:
            return policies.session
        case Layer.RESOURCE:
            return (policies.resource,) if policies.resource else ()
    return tuple(named for level in policies.service_control for named in level)


def _to_add_to(layer: Layer, decision: Decision) -> str:
    """The name of the policy that a statement is best added to."""
    if layer is Layer.IDENTITY:
        # A managed policy may be attached to others, and AWS's own cannot be changed.
        return next((one.name for one in decision.policies.identity if not one.name.startswith("arn:")), NEW_POLICY)
    if layer is Layer.SERVICE_CONTROL:
        action, resource, context = decision.request.action.lower(), decision.request.resource, decision.request.context
        for level in decision.policies.service_control:
            if not any(one.applies(action, resource, context) for named in level for one in named.policy.allows):
                return level[0].name if level else ""
    listed = _listed(layer, decision)
    return listed[0].name if listed else ""


def _place(layer: Layer, decision: Decision, policy: str) -> tuple[str, str, str]:
    """In which account a policy of this layer is, what carries it, and what it is called there."""
    request = decision.request
    principal = request.principal
    if layer is Layer.RESOURCE:
        if _is_trust(request):
            return request.resource_account, request.resource, TRUST_POLICY
        return request.resource_account, _carrier(request.resource), ""
    if layer is Layer.SERVICE_CONTROL:
        return principal.account_id, principal.account_id, policy
    who = str(principal.role_arn) if isinstance(principal, AssumedRole) else principal.arn
    return principal.account_id, who, policy


def _carrier(resource: str) -> str:
    """What has the policy that guards a resource: the bucket of an object."""
    try:
        arn = parse_arn(resource)
    except InvalidArn:
        return resource
    return f"arn:{arn.partition}:s3:::{arn.resource.partition('/')[0]}" if arn.service == "s3" else resource


def _is_trust(request: AccessRequest) -> bool:
    return request.action.lower().startswith("sts:assumerole") and ":role/" in request.resource


def _called(layer: Layer, attached_to: str, policy: str) -> str:
    name = attached_to.rpartition(":")[2].rpartition("/")[2]
    match layer:
        case Layer.RESOURCE if attached_to.startswith("arn:aws:s3:::"):
            return f"the bucket policy of {name}"
        case Layer.RESOURCE if policy == TRUST_POLICY:
            return f"the trust policy of role {name}"
        case Layer.RESOURCE:
            return f"the policy of {attached_to}"
        case Layer.SESSION:
            return "the session policy, which the identity provider answers (or the user has) as Policy"
        case Layer.BOUNDARY:
            return f"the permissions boundary {policy} of {name}"
        case Layer.SERVICE_CONTROL:
            named = f" {policy}" if policy else ""
            return f"the service control policy{named} that binds account {attached_to}"
    return f"the policy {policy} of {name}"


def _vain_user_ids(decision: Decision) -> Iterator[tuple[Reason, tuple[str, ...]]]:
    """Statements of the resource's policy that fail on `aws:userid` and on nothing else."""
    for reason in decision.reasons:
        if reason.layer is not Layer.RESOURCE or reason.effect is not Effect.ALLOW or len(reason.mismatches) != 1:
            continue
        (mismatch,) = reason.mismatches
        if mismatch.kind is MismatchKind.CONDITION and mismatch.key.lower() == "aws:userid":
            yield reason, mismatch.expected


def _stale_id(decision: Decision, living: Mapping[str, str]) -> Fix | None:
    """The bucket's policy asks for the id of a role that was deleted, perhaps the same role before it was made anew."""
    principal = decision.request.principal
    if not isinstance(principal, AssumedRole) or not principal.role_id:
        return None
    for reason, values in _vain_user_ids(decision):
        for value in values:
            found = _UNIQUE_ID.match(value)
            if found is None or found[1] == principal.role_id or found[1] in living:
                continue
            account, attached_to, policy = _place(Layer.RESOURCE, decision, "")
            mismatch = reason.mismatches[0]
            new = value.replace(found[1], principal.role_id)
            renewed = Condition(operator=mismatch.element, key=mismatch.key, values=(new,), is_deny=False)
            if not renewed.holds(decision.request.context):
                continue  # another session's name, or a `*` where the operator knows no wildcards: it would not help
            return Fix(
                account_id=account,
                layer=Layer.RESOURCE,
                attached_to=attached_to,
                policy=policy,
                change=ReplaceValue(
                    sid=reason.sid,
                    number=reason.number,
                    operator=mismatch.element,
                    key=mismatch.key,
                    old=value,
                    new=new,
                ),
                sentence=f"in {_called(Layer.RESOURCE, attached_to, '')}, statement {reason.statement}: its "
                f"{mismatch.key} names {found[1]}, a role that no longer exists (a role that is made anew has another "
                f"id). Replace {value} by {new}, the id of role {principal.role_name}",
            )
    return None


def merge_fixes(fixes: Iterable[Fix]) -> tuple[Fix, ...]:
    """The same with one statement where several differ in nothing but their action, and each change once.

    They can be applied one after another: a policy is made once and added to after that, under Sids of its own.
    """
    merged: list[Fix] = []
    for fix in fixes:
        place = next((number for number, one in enumerate(merged) if _differ_in_action_only(one, fix)), None)
        if place is None:
            merged.append(fix)
        else:
            merged[place] = _with_actions_of(merged[place], fix)
    done: list[Fix] = []
    for fix in merged:
        done.append(_after(done, fix))
    return tuple(done)


def _after(done: Sequence[Fix], fix: Fix) -> Fix:
    if not isinstance(fix.change, AddStatement):
        return fix
    place = (fix.layer, fix.attached_to, fix.policy)
    taken = [
        one.change.statement["Sid"]
        for one in done
        if isinstance(one.change, AddStatement) and (one.layer, one.attached_to, one.policy) == place
    ]
    if not taken:
        return fix
    sid = name = str(fix.change.statement["Sid"])
    number = 1
    while sid in taken:
        number += 1
        sid = f"{name}{number}"
    sentence = f"add this statement to {_called(*place)}"
    return replace(fix, change=AddStatement(statement={**fix.change.statement, "Sid": sid}), sentence=sentence)


def _differ_in_action_only(one: Fix, other: Fix) -> bool:
    if isinstance(one.change, AddStatement) and isinstance(other.change, AddStatement):
        is_alike = _but_action(one.change.statement) == _but_action(other.change.statement)
        return is_alike and replace(one, change=other.change) == other
    return one == other


def _but_action(statement: StatementJson) -> StatementJson:
    return {element: value for element, value in statement.items() if element not in ("Action", "Sid")}


def _with_actions_of(one: Fix, other: Fix) -> Fix:
    if not (isinstance(one.change, AddStatement) and isinstance(other.change, AddStatement)):
        return one
    actions = sorted({*_actions(one.change.statement), *_actions(other.change.statement)})
    statement = {**one.change.statement, "Action": actions if len(actions) > 1 else actions[0]}
    return replace(one, change=AddStatement(statement=statement))


def _actions(statement: StatementJson) -> list[str]:
    action = statement["Action"]
    return [str(one) for one in action] if isinstance(action, list) else [str(action)]
