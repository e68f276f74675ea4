import pytest

from crossdock.core.principals import Anonymous, IamUser
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, Layer, NamedPolicy, PolicySet, Verdict, evaluate

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


ALICE = IamUser(account_id="111111111111", user_name="alice", user_id="AIDAEXAMPLE")


def ask(account: str, policies: PolicySet):
    request = AccessRequest(
        principal=ALICE, action="s3:GetObject", resource="arn:aws:s3:::b/k", resource_account=account, context={}
    )
    return evaluate(request, policies)


def test_every_layer_that_withholds_has_a_sentence_of_its_own():
    sentences = ask("222222222222", PolicySet()).sentences()
    assert sentences == (
        "no identity-based policy of user alice allows s3:GetObject on arn:aws:s3:::b/k",
        "there is no bucket policy of b (account 222222222222), which alone could allow s3:GetObject on "
        "arn:aws:s3:::b/k to user alice",
    )


def test_what_is_decided_by_one_statement_is_one_sentence():
    deny = {"Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [deny]}
    policies = PolicySet(identity=(NamedPolicy(name="p", policy=parse_policy(document, PolicyKind.IDENTITY)),))
    decision = ask("111111111111", policies)
    assert decision.sentences() == (decision.explain(),)
