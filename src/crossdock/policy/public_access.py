"""S3 Block Public Access: whether a bucket policy is public, and what the settings then do. Of ACLs nothing is here.

Source: S3 User Guide, "Blocking public access to your Amazon S3 storage", above all "The meaning of 'public'". What
that page leaves open counts as public.
"""

from ipaddress import IPv4Network, ip_network

from crossdock.core.principals import ServicePrincipal
from crossdock.policy.conditions import Condition
from crossdock.policy.principals import PrincipalType
from crossdock.policy.requests import AccessRequest, PolicySet, PublicAccessBlock
from crossdock.policy.statements import Effect, Policy, Statement

_EQUALS = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"})
"""Operators that hold for what they name and nothing else: none that is negated, or true where the key is absent."""
_FIXING = frozenset(
    {
        # The page has "an AWS principal, user, role, or service principal (e.g. aws:PrincipalOrgID)".
        "aws:principalorgid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:userid",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
    }
)
_BROADEST_V4, _BROADEST_V6 = 8, 32


def is_public(policy: Policy) -> bool:
    return any(map(_is_public, policy.allows))


def public_statements(policy: Policy) -> tuple[tuple[int, Statement], ...]:
    """The statements that make a policy public, with their numbers from 1."""
    return tuple(
        (number, statement)
        for number, statement in enumerate(policy.statements, start=1)
        if statement.effect is Effect.ALLOW and _is_public(statement)
    )


def must_refuse(policy: Policy, block: PublicAccessBlock | None) -> bool:
    """Whether BlockPublicPolicy forbids to store this bucket policy."""
    return block is not None and block.block_public_policy and is_public(policy)


def keeps_out(request: AccessRequest, policies: PolicySet) -> bool:
    """Whether RestrictPublicBuckets turns this request away.

    A bucket with a public policy is for services of AWS and for its own account's principals; others are kept out even
    where a statement that is not public names them.
    """
    block = policies.public_access
    return block is not None and block.restrict_public_buckets and would_keep_out(request, policies)


def would_keep_out(request: AccessRequest, policies: PolicySet) -> bool:
    """The same, were RestrictPublicBuckets set."""
    return (
        policies.resource is not None
        and not request.is_same_account
        and not isinstance(request.principal, ServicePrincipal)
        and request.is_of_s3
        and is_public(policies.resource.policy)
    )


def _is_public(statement: Statement) -> bool:
    """An Allow is public unless all whom it names, or one of its conditions, are fixed values."""
    names_fixed = bool(statement.principals) and all(
        one.value != "*" and one.type is not PrincipalType.FEDERATED for one in statement.principals
    )
    return not names_fixed and not any(map(_is_fixed, statement.conditions))


def _is_fixed(condition: Condition) -> bool:
    key = condition.key.lower()
    operator = condition.operator.removeprefix("ForAnyValue:")
    if key == "aws:sourceip":
        return operator == "IpAddress" and all(map(_is_narrow, condition.values))
    if key not in _FIXING or operator not in _EQUALS:
        return False
    if key == "s3:dataaccesspointarn":
        return all(map(_has_fixed_account, condition.values))
    return all(map(_is_fixed_value, condition.values))


def _is_fixed_value(text: str) -> bool:
    """Neither a wildcard nor a policy variable, whether or not the operator knows them; `AROA…:*` is none either."""
    return text != "" and not any(sign in text for sign in ("*", "?", "${"))


def _has_fixed_account(arn: str) -> bool:
    """An access point's ARN may have a wildcard in its name, and nowhere else."""
    *parts, name = arn.split(":", 5)
    return len(parts) == 5 and name != "" and all(map(_is_fixed_value, parts))


def _is_narrow(text: str) -> bool:
    """Whether an address range is no broader than /8 (IPv4) or /32 (IPv6)."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (_BROADEST_V4 if isinstance(network, IPv4Network) else _BROADEST_V6)
