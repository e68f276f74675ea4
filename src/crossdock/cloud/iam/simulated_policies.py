"""The policies of a simulation: those that were sent, and those that bind a user or role, with their texts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from crossdock.cloud.iam.documents import MAX_DOCUMENT_CHARS, check_document
from crossdock.cloud.iam.errors import invalid_input
from crossdock.cloud.iam.library import AWS_OWNED, PolicyLibrary
from crossdock.cloud.iam.parsed import DENY_EVERYTHING, named_policy
from crossdock.cloud.iam.records import RoleRecord, UserRecord
from crossdock.cloud.iam.statement_spans import Span, statement_spans
from crossdock.core.arns import parse_arn
from crossdock.core.errors import ServiceError
from crossdock.policy.document import Policy, PolicyKind
from crossdock.policy.evaluate import NamedPolicy, PolicySet
from crossdock.ports.state import Transaction


class Attachment(StrEnum):
    """How a policy came into the simulation; the values are those of PolicyIdentifierPolicyType, but for SENT."""

    SENT = "sent"
    INLINE = "inline"
    AWS_MANAGED = "aws-managed"
    USER_MANAGED = "user-managed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedPolicy:
    """A policy as a simulation names it, with where its statements stand.

    Args:
        source_id: `PolicyInputList.1`, a managed policy's name, `role_ROLE_POLICY` for one that is embedded.
        name: an embedded policy's own name, or a managed policy's ARN.
        spans: one for each statement; none when the stored text cannot be read.

    Source: IAM API Reference, the samples of SimulatePrincipalPolicy.
    """

    source_id: str
    policy: Policy
    attachment: Attachment = Attachment.SENT
    name: str = ""
    spans: tuple[Span, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPolicies:
    """What a simulation is decided under; the members are those of `PolicySet`."""

    identity: tuple[SourcedPolicy, ...] = ()
    boundary: tuple[SourcedPolicy, ...] = ()
    resource: SourcedPolicy | None = None
    service_control: tuple[tuple[NamedPolicy, ...], ...] = ()

    def policy_set(self) -> PolicySet:
        return PolicySet(
            identity=tuple(map(_named, self.identity)),
            boundary=tuple(map(_named, self.boundary)),
            resource=None if self.resource is None else _named(self.resource),
            service_control=self.service_control,
        )


def _named(sourced: SourcedPolicy) -> NamedPolicy:
    return NamedPolicy(name=sourced.source_id, policy=sourced.policy)


def read_sent(text: str, kind: PolicyKind, source_id: str) -> SourcedPolicy:
    """A document of the request. Raises ServiceError, InvalidInput, with the reason for one that IAM would not take."""
    try:
        policy = check_document(text, kind, max_chars=MAX_DOCUMENT_CHARS)
    except ServiceError as error:
        raise invalid_input(f"{source_id}: {error.message}") from error
    return SourcedPolicy(source_id=source_id, policy=policy, spans=statement_spans(text))


def read_sent_list(texts: Iterable[str], kind: PolicyKind, member: str) -> tuple[SourcedPolicy, ...]:
    return tuple(read_sent(text, kind, f"{member}.{number}") for number, text in enumerate(texts, start=1))


def read_sent_boundary(texts: Sequence[str]) -> tuple[SourcedPolicy, ...]:
    """ "You can input only one permissions boundary when you pass a policy to this operation." """
    if len(texts) > 1:
        raise invalid_input("PermissionsBoundaryPolicyInputList takes one permissions boundary at most.")
    return read_sent_list(texts, PolicyKind.BOUNDARY, "PermissionsBoundaryPolicyInputList")


async def attached_policies(
    tx: Transaction, library: PolicyLibrary, entity: RoleRecord | UserRecord
) -> tuple[SourcedPolicy, ...]:
    """The identity policies of a role or user, as `PrincipalDirectory` has them. Users have none embedded."""
    managed = [await _managed(tx, library, entity.account_id, arn) for arn in entity.attached]
    if isinstance(entity, UserRecord):
        return tuple(managed)
    embedded = (
        _stored(f"role_{entity.name}_{name}", name, text, PolicyKind.IDENTITY, Attachment.INLINE)
        for name, text in entity.inline.items()
    )
    return (*embedded, *managed)


async def attached_boundary(
    tx: Transaction, library: PolicyLibrary, entity: RoleRecord | UserRecord
) -> tuple[SourcedPolicy, ...]:
    """The permissions boundary of a role; none when it has none. Users have none."""
    if isinstance(entity, UserRecord) or not entity.boundary:
        return ()
    return (await _managed(tx, library, entity.account_id, entity.boundary),)


async def _managed(tx: Transaction, library: PolicyLibrary, account_id: str, policy_arn: str) -> SourcedPolicy:
    text = await library.document(tx, account_id, policy_arn)
    arn = parse_arn(policy_arn)
    attachment = Attachment.AWS_MANAGED if arn.account_id == AWS_OWNED else Attachment.USER_MANAGED
    return _stored(arn.resource.rpartition("/")[2], policy_arn, text or "", PolicyKind.MANAGED, attachment)


def _stored(source_id: str, name: str, text: str, kind: PolicyKind, attachment: Attachment) -> SourcedPolicy:
    policy = named_policy(name, text, kind).policy
    spans = () if policy is DENY_EVERYTHING else statement_spans(text)
    return SourcedPolicy(source_id=source_id, policy=policy, attachment=attachment, name=name, spans=spans)
