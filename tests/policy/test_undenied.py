"""What would be decided without any Deny, of policies whose statements stay where they are."""

from crossdock.core.principals import IamUser
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, Layer, NamedPolicy, PolicySet, Verdict, evaluate
from crossdock.policy.undenied import applying_denies, undenied

HUB = "111111111111"
ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
DENY = {"Sid": "No", "Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"}
REQUEST = AccessRequest(
    principal=IamUser(account_id=HUB, user_name="alice", user_id="AIDA"),
    action="s3:PutObject",
    resource="arn:aws:s3:::inbox/a",
    resource_account=HUB,
    context={},
)


def policy(*statements: dict[str, object], name: str = "one") -> NamedPolicy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return NamedPolicy(name=name, policy=parse_policy(document, PolicyKind.IDENTITY))


def test_without_its_denies_a_request_is_allowed_by_what_is_left() -> None:
    decision = evaluate(REQUEST, PolicySet(identity=(policy(DENY, ALLOW),), boundary=(policy(DENY, ALLOW),)))
    assert decision.verdict is Verdict.EXPLICIT_DENY
    found = undenied(decision)
    assert found.is_allowed
    assert [(one.number, one.sid, one.applies) for one in found.reasons if one.layer is Layer.IDENTITY] == [
        (1, "No", False),
        (2, "", True),
    ]


def test_what_nothing_allows_is_denied_still() -> None:
    found = undenied(evaluate(REQUEST, PolicySet(identity=(policy(DENY),))))
    assert (found.verdict, found.withheld_by) == (Verdict.IMPLICIT_DENY, (Layer.IDENTITY,))


def test_what_cannot_be_read_stays_unknown() -> None:
    policies = PolicySet(identity=(policy(DENY, ALLOW),), unreadable=frozenset({Layer.SERVICE_CONTROL}))
    assert undenied(evaluate(REQUEST, policies)).verdict is Verdict.UNKNOWN


def test_only_statements_that_deny_this_request_are_named() -> None:
    other = {**DENY, "Sid": "", "NotAction": "s3:Put*"}
    decision = evaluate(
        REQUEST, PolicySet(identity=(policy(DENY, other, {**DENY, "Sid": "Nor"}), policy(DENY, name="two")))
    )
    assert [(one.policy, one.number) for one in applying_denies(decision)] == [("one", 3), ("one", 1), ("two", 1)]
