"""PolicyExclusionList: a simulation without some of the policies that are attached.

Source: IAM API Reference, PolicyIdentifier and InlinePolicyIdentifierType.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.iam.errors import invalid_input
from crossdock.cloud.iam.library import policy_arn_or_none
from crossdock.cloud.iam.simulated_policies import Attachment, SimulatedPolicies, SourcedPolicy
from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.policy.matching import compile_tokens
from crossdock.policy.variables import fixed_tokens, split_pattern

_SERVICE_CONTROL = "scp"
_BOUNDARY = "permission-boundary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Whose policies are simulated: `role` or `user`, and the name without its path."""

    kind: str
    name: str


def exclude(policies: SimulatedPolicies, identifiers: Iterable[Mapping[str, Any]], entity: Entity) -> SimulatedPolicies:
    """The policies without those that the identifiers name; one that names nothing is ignored, as resource control
    policies are.

    Raises:
        ServiceError: InvalidInput for a malformed ARN, and for wildcards where none may stand.
    """
    for identifier in identifiers:
        match identifier:
            case {"PolicyType": str(kind)}:
                policies = _without_type(policies, kind)
            case {"PolicyArn": str(arn)}:
                policies = _without_arn(policies, arn)
            case {"InlinePolicyIdentifier": embedded}:
                policies = _without_embedded(policies, embedded, entity)
            case _:
                raise invalid_input("A policy identifier has one of PolicyType, PolicyArn and InlinePolicyIdentifier.")
    return policies


def _without_type(policies: SimulatedPolicies, kind: str) -> SimulatedPolicies:
    if kind == _BOUNDARY:
        return replace(policies, boundary=())
    if kind == _SERVICE_CONTROL:
        return replace(policies, service_control=())
    return _without(policies, lambda policy: policy.attachment == kind)


def _without_arn(policies: SimulatedPolicies, text: str) -> SimulatedPolicies:
    try:
        arn = parse_arn(text)
    except InvalidArn as error:
        raise invalid_input(f"PolicyExclusionList: {text} is not in a valid ARN format.") from error
    path, _, name = text.rpartition("/")
    if "*" in path or "?" in path:
        raise invalid_input(f"PolicyExclusionList: {text} has a wildcard before the policy's name.")
    covers = _pattern(name, text)

    def is_meant(policy_arn: str) -> bool:
        found_path, _, found_name = policy_arn.rpartition("/")
        return found_path == path and covers(found_name)

    if policy_arn_or_none(str(arn)) is not None:
        return _without(policies, lambda policy: is_meant(policy.name))
    # A level that loses its last policy allows nothing, as in the organisation.
    return replace(
        policies,
        service_control=tuple(
            tuple(policy for policy in level if not is_meant(policy.name)) for level in policies.service_control
        ),
    )


def _without_embedded(policies: SimulatedPolicies, embedded: Mapping[str, Any], entity: Entity) -> SimulatedPolicies:
    covers = _pattern(embedded["AttachmentName"], embedded["AttachmentName"])
    if embedded["AttachmentType"] != entity.kind or not covers(entity.name):
        return policies
    name = embedded["PolicyName"]
    return _without(policies, lambda policy: policy.attachment is Attachment.INLINE and policy.name == name)


def _without(policies: SimulatedPolicies, is_meant: Callable[[SourcedPolicy], bool]) -> SimulatedPolicies:
    """Only what is attached can be excluded, not what the request itself brings."""
    return replace(
        policies,
        identity=tuple(
            policy for policy in policies.identity if policy.attachment is Attachment.SENT or not is_meant(policy)
        ),
    )


def _pattern(name: str, shown: str) -> Callable[[str], bool]:
    """ "Use at most one * (matches any sequence of characters, including none), and any number of ?" """
    if name.count("*") > 1:
        raise invalid_input(f"PolicyExclusionList: {shown} has more than one *.")
    tokens = fixed_tokens(split_pattern(name, has_wildcards=True, has_variables=False))
    return compile_tokens(tokens or ())
