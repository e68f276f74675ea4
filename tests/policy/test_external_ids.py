"""Trust that hangs on an ExternalId which was not sent, or on another than was."""

from typing import Any

import pytest
from tests.policy.test_fixes import HUB, case, read

from crossdock.policy.external_ids import statement_with_external_id
from crossdock.policy.fixes import AddStatement, InWords, find_fixes

STS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
ASKS = {"StringEquals": {"sts:ExternalId": ["other", "dock-7f3a"]}}


def denied(condition: Any, context: Any = (), *, effect: str = "Allow", principal: str = HUB):
    statement = {"Effect": effect, "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", "Condition": condition}
    request = {**case()["request"], "action": "sts:AssumeRole", "resource": f"arn:aws:iam::{HUB}:role/deploy"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return read(
        case(
            request={**request, "resourceAccount": HUB, "context": dict(context)},
            identityPolicies=[STS],
            resourcePolicy=trust,
        )
    ).decide()


def test_whoever_sent_none_is_told_to_send_it_and_no_statement_without_one_is_advised() -> None:
    decision = denied(ASKS)
    assert statement_with_external_id(decision) == "1"
    (fix,) = find_fixes(decision)
    assert isinstance(fix.change, InWords)
    assert "send the ExternalId that statement 1 of the trust policy of role deploy asks for" in fix.sentence
    assert fix.sentence.endswith(": none was sent")
    assert "dock-7f3a" not in fix.sentence


def test_whoever_sent_another_is_told_so_and_no_statement_for_that_one_is_advised() -> None:
    decision = denied(ASKS, {"sts:ExternalId": "wrong"})
    assert statement_with_external_id(decision) == "1"
    (fix,) = find_fixes(decision)
    assert isinstance(fix.change, InWords)
    assert "send the ExternalId that statement 1 of the trust policy of role deploy asks for" in fix.sentence
    assert fix.sentence.endswith(": another was sent; or have the statement ask for that one")
    assert "dock-7f3a" not in fix.sentence


@pytest.mark.parametrize(
    "decision",
    [
        denied({**ASKS, "Bool": {"aws:MultiFactorAuthPresent": "true"}}, {"sts:ExternalId": "wrong"}),
        denied({**ASKS, "Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        denied({"StringEquals": {"aws:SourceAccount": HUB}}),
        denied(ASKS, effect="Deny"),
        denied(ASKS, principal="999999999999"),
    ],
    ids=["another and a further condition", "a further condition", "no ExternalId", "a Deny", "somebody else"],
)
def test_where_it_alone_does_not_help_a_statement_is_advised(decision) -> None:
    assert statement_with_external_id(decision) == ""
    assert any(isinstance(fix.change, AddStatement) for fix in find_fixes(decision))
