"""Condition keys that nobody knows: what hangs on them is UNKNOWN, and what does not is decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.arns import parse_arn
from crossdock.core.principals import AssumedRole
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, Layer, NamedPolicy, PolicySet, PublicAccessBlock, Verdict, evaluate
from crossdock.policy.unsure import UnknownKey, without_knowing

HUB, PARTNER = "111111111111", "222222222222"
ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
FROM_OFFICE = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
UNKNOWN = (
    UnknownKey(key="aws:sourceip", why="only the gateway knows", remedy="give --context {key}=VALUE"),
    UnknownKey(key="aws:principaltag/", why="the role has not told"),
)


def named(*statements: dict[str, object], kind: PolicyKind = PolicyKind.IDENTITY, name: str = "one") -> NamedPolicy:
    return NamedPolicy(name=name, policy=parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind))


def request(owner: str = HUB, **context: str) -> AccessRequest:
    return AccessRequest(
        principal=AssumedRole(
            role_arn=parse_arn(f"arn:aws:iam::{HUB}:role/files"), role_id="AROAEXAMPLE0000001", session_name="x"
        ),
        action="s3:PutObject",
        resource="arn:aws:s3:::box/a",
        resource_account=owner,
        context={key.replace("_", ":"): (value,) for key, value in context.items()},
    )


def decide(policies: PolicySet, owner: str = HUB, **context: str):
    return without_knowing(evaluate(request(owner, **context), policies), UNKNOWN)


def test_an_allow_that_asks_for_the_key_leaves_it_open() -> None:
    found = decide(PolicySet(identity=(named({**ALLOW, "Condition": FROM_OFFICE}),)))
    assert (found.verdict, found.policies.unreadable) == (Verdict.UNKNOWN, {Layer.IDENTITY})
    (unread,) = found.policies.unread
    assert unread.why == "statement 1 of one asks for aws:SourceIp, which only the gateway knows"
    assert unread.remedy == "give --context aws:SourceIp=VALUE"
    assert found.explain().endswith("also depends on what could not be read (identity-based policy)")


def test_a_deny_that_asks_for_the_key_leaves_it_open_though_the_absent_key_would_deny() -> None:
    outside = {"Sid": "Office", "Effect": "Deny", "Action": "*", "Resource": "*"}
    outside["Condition"] = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    policies = PolicySet(identity=(named(ALLOW, outside),))
    assert evaluate(request(), policies).verdict is Verdict.EXPLICIT_DENY
    found = decide(policies)
    assert found.verdict is Verdict.UNKNOWN
    assert "statement Office of one" in found.policies.unread[0].why


def test_a_key_that_is_told_decides() -> None:
    policies = PolicySet(identity=(named({**ALLOW, "Condition": FROM_OFFICE}),))
    assert decide(policies, aws_SourceIp="192.0.2.7").verdict is Verdict.ALLOW
    assert decide(policies, aws_SourceIp="198.51.100.7").verdict is Verdict.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([ALLOW, {**ALLOW, "Condition": FROM_OFFICE}], Verdict.ALLOW),
        ([{**ALLOW, "Action": "s3:Get*", "Condition": FROM_OFFICE}], Verdict.IMPLICIT_DENY),
        ([{**ALLOW, "Resource": "arn:aws:s3:::other/*", "Condition": FROM_OFFICE}], Verdict.IMPLICIT_DENY),
        ([{**ALLOW, "Condition": {**FROM_OFFICE, "Bool": {"aws:SecureTransport": "true"}}}], Verdict.IMPLICIT_DENY),
        ([{**ALLOW, "Effect": "Deny"}, {**ALLOW, "Condition": FROM_OFFICE}], Verdict.EXPLICIT_DENY),
    ],
    ids=["allowed besides", "another action", "another resource", "another condition fails", "denied besides"],
)
def test_where_the_key_does_not_matter_the_decision_stands(statements, verdict) -> None:
    assert decide(PolicySet(identity=(named(*statements),))).verdict is verdict


def test_a_statement_that_names_somebody_else_is_no_matter() -> None:
    other = {**ALLOW, "Principal": {"AWS": PARTNER}, "Resource": "arn:aws:s3:::box/*", "Condition": FROM_OFFICE}
    policies = PolicySet(identity=(named(ALLOW),), resource=named(other, kind=PolicyKind.RESOURCE))
    assert decide(policies, owner=PARTNER).verdict is Verdict.IMPLICIT_DENY
    ours = {**other, "Principal": {"AWS": HUB}}
    policies = PolicySet(identity=(named(ALLOW),), resource=named(ours, kind=PolicyKind.RESOURCE))
    assert decide(policies, owner=PARTNER).verdict is Verdict.UNKNOWN


def test_a_policy_does_not_become_public_by_what_is_not_known_of_it() -> None:
    statement = {**ALLOW, "Principal": "*", "Resource": "arn:aws:s3:::box/*", "Condition": FROM_OFFICE}
    policies = PolicySet(
        identity=(named(ALLOW),),
        resource=named(statement, kind=PolicyKind.RESOURCE),
        public_access=PublicAccessBlock(restrict_public_buckets=True),
    )
    found = decide(policies, owner=PARTNER)
    assert (found.verdict, found.withheld_by) == (Verdict.UNKNOWN, ())


@pytest.mark.parametrize("place", ["resource", "condition"])
def test_a_variable_that_nobody_knows_leaves_it_open(place) -> None:
    team = "${aws:PrincipalTag/team}"
    statement = {**ALLOW, "Resource": f"arn:aws:s3:::box/{team}/*"}
    if place == "condition":
        statement = {**ALLOW, "Condition": {"StringEquals": {"s3:prefix": team}}}
    policies = PolicySet(identity=(named(statement),))
    found = decide(policies, s3_prefix="blue")
    assert found.verdict is Verdict.UNKNOWN
    (unread,) = found.policies.unread
    assert unread.why.endswith("aws:PrincipalTag/team, which the role has not told")
    deny = PolicySet(identity=(named(ALLOW, {**statement, "Effect": "Deny"}),))
    assert decide(deny, s3_prefix="blue").verdict is Verdict.UNKNOWN


EFFECTS = st.sampled_from(["Allow", "Deny"])
CONDITIONS = st.sampled_from(
    [
        {},
        FROM_OFFICE,
        {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"IpAddressIfExists": {"aws:SourceIp": "192.0.2.0/24"}},
        {"Null": {"aws:SourceIp": "true"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ]
)
STATEMENTS = st.lists(st.tuples(EFFECTS, CONDITIONS), min_size=1, max_size=4)


@given(statements=STATEMENTS, address=st.sampled_from(["", "192.0.2.7", "198.51.100.7"]))
def test_what_is_decided_without_the_key_is_decided_alike_with_any_value(statements, address) -> None:
    written = [
        {**ALLOW, "Effect": effect, **({"Condition": condition} if condition else {})}
        for effect, condition in statements
    ]
    policies = PolicySet(identity=(named(*written),))
    unsure = decide(policies)
    sure = evaluate(request(**({"aws_SourceIp": address} if address else {})), policies)
    assert unsure.verdict is Verdict.UNKNOWN or unsure.is_allowed == sure.is_allowed


def test_a_deny_that_may_not_apply_is_not_told_as_what_denies() -> None:
    office = {"Sid": "Office", "Effect": "Deny", "Action": "*", "Resource": "*"}
    office["Condition"] = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    certain = {"Sid": "Frozen", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    found = decide(PolicySet(identity=(named(ALLOW, office, certain),)))
    assert found.explain().startswith("denied explicitly by statement Frozen of")
    nothing = decide(PolicySet(identity=(named(office),)))
    assert nothing.explain().startswith("no identity-based policy of role files allows s3:PutObject")
