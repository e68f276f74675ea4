"""Ids of roles that are gone, in statements that would do as meant if they had the id of the role that asks.

A role that is made anew has another id: what allowed the old one does not allow it, and a Deny that excepts the old one
denies it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from crossdock.core.principals import AssumedRole
from crossdock.policy.decision import Decision
from crossdock.policy.principals import PolicyPrincipal
from crossdock.policy.reasons import NAMING, layers_of, named_in
from crossdock.policy.requests import Layer
from crossdock.policy.statements import Effect, Statement

_ROLE_ID = re.compile(r"(AROA[A-Z0-9]{12,28})(?=[:*?]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A value to replace so that a statement comes out as it should for the `role` that asks.

    `operator` and `key` say where it stands: a condition's, or `Principal` (`NotPrincipal`) and `AWS`. `gone` is the id
    in `old`; whether nobody has it is for others to say.
    """

    role: AssumedRole
    layer: Layer
    policy: str
    number: int
    statement: Statement
    operator: str
    key: str
    old: str
    new: str
    gone: str


def find_renewals(decision: Decision) -> Iterator[Renewal]:
    """For each Allow of the resource's policy that does not apply, and each Deny that does, what would change that."""
    request, policies = decision.request, decision.policies
    if not isinstance(request.principal, AssumedRole) or not request.principal.role_id:
        return
    for layer, listed in layers_of(request, policies):
        for named in listed:
            for number, statement in enumerate(named.policy.statements, start=1):
                is_deny = statement.effect is Effect.DENY
                if (not is_deny and layer is not Layer.RESOURCE) or _applies(statement, layer, decision) != is_deny:
                    continue
                for operator, key, old, new, gone, renewed in _renewed(statement, request.principal):
                    if _applies(renewed, layer, decision) == is_deny:
                        continue  # it would not help: another session's name, or another reason besides
                    yield Renewal(
                        role=request.principal,
                        layer=layer,
                        policy=named.name,
                        number=number,
                        statement=statement,
                        operator=operator,
                        key=key,
                        old=old,
                        new=new,
                        gone=gone,
                    )


def _applies(statement: Statement, layer: Layer, decision: Decision) -> bool:
    request = decision.request
    return statement.applies(request.action.lower(), request.resource, request.context) and (
        layer not in NAMING or named_in(statement, request, decision.policies, layer) is not None
    )


def _renewed(statement: Statement, role: AssumedRole) -> Iterator[tuple[str, str, str, str, str, Statement]]:
    """Operator, key, old value, new value, the id in the old one, and the statement with the new one."""
    for place, condition in enumerate(statement.conditions):
        for value in condition.values if condition.key.lower() == "aws:userid" else ():
            if gone := _other_role(value, role):
                new = value.replace(gone, role.role_id)
                values = tuple(new if one == value else one for one in condition.values)
                conditions = list(statement.conditions)
                conditions[place] = replace(condition, values=values)
                renewed = replace(statement, conditions=tuple(conditions))
                yield condition.operator, condition.key, value, new, gone, renewed
    for principal in (*statement.principals, *statement.not_principals):
        if gone := _other_role(principal.value, role):
            new = str(role.role_arn)
            by_arn = PolicyPrincipal(type=principal.type, value=new)
            renewed = replace(
                statement,
                principals=tuple(by_arn if one == principal else one for one in statement.principals),
                not_principals=tuple(by_arn if one == principal else one for one in statement.not_principals),
            )
            element = "Principal" if statement.principals else "NotPrincipal"
            yield element, principal.type, principal.value, new, gone, renewed


def _other_role(value: str, role: AssumedRole) -> str:
    """The role's id in a value, unless it is that of this role; empty without one."""
    found = _ROLE_ID.match(value)
    return found[1] if found is not None and found[1] != role.role_id else ""
