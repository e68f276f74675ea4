"""Stored policy texts made ready for a decision."""

import logging
from dataclasses import replace
from itertools import chain

from crossdock.cloud.iam.documents import MAX_DOCUMENT_CHARS
from crossdock.policy.document import MalformedPolicy, Policy, PolicyKind, parse_policy
from crossdock.policy.evaluate import Layer, NamedPolicy, PolicySet

_log = logging.getLogger(__name__)

DENY_EVERYTHING = parse_policy(
    '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}', PolicyKind.IDENTITY
)
DENY_EVERYONE = parse_policy(
    '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}',
    PolicyKind.RESOURCE,
)
_WITH_PRINCIPAL = (
    PolicyKind.RESOURCE,
    PolicyKind.TRUST,
    PolicyKind.RESOURCE_CONTROL,
    PolicyKind.ENDPOINT,
    PolicyKind.KEY,
)
_BLANK = Policy(version="2012-10-17", statements=())


def named_policy(name: str, text: str, kind: PolicyKind) -> NamedPolicy:
    """Parse a policy that was accepted when it was stored.

    One that cannot be read all the same becomes a policy that denies everything: a policy that is left out might have
    held the Deny that matters. `without_unread` tells a decision that this Deny is nobody's.
    """
    return NamedPolicy(name=name, policy=_parse_or_deny(name, text, kind))


def without_unread(policies: PolicySet) -> PolicySet:
    """The policies as a decision takes them: those that could not be read say nothing, and their layers are unreadable.

    A decision that depends on such a layer is UNKNOWN, which is no permission, unless it is denied elsewhere.
    """
    resource = () if policies.resource is None else (policies.resource,)
    everything = chain(
        *(policies.identity, policies.boundary, policies.session, resource),
        *policies.service_control,
        *policies.resource_control,
    )
    if not any(map(_is_unread, everything)):
        return policies
    listed = (
        (Layer.IDENTITY, policies.identity),
        (Layer.BOUNDARY, policies.boundary),
        (Layer.SESSION, policies.session),
        (Layer.RESOURCE, resource),
        *((Layer.SERVICE_CONTROL, level) for level in policies.service_control),
        *((Layer.RESOURCE_CONTROL, level) for level in policies.resource_control),
    )
    return replace(
        policies,
        identity=_blanked(policies.identity),
        boundary=_blanked(policies.boundary),
        session=_blanked(policies.session),
        resource=next(iter(_blanked(resource)), None),
        service_control=tuple(map(_blanked, policies.service_control)),
        resource_control=tuple(map(_blanked, policies.resource_control)),
        unreadable=policies.unreadable | {layer for layer, found in listed if any(map(_is_unread, found))},
    )


def _is_unread(named: NamedPolicy) -> bool:
    return named.policy is DENY_EVERYTHING or named.policy is DENY_EVERYONE


def _blanked(listed: tuple[NamedPolicy, ...]) -> tuple[NamedPolicy, ...]:
    """Still under their names: that there is a boundary, say, counts by itself."""
    return tuple(replace(named, policy=_BLANK) if _is_unread(named) else named for named in listed)


def _parse_or_deny(name: str, text: str, kind: PolicyKind) -> Policy:
    try:
        # Quotas are for who stores a policy; AWS's own managed policies are longer than what an account may make.
        return parse_policy(text, kind, max_chars=MAX_DOCUMENT_CHARS)
    except MalformedPolicy as error:
        _log.error(
            "a stored policy cannot be read: nothing is allowed that depends on it",
            extra={"policy": name, "reason": str(error)},
        )
        return DENY_EVERYONE if kind in _WITH_PRINCIPAL else DENY_EVERYTHING
