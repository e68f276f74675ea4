"""What to change so that a denied request is allowed: a change for each layer that stands in the way, ready to paste.

Every change is as small as the request allows: one action, the resources that the asker names, the one role. What it
leaves out is whether the request ought to be allowed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from crossdock.core.principals import Anonymous
from crossdock.policy.changes import AddStatement, Change, Fix, InWords, RemoveStatement, ReplaceValue
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.external_ids import sent_external_id, statement_with_external_id
from crossdock.policy.fix_places import (
    NEW_POLICY,
    TRUST_POLICY,
    called,
    closed_levels,
    is_of_aws,
    level_called,
    listed_in,
    management_account,
    place_of,
    target_of,
    to_add_to,
)
from crossdock.policy.fix_statements import StatementJson, statement_for
from crossdock.policy.public_access import public_statements
from crossdock.policy.reasons import Reason
from crossdock.policy.renewals import Renewal, find_renewals
from crossdock.policy.requests import Layer
from crossdock.policy.statements import Effect
from crossdock.policy.undenied import applying_denies, undenied
from crossdock.policy.write_options import WriteOptions, options_that_spare

__all__ = [
    "NEW_POLICY",
    "TRUST_POLICY",
    "AddStatement",
    "Change",
    "Fix",
    "InWords",
    "RemoveStatement",
    "ReplaceValue",
    "find_fixes",
    "ids_that_conditions_name",
    "literal",
    "merge_fixes",
]


_ACTIVE = re.compile(r"[*?]|\$(?=\{)")
"""What would mean something in a pattern: `${` begins a policy variable, a lone `$` nothing."""


def ids_that_conditions_name(decision: Decision) -> frozenset[str]:
    """The ids of roles that conditions on `aws:userid`, or principals, name, and that may be those of the asking role
    before it was made anew: so that somebody can look them up.
    """
    return frozenset(renewal.gone for renewal in find_renewals(decision))


def find_fixes(
    decision: Decision,
    *,
    covering: tuple[str, ...] = (),
    living: Mapping[str, str] | None = None,
    has_options: bool = False,
) -> tuple[Fix, ...]:
    """What would have to change; nothing for a request that is allowed, or whose policies cannot be read.

    They can be applied one after another. Statements are taken out after everything else, in each policy from the last
    to the first: so every number is still that of its statement, and no policy is left empty that is to be added to.

    Args:
        covering: the resources that an added statement shall name, where the request's alone is too narrow.
        living: of `ids_that_conditions_name`, those that somebody has, with their ARNs.
        has_options: whether the request is a write that says what `aws.buckets` has it say.
    """
    resources = covering or (decision.request.resource,)
    match decision.verdict:
        case Verdict.EXPLICIT_DENY:
            rest = find_fixes(undenied(decision), covering=covering, living=living)
            options = options_that_spare(decision) if has_options else WriteOptions()
            return (*rest, *_without_the_denies(decision, living or {}, options))
        case Verdict.IMPLICIT_DENY:
            if Layer.RESOURCE in decision.withheld_by and (key := decision.policies.resource) and key.is_of_aws:
                # A statement of any other policy would be about this key, and of no use.
                return (_by_a_key_of_ones_own(decision),)
            return tuple(
                fix for layer in _in_the_way(decision) for fix in _allowing(layer, decision, resources, living or {})
            )
    return ()


def _by_a_key_of_ones_own(decision: Decision) -> Fix:
    request = decision.request
    asking = request.principal.account_id
    others = "" if asking == request.resource_account else "no other account can use it, and "
    sentence = (
        f"encrypt the bucket, or what is written to it, with a KMS key of your own whose key policy lets account "
        f"{asking} in: {request.resource} is one that AWS manages, {others}nobody can change its policy"
    )
    return _in_words(Layer.RESOURCE, "", sentence, decision)


def literal(text: str) -> str:
    """The text as a pattern of version 2012-10-17 that matches nothing else; in an older one it does not grant more."""
    return _ACTIVE.sub(lambda found: f"${{{found.group()}}}", text)


def _without_the_denies(decision: Decision, living: Mapping[str, str], options: WriteOptions) -> tuple[Fix, ...]:
    """What changes in place comes before what is taken out, so that every number is still that of its statement."""
    renewals: dict[tuple[Layer, str, int], Renewal] = {}
    for renewal in find_renewals(decision):
        if renewal.statement.effect is Effect.DENY and renewal.gone not in living:
            renewals.setdefault((renewal.layer, renewal.policy, renewal.number), renewal)
    denies = applying_denies(decision)
    met = [one for one in denies if one in options.spared]
    denies = tuple(one for one in denies if one not in options.spared)
    kept = [renewals[place] for one in denies if (place := (one.layer, one.policy, one.number)) in renewals]
    return (
        *(_with_the_options(options, one, decision) for one in met),
        *(_renewing(renewal, decision) for renewal in kept),
        *(_without_the_deny(one, decision) for one in denies if (one.layer, one.policy, one.number) not in renewals),
    )


def _with_the_options(options: WriteOptions, reason: Reason, decision: Decision) -> Fix:
    _, attached_to, policy = place_of(reason.layer, decision, reason.policy)
    request = decision.request
    sentence = (
        f"let the write meet what statement {reason.statement} of {called(reason.layer, attached_to, policy)} asks "
        f"for: {options.sentence}; or except {request.action} on {request.resource} from it"
    )
    return _in_words(reason.layer, reason.policy, sentence, decision)


def _without_the_deny(reason: Reason, decision: Decision) -> Fix:
    account, attached_to, policy = place_of(reason.layer, decision, reason.policy)
    if is_of_aws(policy):
        less = f" without the Deny of statement {reason.statement}"
        return _in_place_of(policy, less, reason.layer, decision)
    return Fix(
        account_id=account,
        layer=reason.layer,
        attached_to=attached_to,
        policy=policy,
        change=RemoveStatement(sid=reason.sid, number=reason.number),
        sentence=f"take statement {reason.statement} out of {called(reason.layer, attached_to, policy)}, or except "
        f"{decision.request.action} on {decision.request.resource} from it",
    )


def _in_the_way(decision: Decision) -> tuple[Layer, ...]:
    """The layers that do not allow; a statement that lets everybody in makes a policy public besides."""
    found, block = decision.withheld_by, decision.policies.public_access
    request = decision.request
    is_made_public = Layer.RESOURCE in found and isinstance(request.principal, Anonymous) and request.is_of_s3
    if not is_made_public or Layer.PUBLIC_ACCESS in found or block is None or not block.restrict_public_buckets:
        return found
    return (*found, Layer.PUBLIC_ACCESS)


def _allowing(
    layer: Layer, decision: Decision, resources: tuple[str, ...], living: Mapping[str, str]
) -> tuple[Fix, ...]:
    match layer:
        case Layer.SERVICE_CONTROL | Layer.RESOURCE_CONTROL:
            return tuple(_on_the_level(layer, number, decision, resources) for number in closed_levels(layer, decision))
        case Layer.PUBLIC_ACCESS:
            return (_not_public(decision),)
        case Layer.RESOURCE if decision.request.bucket_account:
            return (_by_the_objects_owner(decision),)
        case Layer.RESOURCE if (stale := _stale_id(decision, living)) is not None:
            return (stale,)
        case Layer.RESOURCE if named := statement_with_external_id(decision):
            return (_with_the_external_id(named, decision),)
    return (_with_the_statement(layer, decision, resources),)


def _by_the_objects_owner(decision: Decision) -> Fix:
    request = decision.request
    return Fix(
        account_id=request.resource_account,
        layer=Layer.RESOURCE,
        attached_to=request.resource,
        policy="",
        change=InWords(),
        sentence=f"no bucket policy lets anybody at an object that is account {request.resource_account}'s: let that "
        "account put it again with the ACL bucket-owner-full-control (or s3:PutObjectAcl it), or make the bucket's "
        "Object Ownership BucketOwnerEnforced",
    )


def _with_the_external_id(statement: str, decision: Decision) -> Fix:
    _, role, policy = place_of(Layer.RESOURCE, decision, "")
    instead = (
        "another was sent; or have the statement ask for that one" if sent_external_id(decision) else "none was sent"
    )
    sentence = (
        f"send the ExternalId that statement {statement} of {called(Layer.RESOURCE, role, policy)} asks for "
        f"(Crossdock's setting aws.external_id; where profiles explain, --external-id): {instead}"
    )
    return _in_words(Layer.RESOURCE, "", sentence, decision)


def _with_the_statement(layer: Layer, decision: Decision, resources: tuple[str, ...]) -> Fix:
    policies = decision.policies
    account, attached_to, policy = place_of(layer, decision, to_add_to(layer, policies))
    listed = listed_in(layer, policies)
    is_new = (
        not listed
        if layer in (Layer.RESOURCE, Layer.SESSION)
        else policy == NEW_POLICY not in {one.name for one in listed}
    )
    the_policy = called(layer, attached_to, policy)
    if is_of_aws(policy):
        more = f", which also allows {decision.request.action} on {' and '.join(resources)},"
        return _in_place_of(policy, more, layer, decision)
    return Fix(
        account_id=account,
        layer=layer,
        attached_to=attached_to,
        policy=policy,
        change=AddStatement(statement=statement_for(layer, decision, resources)),
        sentence=f"make {the_policy} of this statement" if is_new else f"add this statement to {the_policy}",
    )


def _in_place_of(policy: str, what: str, layer: Layer, decision: Decision) -> Fix:
    """Of a policy that is AWS's own."""
    _, attached_to, _ = place_of(layer, decision, policy)
    the_policy = called(layer, attached_to, policy)
    sentence = f"put a policy of your own{what} in the place of {the_policy}: nobody can change one of AWS's"
    return _in_words(layer, policy, sentence, decision)


def _in_words(layer: Layer, policy: str, sentence: str, decision: Decision) -> Fix:
    account, where, policy = place_of(layer, decision, policy)
    return Fix(account_id=account, layer=layer, attached_to=where, policy=policy, change=InWords(), sentence=sentence)


def _on_the_level(layer: Layer, number: int, decision: Decision, resources: tuple[str, ...]) -> Fix:
    """A policy of its own: those that are there may be attached elsewhere too, and AWS's own cannot be changed.

    A resource control policy that a customer makes has no Allow, so there it is AWS's own that is missing.
    """
    target = target_of(layer, number, decision)
    where = level_called(target)
    change: Change = InWords()
    sentence = f"attach AWS's own policy RCPFullAWSAccess to {where}: of others, none can allow"
    if layer is Layer.SERVICE_CONTROL:
        change = AddStatement(statement=statement_for(layer, decision, resources))
        sentence = f"make a {layer} of this statement and attach it to {where}"
    account = management_account(layer, decision.policies)
    return Fix(account_id=account, layer=layer, attached_to=target, policy="", change=change, sentence=sentence)


def _not_public(decision: Decision) -> Fix:
    _, bucket, _ = place_of(Layer.PUBLIC_ACCESS, decision, "")
    resource = decision.policies.resource
    found = public_statements(resource.policy) if resource is not None else ()
    sentence = "turn RestrictPublicBuckets off for the bucket and its account"
    if found:
        named = " and ".join(statement.sid or str(number) for number, statement in found)
        sentence = (
            f"narrow what makes {called(Layer.RESOURCE, bucket, '')} public, statement {named}, to principals that it "
            f"names or to a condition with a fixed value (such as aws:SourceVpc); or {sentence}"
        )
    return _in_words(Layer.PUBLIC_ACCESS, "", sentence, decision)


def _stale_id(decision: Decision, living: Mapping[str, str]) -> Fix | None:
    """The resource's policy names a role that was deleted, perhaps the same role before it was made anew."""
    for renewal in find_renewals(decision):
        if renewal.statement.effect is Effect.ALLOW and renewal.gone not in living:
            return _renewing(renewal, decision)
    return None


def _renewing(renewal: Renewal, decision: Decision) -> Fix:
    statement, layer = renewal.statement, renewal.layer
    account, attached_to, policy = place_of(layer, decision, renewal.policy)
    is_condition = renewal.key.lower() == "aws:userid"
    named, what = (renewal.key, "id") if is_condition else (renewal.operator, "ARN")
    return Fix(
        account_id=account,
        layer=layer,
        attached_to=attached_to,
        policy=policy,
        change=ReplaceValue(
            sid=statement.sid,
            number=renewal.number,
            operator=renewal.operator,
            key=renewal.key,
            old=renewal.old,
            new=renewal.new,
        ),
        sentence=f"in {called(layer, attached_to, policy)}, statement {statement.sid or renewal.number}: its "
        f"{named} names {renewal.gone}, a role that no longer exists (a role that is made anew has another id). "
        f"Replace {renewal.old} by {renewal.new}, the {what} of role {renewal.role.role_name}",
    )


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
    sentence = f"add this statement to {called(*place)}"
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
