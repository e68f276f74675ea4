"""What S3 calls public; the cases of `cases/public-access.json` say what follows for a request."""

import pytest

from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import PublicAccessBlock
from crossdock.policy.public_access import is_public, must_refuse, public_statements
from crossdock.policy.statements import Effect, Policy, Statement

A = "111111111111"
VPC = {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}


def policy(*statements: dict[str, object]) -> Policy:
    return parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, PolicyKind.RESOURCE)


def allow(principal: object = "*", **members: object) -> dict[str, object]:
    return {"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*", **members}


def test_the_statements_that_make_a_policy_public_are_counted_from_one():
    mixed = policy(allow({"AWS": A}), allow(Effect="Deny"), allow(Sid="All"), allow(Condition=VPC), allow())
    assert [(number, one.sid) for number, one in public_statements(mixed)] == [(3, "All"), (5, "")]
    assert is_public(mixed)
    assert public_statements(policy(allow(Effect="Deny"))) == ()


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": A},
        {"AWS": f"arn:aws:iam::{A}:role/r"},
        {"AWS": "AROAEXAMPLEROLEID0001"},
        {"Service": "cloudtrail.amazonaws.com"},
        {"AWS": [A, "222222222222"], "Service": "cloudtrail.amazonaws.com"},
    ],
)
def test_principals_that_are_named_are_fixed(principal: object):
    assert not is_public(policy(allow(principal)))


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [A, "*"]}, {"Federated": "graph.facebook.com"}])
def test_others_are_not_unless_a_condition_fixes_them(principal: object):
    assert is_public(policy(allow(principal)))
    assert not is_public(policy(allow(principal, Condition=VPC)))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"ForAnyValue:StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"StringEqualsIgnoreCase": {"AWS:SOURCEVPC": "vpc-1"}}, False),
        ({"StringEquals": {"aws:SourceArn": f"arn:aws:sns:us-east-1:{A}:t"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-1:{A}:*"}}, True),
        ({"StringEquals": {"aws:SourceAccount": A}}, False),
        ({"StringEquals": {"aws:SourceOwner": A}}, False),
        ({"StringEquals": {"aws:SourceAccount": ""}}, True),
        ({"StringLike": {"aws:SourceAccount": "11111111111?"}}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.7"}}, False),
        ({"StringLike": {"aws:SourceIp": "192.0.2.7"}}, True),
        ({"IpAddressIfExists": {"aws:SourceIp": "192.0.2.7"}}, True),
        ({"StringEquals": {"s3:DataAccessPointArn": f"arn:aws:s3:us-west-2:{A}:accesspoint/one"}}, False),
        ({"ArnLike": {"s3:DataAccessPointArn": f"arn:aws:s3:*:{A}:accesspoint/*"}}, True),
        ({"StringLike": {"s3:DataAccessPointArn": "*"}}, True),
        ({"StringEquals": {"aws:Referer": "https://example.com"}}, True),
    ],
)
def test_a_condition_fixes_by_a_positive_operator_and_whole_values(condition: dict[str, object], expected: bool):
    assert is_public(policy(allow(Condition=condition))) is expected


def test_an_allow_that_names_nobody_is_public():
    """`parse_policy` refuses it; were one made in another way, it would not pass for narrow."""
    nobody = Statement(effect=Effect.ALLOW, actions=("s3:*",), resources=("*",))
    assert is_public(Policy(version="2012-10-17", statements=(nobody,)))


@pytest.mark.parametrize(
    ("block", "public", "narrow"),
    [
        (None, False, False),
        (PublicAccessBlock(), False, False),
        (PublicAccessBlock(restrict_public_buckets=True, block_public_acls=True), False, False),
        (PublicAccessBlock(block_public_policy=True), True, False),
    ],
)
def test_a_public_policy_is_refused_where_the_settings_say_so(block, public: bool, narrow: bool):
    assert must_refuse(policy(allow()), block) is public
    assert must_refuse(policy(allow({"AWS": A})), block) is narrow
