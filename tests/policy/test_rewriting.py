"""Statements that are changed where they stand, in every layer, and the decision taken again."""

from dataclasses import replace

from crossdock.core.arns import parse_arn
from crossdock.core.principals import AssumedRole, ServicePrincipal
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, Layer, NamedPolicy, PolicySet, Verdict, evaluate, evaluate_trust
from crossdock.policy.rewriting import decide_again, rewritten
from crossdock.policy.statements import Statement

HUB = "111111111111"
ROLE = "arn:aws:iam::111111111111:role/files"
TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(kind: PolicyKind, statement: dict[str, object]) -> NamedPolicy:
    return NamedPolicy(name="one", policy=parse_policy({"Version": "2012-10-17", "Statement": [statement]}, kind))


def test_every_layer_is_rewritten() -> None:
    allow = policy(PolicyKind.IDENTITY, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    everyone = policy(
        PolicyKind.RESOURCE, {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::box/*"}
    )
    seen: list[Layer] = []

    def change(layer: Layer, statement: Statement) -> Statement:
        seen.append(layer)
        return replace(statement, sid=layer.name)

    policies = PolicySet(
        identity=(allow,),
        boundary=(allow,),
        session=(allow,),
        resource=everyone,
        service_control=((allow,),),
        resource_control=((everyone,),),
        endpoint=(everyone,),
    )
    request = AccessRequest(
        principal=AssumedRole(role_arn=parse_arn(ROLE), role_id="AROA", session_name="x"),
        action="s3:PutObject",
        resource="arn:aws:s3:::box/a",
        resource_account=HUB,
        context={},
    )
    decision = decide_again(evaluate(request, policies), rewritten(policies, change))
    assert set(seen) == set(Layer) - {Layer.PUBLIC_ACCESS}
    assert decision.is_allowed
    assert all(reason.sid == reason.layer.name for reason in decision.reasons)


def test_a_trust_policy_must_still_allow() -> None:
    request = AccessRequest(
        principal=ServicePrincipal(name="transfer.amazonaws.com"),
        action="sts:AssumeRole",
        resource=ROLE,
        resource_account=HUB,
        context={},
    )
    trust = policy(PolicyKind.TRUST, TRUST)
    decision = evaluate_trust(request, trust, PolicySet())
    assert decision.is_allowed
    assert decide_again(decision, decision.policies).is_allowed
    silent = rewritten(decision.policies, lambda _layer, statement: replace(statement, actions=("sts:TagSession",)))
    assert decide_again(decision, silent).verdict is Verdict.IMPLICIT_DENY
