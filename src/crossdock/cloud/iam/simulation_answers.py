"""What a simulation found, as IAM answers it.

Sources: IAM API Reference, EvaluationResult, ResourceSpecificResult, and the samples of SimulatePrincipalPolicy, from
which the names of policy types are (the model's own list of them is not what the service answers).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.iam.context_keys import missing_keys, resource_keys
from crossdock.cloud.iam.simulated_policies import SimulatedPolicies, SourcedPolicy
from crossdock.cloud.iam.statement_spans import Position, Span
from crossdock.policy.document import Effect, Statement
from crossdock.policy.evaluate import AccessRequest, Decision, Layer, PolicySet, Verdict
from crossdock.policy.reasons import ceilings_of, named_in

ALLOWED = "allowed"
IMPLICIT_DENY = "implicitDeny"
EXPLICIT_DENY = "explicitDeny"
_BY_RESTRICTION = (ALLOWED, IMPLICIT_DENY, EXPLICIT_DENY)

_DECISIONS = {
    Verdict.ALLOW: ALLOWED,
    Verdict.EXPLICIT_DENY: EXPLICIT_DENY,
    Verdict.IMPLICIT_DENY: IMPLICIT_DENY,
    Verdict.UNKNOWN: IMPLICIT_DENY,
}

_POLICY_TYPES = {
    Layer.IDENTITY: "IAM Policy",
    Layer.RESOURCE: "Resource Policy",
    Layer.BOUNDARY: "Permissions Boundary Policy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A statement that applies to the request. `span` is None when the policy's text cannot be read."""

    layer: Layer
    source_id: str
    effect: Effect
    span: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one action on one resource. `by_organisation` is None for an account outside any organisation."""

    resource: str
    decision: str
    is_same_account: bool
    has_boundary: bool
    by_organisation: bool | None
    matches: tuple[Match, ...]
    missing: tuple[str, ...]

    @property
    def deciding(self) -> tuple[Match, ...]:
        """ "If any statement denies that operation, … the deny statement is the only entry"; else what allows."""
        if self.decision == EXPLICIT_DENY:
            return tuple(match for match in self.matches if match.effect is Effect.DENY)
        return tuple(
            match for match in self.matches if match.effect is Effect.ALLOW and match.layer is not Layer.BOUNDARY
        )

    def verdict_of(self, layer: Layer) -> str:
        """What the policies of one layer say by themselves."""
        effects = {match.effect for match in self.matches if match.layer is layer}
        return EXPLICIT_DENY if Effect.DENY in effects else ALLOWED if Effect.ALLOW in effects else IMPLICIT_DENY

    @property
    def details(self) -> dict[str, str] | None:
        """Each type's part in a decision across accounts. A denial by the organisation ends the evaluation."""
        if self.is_same_account or self.by_organisation is False:
            return None
        layers = (layer for layer in _POLICY_TYPES if layer is not Layer.BOUNDARY or self.has_boundary)
        return {_POLICY_TYPES[layer]: self.verdict_of(layer) for layer in layers}

    @property
    def by_boundary(self) -> bool | None:
        return self.verdict_of(Layer.BOUNDARY) == ALLOWED if self.has_boundary else None


def outcome_of(decision: Decision, simulated: SimulatedPolicies) -> Outcome:
    """What an answer tells of a decision that was made under these policies."""
    request, policies = decision.request, decision.policies
    concerned = list(_concerned(request, policies, simulated))
    return Outcome(
        resource=request.resource,
        decision=_DECISIONS[decision.verdict],
        is_same_account=request.is_same_account,
        has_boundary=bool(policies.boundary),
        by_organisation=_by_organisation(request, policies),
        matches=tuple(
            match
            for match, statement in concerned
            if statement.applies(request.action.lower(), request.resource, request.context)
        ),
        missing=tuple(missing_keys((statement for _, statement in concerned), request.context)),
    )


def _concerned(
    request: AccessRequest, policies: PolicySet, simulated: SimulatedPolicies
) -> Iterator[tuple[Match, Statement]]:
    """The statements that the request's context decides: all else about them fits, or waits for a variable."""
    action = request.action.lower()
    for layer, sourced in _layered(simulated):
        for statement, span in _placed(sourced):
            if (
                statement.covers_action(action)
                and _may_cover_resource(statement, request)
                and (layer is not Layer.RESOURCE or named_in(statement, request, policies) is not None)
            ):
                yield Match(layer=layer, source_id=sourced.source_id, effect=statement.effect, span=span), statement


def _may_cover_resource(statement: Statement, request: AccessRequest) -> bool:
    return statement.covers_resource(request.resource, request.context) or any(
        key.lower() not in request.context for key in resource_keys(statement)
    )


def _layered(simulated: SimulatedPolicies) -> Iterator[tuple[Layer, SourcedPolicy]]:
    for sourced in simulated.identity:
        yield Layer.IDENTITY, sourced
    for sourced in simulated.boundary:
        yield Layer.BOUNDARY, sourced
    if simulated.resource is not None:
        yield Layer.RESOURCE, simulated.resource


def _placed(sourced: SourcedPolicy) -> Iterator[tuple[Statement, Span | None]]:
    spans: Sequence[Span | None] = sourced.spans or [None] * len(sourced.policy.statements)
    return zip(sourced.policy.statements, spans, strict=True)


def _by_organisation(request: AccessRequest, policies: PolicySet) -> bool | None:
    """Whether each level of the organisation allows and none denies."""
    levels = [level for layer, level in ceilings_of(request, policies) if layer is Layer.SERVICE_CONTROL]
    asked = (request.action.lower(), request.resource, request.context)
    if not levels:
        return None
    return all(
        any(statement.applies(*asked) for named in level for statement in named.policy.allows)
        and not any(statement.applies(*asked) for named in level for statement in named.policy.denies)
        for level in levels
    )


def evaluation_result(action: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """One EvaluationResult: the action on all resources together, then on each, but for a lone `*`."""
    decision = _most_restrictive(outcome.decision for outcome in outcomes)
    names_resources = [outcome.resource for outcome in outcomes] != ["*"]
    found: dict[str, Any] = {
        "EvalActionName": action,
        # Templates of ARNs (`arn:${Partition}:s3:::${BucketName}`) need a list of all actions of AWS.
        "EvalResourceName": outcomes[0].resource if len(outcomes) == 1 else "*",
        "EvalDecision": decision,
        "MatchedStatements": _statements(
            match
            for outcome in outcomes
            if decision != IMPLICIT_DENY and outcome.decision == decision
            for match in outcome.deciding
        ),
        "MissingContextValues": list(dict.fromkeys(key for outcome in outcomes for key in outcome.missing)),
        **_boundary_detail([outcome.by_boundary for outcome in outcomes]),
    }
    by_organisation = [outcome.by_organisation for outcome in outcomes]
    if None not in by_organisation:
        found["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": all(by_organisation)}
    details = [outcome.details for outcome in outcomes if outcome.details is not None]
    if details or (names_resources and False not in by_organisation):
        found["EvalDecisionDetails"] = _combined(details)
    if names_resources:
        found["ResourceSpecificResults"] = [_resource_result(outcome) for outcome in outcomes]
    return found


def _resource_result(outcome: Outcome) -> dict[str, Any]:
    details = outcome.details
    return {
        "EvalResourceName": outcome.resource,
        "EvalResourceDecision": outcome.decision,
        "MatchedStatements": _statements(outcome.deciding),
        "MissingContextValues": list(outcome.missing),
        **({} if details is None else {"EvalDecisionDetails": details}),
        **_boundary_detail([outcome.by_boundary]),
    }


def _boundary_detail(by_boundary: Sequence[bool | None]) -> dict[str, Any]:
    if None in by_boundary:
        return {}
    return {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": all(by_boundary)}}


def _combined(details: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The most restrictive decision of each policy type."""
    found: dict[str, str] = {}
    for one in details:
        for policy_type, decision in one.items():
            found[policy_type] = _most_restrictive((decision, found.get(policy_type, ALLOWED)))
    return found


def _most_restrictive(decisions: Iterable[str]) -> str:
    return max(decisions, key=_BY_RESTRICTION.index)


def _statements(matches: Iterable[Match]) -> list[dict[str, Any]]:
    """Each statement once, however many resources it decides."""
    return [
        {
            "SourcePolicyId": match.source_id,
            "SourcePolicyType": _POLICY_TYPES[Layer.RESOURCE if match.layer is Layer.RESOURCE else Layer.IDENTITY],
            **({} if match.span is None else _placed_at(match.span)),
        }
        for match in dict.fromkeys(matches)
    ]


def _placed_at(span: Span) -> dict[str, Any]:
    return {"StartPosition": _position(span.start), "EndPosition": _position(span.end)}


def _position(position: Position) -> dict[str, int]:
    return {"Line": position.line, "Column": position.column}
