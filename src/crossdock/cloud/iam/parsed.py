"""Stored policy texts made ready for a decision."""

import logging

from crossdock.cloud.iam.documents import MAX_DOCUMENT_CHARS
from crossdock.policy.document import MalformedPolicy, Policy, PolicyKind, parse_policy
from crossdock.policy.evaluate import NamedPolicy

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


def named_policy(name: str, text: str, kind: PolicyKind) -> NamedPolicy:
    """Parse a policy that was accepted when it was stored.

    One that cannot be read all the same becomes a policy that denies everything: a policy that is left out might have
    held the Deny that matters.
    """
    return NamedPolicy(name=name, policy=_parse_or_deny(name, text, kind))


def _parse_or_deny(name: str, text: str, kind: PolicyKind) -> Policy:
    try:
        # Quotas are for who stores a policy; AWS's own managed policies are longer than what an account may make.
        return parse_policy(text, kind, max_chars=MAX_DOCUMENT_CHARS)
    except MalformedPolicy as error:
        _log.error("a stored policy cannot be read and denies everything", extra={"policy": name, "reason": str(error)})
        return DENY_EVERYONE if kind in _WITH_PRINCIPAL else DENY_EVERYTHING
