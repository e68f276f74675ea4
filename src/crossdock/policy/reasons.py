"""Why, statement by statement: the second, explaining pass over the same policies."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from crossdock.core.principals import AccountRoot, AssumedRole, FederatedUser, IamUser
from crossdock.policy.conditions import Condition
from crossdock.policy.principals import NamedAs
from crossdock.policy.requests import AccessRequest, Layer, NamedPolicy, PolicySet
from crossdock.policy.statements import Effect, Statement


class MismatchKind(StrEnum):
    """The part of a statement that does not fit the request."""

    ACTION = "action"
    RESOURCE = "resource"
    PRINCIPAL = "principal"
    CONDITION = "condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """What a statement asks for and what the request has; of a Deny that applies, a condition that the request meets.

    `element` is the element's name (`Action`, `NotResource`, …) or the condition's operator; `key` is a condition's.
    `actual` is empty when the request lacks the key.
    """

    kind: MismatchKind
    element: str
    expected: tuple[str, ...]
    actual: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One statement and whether it applied; `number` counts from 1 within its policy.

    `named_as` is how a policy that names principals names who asks. `met` are the conditions of a Deny that applies,
    with what the request has.
    """

    layer: Layer
    policy: str
    number: int
    sid: str
    effect: Effect
    mismatches: tuple[Mismatch, ...]
    named_as: NamedAs | None = None
    met: tuple[Mismatch, ...] = ()

    @property
    def applies(self) -> bool:
        return not self.mismatches

    @property
    def statement(self) -> str:
        """How a sentence names it: the Sid, else the number."""
        return self.sid or str(self.number)


def layers_of(request: AccessRequest, policies: PolicySet) -> Iterator[tuple[Layer, tuple[NamedPolicy, ...]]]:
    """The policies that bear on this kind of principal, in the order of evaluation.

    The account's root user has no identity policies. A service and an anonymous request have nothing but the resource's
    policy and what limits everybody.
    """
    if policies.resource_control or policies.service_control or policies.endpoint:
        yield from ceilings_of(request, policies)
    if isinstance(request.principal, AssumedRole | IamUser | FederatedUser):
        yield Layer.IDENTITY, policies.identity
        yield Layer.BOUNDARY, policies.boundary
        yield Layer.SESSION, policies.session
    if policies.resource is not None and not _is_locked_out(request):
        yield Layer.RESOURCE, (policies.resource,)


def ceilings_of(request: AccessRequest, policies: PolicySet) -> Iterator[tuple[Layer, tuple[NamedPolicy, ...]]]:
    """What has to allow and never grants, one after another: each level of both organisations, and the VPC endpoint.

    Sources: Organizations User Guide, "Resource control policies (RCPs)" and "Service control policies (SCPs)": neither
    kind binds a service-linked role; VPC User Guide, "Control access to VPC endpoints using endpoint policies".
    """
    if not is_service_linked(request):
        if not is_beyond_resource_control(request):
            for level in policies.resource_control:
                yield Layer.RESOURCE_CONTROL, level
        if isinstance(request.principal, AssumedRole | IamUser | FederatedUser | AccountRoot):
            for level in policies.service_control:
                yield Layer.SERVICE_CONTROL, level
    if policies.endpoint:
        yield Layer.ENDPOINT, policies.endpoint


_SERVICE_LINKED = "role/aws-service-role/"


def is_service_linked(request: AccessRequest) -> bool:
    """Whether a service-linked role asks."""
    principal = request.principal
    return isinstance(principal, AssumedRole) and principal.role_arn.resource.startswith(_SERVICE_LINKED)


def is_beyond_resource_control(request: AccessRequest) -> bool:
    """What no resource control policy restricts, whoever asks.

    Source: Organizations User Guide, "Resources and entities not restricted by RCPs": retiring a grant, and how a
    service assumes its service-linked role.
    """
    action = request.action.lower()
    return action == "kms:retiregrant" or (action.startswith("sts:") and f":{_SERVICE_LINKED}" in request.resource)


_BUCKET_POLICY_ACTIONS = ("s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy")


def _is_locked_out(request: AccessRequest) -> bool:
    """Whether this is the root user mending a bucket policy of its account, which that policy cannot deny.

    Source: S3 API Reference, PutBucketPolicy: the root principal can perform GetBucketPolicy, PutBucketPolicy and
    DeleteBucketPolicy "even if their bucket policy explicitly denies the root principal's access".
    """
    return (
        isinstance(request.principal, AccountRoot)
        and request.is_same_account
        and request.action.lower() in _BUCKET_POLICY_ACTIONS
    )


def find_reasons(request: AccessRequest, policies: PolicySet) -> tuple[Reason, ...]:
    """Every statement of every policy that bears on the request."""
    return tuple(
        _reason(layer, policy.name, number, statement, request, policies)
        for layer, listed in layers_of(request, policies)
        for policy in listed
        for number, statement in enumerate(policy.policy.statements, start=1)
    )


def _reason(
    layer: Layer, policy: str, number: int, statement: Statement, request: AccessRequest, policies: PolicySet
) -> Reason:
    mismatches: list[Mismatch] = []
    named_as = None
    if layer in NAMING:
        named_as = named_in(statement, request, policies, layer)
        if named_as is None:
            mismatches.append(
                _mismatch(
                    MismatchKind.PRINCIPAL,
                    tuple(map(str, statement.principals)),
                    tuple(map(str, statement.not_principals)),
                    request.principal.arn,
                )
            )
    if not statement.covers_action(request.action.lower()):
        mismatches.append(_mismatch(MismatchKind.ACTION, statement.actions, statement.not_actions, request.action))
    if not statement.covers_resource(request.resource, request.context):
        mismatches.append(
            _mismatch(MismatchKind.RESOURCE, statement.resources, statement.not_resources, request.resource)
        )
    mismatches += (_compared(condition, request) for condition in statement.fails_on(request.context))
    is_denying = statement.effect is Effect.DENY and not mismatches
    return Reason(
        layer=layer,
        policy=policy,
        number=number,
        sid=statement.sid,
        effect=statement.effect,
        mismatches=tuple(mismatches),
        named_as=named_as,
        met=tuple(_compared(condition, request) for condition in statement.conditions) if is_denying else (),
    )


def _compared(condition: Condition, request: AccessRequest) -> Mismatch:
    return Mismatch(
        kind=MismatchKind.CONDITION,
        element=condition.operator,
        key=condition.key,
        expected=condition.values,
        actual=request.context.get(condition.key.lower(), ()),
    )


def _mismatch(kind: MismatchKind, named: tuple[str, ...], excepted: tuple[str, ...], actual: str) -> Mismatch:
    element = kind.value.capitalize()
    return Mismatch(
        kind=kind, element=element if named else f"Not{element}", expected=named or excepted, actual=(actual,)
    )


NAMING = frozenset({Layer.RESOURCE_CONTROL, Layer.ENDPOINT, Layer.RESOURCE})
"""The layers whose policies have a Principal element."""


def named_in(
    statement: Statement, request: AccessRequest, policies: PolicySet, layer: Layer = Layer.RESOURCE
) -> NamedAs | None:
    """How a statement of one of the layers of NAMING names who asks."""
    if (
        statement.not_principals
        and policies.boundary
        and isinstance(request.principal, AssumedRole | IamUser | FederatedUser)
    ):
        # "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
        # boundary policy attached, regardless of the values specified in the NotPrincipal element."
        return NamedAs.DIRECT
    found = statement.names(request.principal)
    if layer is Layer.ENDPOINT and found is NamedAs.ACCOUNT and statement.effect is Effect.ALLOW:
        # "Principals for gateway endpoints": an account's id gives access to the root user only.
        return None
    return found
