import pytest

from crossdock.core.principals import Anonymous, ServicePrincipal
from crossdock.policy.conditions import Condition
from crossdock.policy.principals import NamedAs, PolicyPrincipal, PrincipalType
from crossdock.policy.statements import Effect, Policy, Statement

WHEN = Condition(operator="StringEquals", key="aws:a", values=("1",), is_deny=False)
LATER = Condition(operator="StringEquals", key="aws:b", values=("2",), is_deny=False)


def test_a_statement_applies_when_action_resource_and_every_condition_fit():
    statement = Statement(
        effect=Effect.ALLOW, actions=("s3:Get*",), resources=("arn:aws:s3:::b/*",), conditions=(WHEN, LATER)
    )
    context = {"aws:a": ("1",), "aws:b": ("2",)}
    assert statement.applies("s3:getobject", "arn:aws:s3:::b/k", context)
    assert not statement.applies("s3:putobject", "arn:aws:s3:::b/k", context)
    assert not statement.applies("s3:getobject", "arn:aws:s3:::c/k", context)
    assert not statement.applies("s3:getobject", "arn:aws:s3:::b/k", {"aws:a": ("1",)})
    assert [one.key for one in statement.fails_on({"aws:a": ("1",)})] == ["aws:b"]


def test_exceptions_turn_the_answer_round():
    statement = Statement(effect=Effect.DENY, not_actions=("s3:*",), not_resources=("arn:aws:s3:::b",))
    assert statement.covers_action("ec2:runinstances")
    assert not statement.covers_action("s3:getobject")
    assert statement.covers_resource("arn:aws:s3:::c", {})
    assert not statement.covers_resource("arn:aws:s3:::b", {})
    assert not statement.applies("ec2:x", "arn:aws:s3:::b", {})


def test_a_statement_without_resources_covers_what_it_belongs_to():
    statement = Statement(effect=Effect.ALLOW, actions=("sts:AssumeRole",))
    assert statement.covers_resource("arn:aws:iam::111111111111:role/r", {})
    assert statement.applies("sts:assumerole", "arn:aws:iam::111111111111:role/r", {})


def test_principals_and_exceptions_to_principals():
    named = (PolicyPrincipal(type=PrincipalType.SERVICE, value="s3.amazonaws.com"),)
    service = ServicePrincipal(name="s3.amazonaws.com")
    only = Statement(effect=Effect.DENY, actions=("*",), principals=named)
    but = Statement(effect=Effect.DENY, actions=("*",), not_principals=named)
    assert only.names(service) is NamedAs.DIRECT
    assert only.names(Anonymous()) is None
    assert but.names(service) is None
    assert but.names(Anonymous()) is NamedAs.DIRECT


def test_a_policy_sorts_its_statements():
    allow = Statement(effect=Effect.ALLOW, actions=("*",))
    deny = Statement(effect=Effect.DENY, actions=("*",))
    policy = Policy(version="2012-10-17", statements=(allow, deny))
    assert (policy.allows, policy.denies) == ((allow,), (deny,))
    assert policy == Policy(version="2012-10-17", statements=(allow, deny))


@pytest.mark.parametrize("key", ["aws:CurrentTime", "AWS:epochtime", "aws:sourceip"])
def test_a_policy_that_may_depend_on_the_time_says_so(key: str):
    within = Condition(operator="StringEquals", key=key, values=("1",), is_deny=True)
    alike = Condition(operator="StringEquals", key="aws:a", values=(f"${{{key}}}",), is_deny=True)
    statements = [
        Statement(effect=Effect.DENY, actions=("s3:*",), resources=("*",), conditions=(WHEN, within)),
        Statement(effect=Effect.DENY, actions=("s3:*",), resources=("*",), conditions=(alike,)),
        Statement(effect=Effect.ALLOW, actions=("s3:*",), resources=(f"arn:aws:s3:::b/${{{key}}}",)),
        Statement(effect=Effect.ALLOW, actions=("s3:*",), not_resources=(f"arn:aws:s3:::b/${{{key}}}",)),
    ]
    for statement in statements:
        policy = Policy(version="2012-10-17", statements=(statement,))
        assert policy.tells_time is (key != "aws:sourceip")
