import pytest

from crossdock.core.principals import Anonymous
from crossdock.policy.evaluate import AccessRequest, Layer, PolicySet, Verdict, evaluate

REQUEST = AccessRequest(principal=Anonymous(), action="s3:GetObject", resource="*", resource_account="", context={})


def test_a_decision_is_no_truth_value():
    with pytest.raises(TypeError, match="is_allowed"):
        bool(evaluate(REQUEST, PolicySet()))


def test_only_an_allow_is_allowed():
    decision = evaluate(REQUEST, PolicySet())
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert not decision.is_allowed
    assert decision.blocked_by is Layer.RESOURCE
    assert decision.reasons == ()


def test_a_decision_shows_neither_request_nor_policies():
    assert repr(evaluate(REQUEST, PolicySet())) == (
        "Decision(verdict=<Verdict.IMPLICIT_DENY: 'ImplicitlyDenied'>, same_account=False, "
        "withheld_by=(<Layer.RESOURCE: 'resource-based policy'>,))"
    )
